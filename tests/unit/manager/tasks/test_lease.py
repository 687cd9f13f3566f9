"""One manager runs the tasks; when it is gone, frozen or cut off, another one does, and the first can write nothing."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Iterator

import pytest

from altus.common.errors import Conflict, Unavailable
from altus.manager.store import lease as leases
from altus.manager.store import migrate
from altus.manager.store.database import Database, LeaseLostError
from altus.model.task import TaskState
from devkit import postgres
from tests.unit.manager.tasks.things import ONE, THREE, Place, eventually, running

SHORT = 0.3
LONG = 600.0


@pytest.fixture
def two(new_url: Callable[[str], str]) -> Iterator[tuple[Place, Place]]:
    """Two managers' connections to one PostgreSQL database, and one host."""
    url = new_url("postgresql")
    first, second = Database(url), Database(url)
    places = Place.new(first), Place.new(second)
    places[1].things = places[0].things
    places[1].world = dataclasses.replace(places[0].world, db=second)
    yield places
    first.close()
    second.close()


async def test_a_lease_is_taken_once_and_again_after_its_end(db: Database) -> None:
    first = await db.write(lambda tx: leases.acquire(tx, "one", LONG))
    assert first is not None
    assert first.epoch == 1
    assert await db.write(lambda tx: leases.acquire(tx, "two", SHORT)) is None
    prolonged = await db.write(lambda tx: leases.renew(tx, first, LONG))
    assert prolonged.expires_at > first.expires_at
    renewed = await db.write(lambda tx: leases.renew(tx, first, SHORT))
    second = None
    async with asyncio.timeout(60):
        while second is None:
            second = await db.write(lambda tx: leases.acquire(tx, "two", SHORT))
            await asyncio.sleep(0.01)
    assert second.epoch == 2
    assert await db.read(lambda tx: tx.now()) >= renewed.expires_at
    with pytest.raises(LeaseLostError):
        await db.write(lambda tx: leases.renew(tx, first, SHORT))
    with pytest.raises(LeaseLostError):
        await db.write(lambda tx: leases.give_up(tx, first))
    assert await db.read(leases.current) == second


async def test_a_lease_nobody_else_had_since_is_taken_back_at_once(db: Database) -> None:
    first = await db.write(lambda tx: leases.acquire(tx, "one", 60.0))
    again = await db.write(lambda tx: leases.acquire(tx, "one", 60.0, own=first))
    assert again is not None
    assert again.epoch == 2
    assert await db.write(lambda tx: leases.acquire(tx, "one", 60.0, own=first)) is None


async def test_a_lease_given_up_is_free(db: Database) -> None:
    first = await db.write(lambda tx: leases.acquire(tx, "one", 60.0))
    assert first is not None
    await db.write(lambda tx: leases.give_up(tx, first))
    second = await db.write(lambda tx: leases.acquire(tx, "two", 60.0))
    assert second is not None
    assert (second.holder, second.epoch) == ("two", 2)


async def test_the_lease_is_renewed_while_the_engine_serves(place: Place) -> None:
    async with running(place, lease_seconds=SHORT) as engine:
        await place.until(engine, (await place.submit(ONE)).id)
        first = await place.db.read(leases.current)
        assert first is not None
        expired = first.expires_at
        await eventually(lambda: place.db.read(lambda tx: tx.now() > expired))
        now = await place.db.read(lambda tx: tx.now())
        later = await place.db.read(leases.current)
        assert later is not None
        assert (later.epoch, later.expires_at > now) == (1, True)


async def test_a_second_manager_on_sqlite_is_refused(sqlite_db: Database) -> None:
    with pytest.raises(Conflict) as caught:
        Database(sqlite_db.url)
    assert caught.value.code == "database.in_use"


@pytest.mark.postgresql
async def test_a_second_manager_takes_over_what_a_dead_one_left(two: tuple[Place, Place]) -> None:
    first, second = two
    first.things.hold = asyncio.Event()
    task = await first.submit(THREE, prefix="x")
    async with running(first, sole=False, lease_seconds=SHORT):
        await first.things.until(lambda: first.things.running == 1)
        async with running(second, sole=False, lease_seconds=SHORT) as engine:
            await asyncio.sleep(SHORT * 2)
            assert engine.lease is None  # as long as the first one lives
    await first.things.release()
    async with running(second, sole=False, lease_seconds=SHORT) as engine:
        (ended,) = await second.until(engine, task.id)
        assert engine.lease is not None
        assert engine.lease.epoch == 2
    assert ended.state is TaskState.SUCCEEDED
    assert await second.number(task.object_id) == 3


@pytest.mark.postgresql
async def test_a_frozen_manager_that_wakes_up_can_write_nothing(two: tuple[Place, Place]) -> None:
    """The first one stops renewing and its step hangs; the second one takes over; then the first one wakes up."""
    first, second = two
    frozen, real_write = asyncio.Event(), first.db.write
    thaw = asyncio.Event()
    refused: list[Exception] = []
    was_refused = asyncio.Event()

    async def write(work: Callable[..., object]) -> object:
        if frozen.is_set():
            await thaw.wait()
        try:
            return await real_write(work)
        except LeaseLostError as error:
            refused.append(error)
            was_refused.set()
            raise

    first.things.hold = asyncio.Event()
    task = await first.submit(THREE, prefix="x")
    first.db.write = write  # type: ignore[method-assign,assignment]
    async with running(first, sole=False, lease_seconds=SHORT) as old:
        await first.things.until(lambda: first.things.running == 1)
        frozen.set()
        async with running(second, sole=False, lease_seconds=SHORT) as new:
            await second.things.until(lambda: second.things.running == 2)
            await second.things.release()
            (ended,) = await second.until(new, task.id)
            thaw.set()
            async with asyncio.timeout(60):
                await was_refused.wait()
            await eventually(lambda: asyncio.sleep(0, old.lease is None))
            assert new.lease is not None
            assert new.lease.epoch == 2
    assert ended.state is TaskState.SUCCEEDED
    assert await second.task(task.id) == ended
    assert await second.number(task.object_id) == 3


@pytest.mark.postgresql
async def test_the_engine_goes_on_after_the_database_was_killed_and_came_back() -> None:
    with postgres.running() as server:
        url = server.dsn(server.create_database())
        database = Database(url)
        await migrate.upgrade(database)
        place = Place.new(database)
        network = await place.new_object()
        tasks = [await place.submit(THREE, network, prefix=f"t{n}") for n in range(10)]
        tasks += [await place.submit(THREE, prefix=f"u{n}") for n in range(20)]
        async with running(place, sole=False, lease_seconds=1.0) as engine:
            await place.things.until(lambda: len(place.things.order) > 20)
            await asyncio.to_thread(server.kill)
            with pytest.raises(Unavailable):
                await place.db.read(lambda tx: tx.now())
            await asyncio.to_thread(server.start)
            ended = await place.until(engine, *(task.id for task in tasks))
        assert {task.state for task in ended} == {TaskState.SUCCEEDED}
        assert await place.number(network) == 30
        assert [await place.number(task.object_id) for task in tasks[10:]] == [3] * 20
        database.close()
