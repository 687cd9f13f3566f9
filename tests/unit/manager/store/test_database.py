"""Writes: one line of them, shared commits, none lost, none half; reads that cannot write."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from altus.common.errors import Conflict, Internal, InvalidInput, Unavailable
from altus.common.ids import new_id
from altus.manager.store import events
from altus.manager.store.database import Database, Tx
from altus.manager.store.resources import NETWORK
from altus.manager.store.tables import NETWORKS, Event
from altus.model.network import Network


def network(name: str = "", **fields: Any) -> Network:
    return Network(id=new_id(), name=name or f"n-{new_id()}", cidr="10.0.0.0/24", gateway="10.0.0.1", **fields)


def names(tx: Tx) -> set[str]:
    return {found.name for found in NETWORK.all(tx)}


async def test_a_failing_write_takes_back_its_own_work_only(db: Database) -> None:
    def work(number: int) -> Callable[[Tx], int]:
        def write(tx: Tx) -> int:
            NETWORK.insert(tx, network(f"n{number}"))
            if number % 3 == 0:
                raise ValueError(f"number {number}")
            if number % 3 == 1:
                tx.execute(sa.text("INSERT INTO nowhere VALUES (1)"))
            return number

        return write

    results = await asyncio.gather(*(db.write(work(number)) for number in range(60)), return_exceptions=True)
    for number, result in enumerate(results):
        if number % 3 == 0:
            assert isinstance(result, ValueError)
        elif number % 3 == 1:
            assert isinstance(result, Internal)
        else:
            assert result == number
    assert await db.read(names) == {f"n{number}" for number in range(60) if number % 3 == 2}


async def test_writes_happen_in_the_order_in_which_they_were_asked_for(db: Database) -> None:
    seen: list[int] = []
    await asyncio.gather(*(db.write(lambda _tx, number=number: seen.append(number)) for number in range(200)))  # type: ignore[misc]
    assert seen == list(range(200))


async def test_what_waits_for_the_commit_is_called_once_it_is_visible_and_never_without_one(db: Database) -> None:
    called: list[str] = []
    visible: list[bool] = []

    def look() -> None:
        called.append("good")
        visible.append("good" in db._read(names))

    def good(tx: Tx) -> None:
        tx.on_commit(look)
        NETWORK.insert(tx, network("good"))
        assert not called

    def bad(tx: Tx) -> None:
        tx.on_commit(lambda: called.append("bad"))
        raise ValueError("no")

    results = await asyncio.gather(db.write(good), db.write(bad), return_exceptions=True)
    assert results[0] is None
    assert isinstance(results[1], ValueError)
    assert (called, visible) == (["good"], [True])


async def test_a_call_after_the_commit_that_fails_does_not_hide_the_result(db: Database) -> None:
    def explode() -> None:
        raise ZeroDivisionError

    def work(tx: Tx) -> str:
        tx.on_commit(explode)
        return "written"

    assert await db.write(work) == "written"


async def test_a_duplicate_is_a_conflict(db: Database) -> None:
    first = network()
    await db.write(lambda tx: NETWORK.insert(tx, first))
    row = NETWORKS.dump(network(first.name))
    with pytest.raises(Conflict) as caught:
        await db.write(lambda tx: tx.execute(NETWORK.table.insert().values(row)))
    assert caught.value.code == "database.duplicate"
    with pytest.raises(Conflict) as caught:
        await db.write(lambda tx: NETWORK.insert(tx, network(first.name)))
    assert caught.value.code == "network.name_taken"


@pytest.mark.postgresql
async def test_a_text_that_cannot_be_stored_is_the_askers_fault(new_url: Callable[[str], str]) -> None:
    db = Database(new_url("postgresql"))
    with pytest.raises(InvalidInput):
        await db.write(lambda tx: NETWORK.insert(tx, network("a\0b")))
    db.close()


async def test_reads_cannot_write(db: Database) -> None:
    with pytest.raises((Unavailable, Internal)):
        await db.read(lambda tx: NETWORK.insert(tx, network()))
    assert await db.read(names) == set()


@pytest.mark.parametrize("ask", [Database.read, Database.write], ids=["read", "write"])
async def test_the_log_tells_why_the_database_failed(db: Database, ask: Callable[..., Awaitable[Any]]) -> None:
    with capture_logs() as logs, pytest.raises(Internal):
        await ask(db, lambda tx: tx.execute(sa.text("SELECT lost FROM nowhere")))
    assert any("nowhere" in entry.get("error", "") for entry in logs)


async def test_a_read_sees_one_state_of_the_database(db: Database) -> None:
    loop = asyncio.get_running_loop()

    def look(tx: Tx) -> tuple[int, int]:
        before = len(names(tx))
        asyncio.run_coroutine_threadsafe(db.write(lambda tx: NETWORK.insert(tx, network())), loop).result(10)
        return before, len(names(tx))

    assert await db.read(look) == (0, 0)
    assert len(await db.read(names)) == 1


async def test_a_write_that_nobody_waits_for_any_more_is_still_whole(db: Database) -> None:
    job = asyncio.create_task(db.write(lambda tx: NETWORK.insert(tx, network("kept"))))
    await asyncio.sleep(0)
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)
    await db.write(lambda _tx: None)
    assert await db.read(names) == {"kept"}


async def test_closing_finishes_what_is_queued_and_refuses_more(new_url: Callable[[str], str]) -> None:
    url = new_url("sqlite")
    db = Database(url)
    jobs = [asyncio.create_task(db.write(lambda tx: NETWORK.insert(tx, network()))) for _ in range(20)]
    await asyncio.sleep(0)
    db.close()
    await asyncio.gather(*jobs)
    with pytest.raises(Unavailable):
        await db.write(lambda _tx: None)
    with pytest.raises(Unavailable):
        await db.read(names)
    again = Database(url)
    assert len(await again.read(names)) == 20
    again.close()


@pytest.mark.postgresql
async def test_two_managers_writing_at_once_lose_nothing_and_number_events_as_they_commit(
    new_url: Callable[[str], str],
) -> None:
    url = new_url("postgresql")
    managers = [Database(url), Database(url)]
    shared_network = network(mtu=0)
    await managers[0].write(lambda tx: NETWORK.insert(tx, shared_network))

    def count(tx: Tx) -> None:
        found = NETWORK.get(tx, shared_network.id)
        NETWORK.change(tx, found.id, mtu=found.mtu + 1)

    seen: list[int] = []

    async def follow() -> None:
        while len(seen) < 101:
            seen.extend(e.seq for e in await managers[0].read(lambda tx: events.after(tx, seen[-1] if seen else 0)))

    async with asyncio.timeout(60):
        await asyncio.gather(follow(), *(managers[number % 2].write(count) for number in range(100)))
    assert (await managers[1].read(lambda tx: NETWORK.get(tx, shared_network.id))).mtu == 100
    assert seen == await managers[1].read(lambda tx: [event.seq for event in events.after(tx, 0)])
    for manager in managers:
        manager.close()


@pytest.mark.postgresql
async def test_a_manager_frozen_inside_a_transaction_does_not_stop_the_other_one(new_url: Callable[[str], str]) -> None:
    url = new_url("postgresql")
    frozen, healthy = Database(url), Database(url)

    def freeze(tx: Tx) -> None:
        NETWORK.insert(tx, network("frozen"))
        time.sleep(4.5)  # the server gives it three seconds

    job = asyncio.create_task(frozen.write(freeze))
    await asyncio.sleep(0.5)
    await healthy.write(lambda tx: NETWORK.insert(tx, network("healthy")))
    assert not job.done()
    with pytest.raises(Unavailable):
        await job
    assert await frozen.read(names) == {"healthy"}
    frozen.close()
    healthy.close()


async def test_events_wake_whoever_waits_and_come_in_order(db: Database) -> None:
    seen = db.news.count
    waiting = asyncio.create_task(db.news.wait(seen, 10.0))
    await asyncio.sleep(0)
    await asyncio.gather(*(db.write(lambda tx, n=n: NETWORK.insert(tx, network(f"n{n}"))) for n in range(30)))  # type: ignore[misc]
    assert await waiting > seen
    found = await db.read(lambda tx: events.after(tx, 0))
    assert [event.data["name"] for event in found] == [f"n{n}" for n in range(30)]
    assert [event.seq for event in found] == sorted({event.seq for event in found})
    assert await db.read(lambda tx: events.after(tx, found[9].seq, limit=5)) == found[10:15]
    assert await db.read(lambda tx: events.of_object(tx, found[3].object_id)) == [found[3]]
    assert await db.news.wait(db.news.count, 0.01) == db.news.count


async def test_a_number_is_never_given_again(db: Database) -> None:
    event = Event(kind="a.b", noun="a", object_id="x")
    await db.write(lambda tx: events.emit(tx, event))
    last = await db.read(events.last)
    await db.write(lambda tx: tx.execute(sa.text("DELETE FROM events")))
    assert await db.read(events.last) == 0
    await db.write(lambda tx: events.emit(tx, event))
    assert await db.read(events.last) > last
