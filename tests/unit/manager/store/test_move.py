"""Moving between databases: all of it, once, whatever interrupts it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from altus.common.errors import Conflict
from altus.common.ids import new_id
from altus.manager.store import events, migrate, move
from altus.manager.store import lease as leases
from altus.manager.store.database import Database, Tx
from altus.manager.store.resources import VM
from altus.manager.store.tables import EVENTS, LEASES, Event
from altus.model.vm import Vm, VmHardware

Pair = tuple[Database, Database]
Content = dict[str, list[tuple[Any, ...]]]


class BrokenOffError(Exception):
    """The move is interrupted here."""


@pytest.fixture(params=[("sqlite", "postgresql"), ("postgresql", "sqlite")], ids=["to postgresql", "to sqlite"])
def pair(request: pytest.FixtureRequest, new_url: Callable[[str], str]) -> Iterator[Pair]:
    """Two fresh databases of different kinds; the first one has been worked with."""
    source, target = (Database(new_url(backend)) for backend in request.param)
    yield source, target
    source.close()
    target.close()


pytestmark = pytest.mark.postgresql


def _work(tx: Tx) -> None:
    """More rows than one piece, a number that was given and taken away again, a lease that was held."""
    for number in range(1200):
        VM.insert(tx, Vm(id=new_id(), name=f"vm{number}", hardware=VmHardware(), tags=("a", "ß"), observed=2**53 + 1))
    tx.execute(EVENTS.table.delete().where(EVENTS.table.c.seq > 1000))
    leases.acquire(tx, "old manager", 60.0)
    leases.acquire(tx, "old manager", -1.0, force=True)


def _content(tx: Tx) -> Content:
    tables = [table for table in migrate.metadata().sorted_tables if table is not LEASES]
    return {table.name: sorted(tuple(row) for row in tx.execute(sa.select(table))) for table in tables}


def _arrived(_tx: Tx) -> None:
    """Nothing more to write."""


async def test_all_is_there_and_goes_on(pair: Pair) -> None:
    source, target = pair
    await source.write(_work)
    before = await source.read(_content)
    await move.move(source, target, _arrived)
    assert await target.read(_content) == before
    assert len(before["vms"]) == 1200
    await target.read(move.require_home)
    lease = await target.write(lambda tx: leases.acquire(tx, "new manager", 60.0))
    assert lease is not None
    assert lease.epoch == 3
    await target.write(lambda tx: events.emit(tx, Event(kind="vm.updated", noun="vm", object_id="x")))
    assert (await target.read(lambda tx: events.after(tx, 1000)))[-1].object_id == "x"


async def test_the_old_one_says_where_it_went_and_lets_nobody_in(pair: Pair) -> None:
    source, target = pair
    await move.move(source, target, _arrived)
    with pytest.raises(Conflict) as caught:
        await source.read(move.require_home)
    assert caught.value.code == "database.moved"
    assert target.url.render_as_string(hide_password=True) in caught.value.message
    assert await source.write(lambda tx: leases.acquire(tx, "late", 60.0)) is None


async def test_it_can_be_moved_back_over_what_was_left(pair: Pair) -> None:
    source, target = pair
    await source.write(_work)
    await move.move(source, target, _arrived)
    vm = await target.write(lambda tx: VM.insert(tx, Vm(id=new_id(), name="made there", hardware=VmHardware())))
    await move.move(target, source, _arrived)
    await source.read(move.require_home)
    assert (await source.read(lambda tx: VM.get(tx, vm.id))).name == "made there"


@pytest.mark.parametrize("moment", ["copying", "leaving", "arriving"])
async def test_broken_off_it_is_whole_in_one_place_and_can_be_finished(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    source, target = pair
    await source.write(_work)
    before = await source.read(_content)

    def breaks(*_: object) -> None:
        raise BrokenOffError

    with monkeypatch.context() as broken:
        if moment != "arriving":
            broken.setattr(move, {"copying": "_count_on", "leaving": "_leave"}[moment], breaks)
        with pytest.raises(BrokenOffError):
            await move.move(source, target, breaks if moment == "arriving" else _arrived)
    homes = [await _is_home(database) for database in pair]
    assert homes == [moment != "arriving", moment == "copying"], "a target nothing came to is like a fresh one"
    assert await source.read(_content) == before
    await move.move(source, target, _arrived)
    assert await target.read(_content) == before
    assert [await _is_home(database) for database in pair] == [False, True]


async def _is_home(database: Database) -> bool:
    try:
        await database.read(move.require_home)
    except Conflict:
        return False
    return True


async def test_not_over_something_in_use(pair: Pair) -> None:
    source, target = pair
    await target.write(lambda tx: VM.insert(tx, Vm(id=new_id(), name="its own", hardware=VmHardware())))
    with pytest.raises(Conflict) as caught:
        await move.move(source, target, _arrived)
    assert caught.value.code == "database.not_empty"
    await source.read(move.require_home)


async def test_not_while_a_manager_works(pair: Pair) -> None:
    source, target = pair
    await source.write(lambda tx: leases.acquire(tx, "busy", 60.0))
    if source.is_sqlite:  # nobody else can have opened it
        await move.move(source, target, _arrived)
        return
    with pytest.raises(Conflict) as caught:
        await move.move(source, target, _arrived)
    assert caught.value.code == "database.in_use"


async def test_once_moved_it_is_not_moved_elsewhere(pair: Pair, new_url: Callable[[str], str]) -> None:
    source, target = pair
    await move.move(source, target, _arrived)
    third = Database(new_url("postgresql"))
    with pytest.raises(Conflict) as caught:
        await move.move(source, third, _arrived)
    assert caught.value.code == "database.moved"
    third.close()
