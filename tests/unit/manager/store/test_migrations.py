"""Migrations lead to just the tables that the code declares."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from altus.common.errors import Conflict
from altus.manager.store import migrate, tasks
from altus.manager.store.database import Database, Tx
from altus.manager.store.resources import HOST, VM
from altus.manager.store.tables import HOSTS, TASKS, VMS
from altus.model.host import Host
from altus.model.placement import VmPlacement
from altus.model.pool import DEFAULT_POOL
from altus.model.task import Task, TaskState, exclusive, shared
from altus.model.vm import Vm, VmHardware
from devkit import postgres
from tests.conftest import BOTH


@pytest.fixture(params=BOTH)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without tables."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path}/empty.db")
    else:
        server: postgres.Postgres = request.getfixturevalue("postgresql")
        database = Database(server.dsn(server.create_database()))
    yield database
    database.close()


def _differences(tx: Tx) -> object:
    context = MigrationContext.configure(tx.connection, opts={"compare_type": True, "compare_server_default": True})
    return compare_metadata(context, migrate.metadata())


def _tables(tx: Tx) -> set[str]:
    return set(sa.inspect(tx.connection).get_table_names())


async def test_all_migrations_lead_to_the_declared_tables(empty: Database) -> None:
    """If this fails: `python -m altus.manager.store.revisions rewrite` (or `revision "…"` once there was a release)."""
    await migrate.upgrade(empty)
    assert await empty.write(_differences) == []


async def test_migrating_again_changes_nothing(empty: Database) -> None:
    await asyncio.gather(migrate.upgrade(empty), migrate.upgrade(empty))
    await migrate.upgrade(empty)
    assert await empty.write(_differences) == []


async def test_migrations_can_be_taken_back(empty: Database) -> None:
    await migrate.upgrade(empty)
    await migrate.downgrade(empty, "base")
    assert await empty.read(_tables) == {"alembic_version"}
    await migrate.upgrade(empty)
    assert await empty.write(_differences) == []


async def test_hosts_and_vms_of_the_first_version_are_kept(empty: Database) -> None:
    """Their rows get what was not known then: the default pool, no tags, no wishes about placement."""
    await migrate.upgrade(empty, "0001")

    def furnish(tx: Tx) -> None:
        for record, value in ((HOSTS, Host(id="h", name="h")), (VMS, Vm(id="v", name="v", hardware=VmHardware()))):
            there = {column["name"] for column in sa.inspect(tx.connection).get_columns(record.table.name)}
            row = {name: cell for name, cell in record.dump(value).items() if name in there}  # type: ignore[arg-type]
            tx.execute(sa.insert(record.table).values(row))

    await empty.write(furnish)
    await migrate.upgrade(empty)
    (host,), (vm,) = await empty.read(lambda tx: (HOST.all(tx), VM.all(tx)))
    assert (host.pool_id, host.maintenance, host.tags) == (DEFAULT_POOL, False, ())
    assert vm.placement == VmPlacement()


async def test_claims_of_tasks_queued_by_an_older_version_are_known(empty: Database) -> None:
    await migrate.upgrade(empty, "0010")
    locks = (exclusive("vm", "v"), shared("network", "n"))
    there = Task(id="t", kind="t", title="T", noun="vm", object_id="v", arguments={}, locks=locks)
    ended = dataclasses.replace(there, id="e", state=TaskState.FAILED)

    def furnish(tx: Tx) -> None:
        for task in (there, ended):
            row = TASKS.dump(task)
            del row["seq"]
            tx.execute(sa.insert(TASKS.table).values(row))

    await empty.write(furnish)
    await migrate.upgrade(empty)
    for lock in (exclusive("vm", "v"), exclusive("network", "n"), shared("vm", "v")):
        assert [task.id for task in await empty.read(lambda tx, lock=lock: tasks.competing(tx, [lock]))] == ["t"]  # type: ignore[misc]
    assert await empty.read(lambda tx: tasks.competing(tx, [shared("network", "n")])) == []


async def test_a_failing_migration_leaves_the_database_as_it_was(empty: Database) -> None:
    await empty.write(lambda tx: tx.execute(sa.text("CREATE TABLE vms (id TEXT)")))
    with pytest.raises(Exception, match="wrong"):
        await migrate.upgrade(empty)
    assert await empty.read(_tables) == {"vms"}


async def test_a_database_of_a_newer_version_is_refused(empty: Database) -> None:
    await migrate.upgrade(empty)
    await empty.write(lambda tx: tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(Conflict) as caught:
        await migrate.upgrade(empty)
    assert caught.value.code == "database.newer"


async def test_numbers_are_counted_up_for_ever_on_sqlite(new_url: Callable[[str], str]) -> None:
    database = Database(new_url("sqlite"))
    made = await database.read(lambda tx: tx.execute(sa.text("SELECT name, sql FROM sqlite_master")).all())
    counted = {row.name for row in made if row.sql and "AUTOINCREMENT" in row.sql}
    assert counted == {"tasks", "events"}
    database.close()
