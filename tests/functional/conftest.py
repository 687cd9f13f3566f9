"""One Altus for all tests of the whole system: real manager and agent processes on real libvirt, QEMU and OVN.

It is made when the first test asks for it. A test may break and change what it likes: afterwards everything is started
again, what the test made is removed, and `altus doctor` must find that all agrees and no file is left.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from altus.common.units import MIB
from devkit import postgres
from testbed.administrator import Administrator
from testbed.strikes import Plan
from testbed.system import System

_LEASE = 3.0
_SMALL = 256 * MIB


@dataclass
class Bench:
    """The test machine has one libvirt and one OVN, so there is at most one system at a time."""

    kind: str = ""
    system: System | None = None
    files: set[str] = field(default_factory=set)
    _stack: ExitStack = field(default_factory=ExitStack)

    def have(self, kind: str) -> System:
        """The system of this kind: `sqlite`, `postgresql` with two managers, or `small` with little storage."""
        if self.system is None or self.kind != kind:
            self.clear()
            folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="altus-system-")))
            database = ""
            if kind == "postgresql":
                server = self._stack.enter_context(postgres.running())
                database = server.dsn(server.create_database())
            system = System(folder, database=database, managers=2 if database else 1, lease_seconds=_LEASE,
                            storage_size=_SMALL if kind == "small" else 0)  # fmt: skip
            self.system, self.kind = self._stack.enter_context(system), kind
            asyncio.run(_furnish(system))
            self.files = system.files()
        return self.system

    def clear(self) -> None:
        """End the system, with all that it made."""
        try:
            if self.system is not None:
                asyncio.run(_empty(self.system))
        finally:
            self.system = None
            self._stack.close()


async def _furnish(system: System) -> None:
    async with system.client() as altus:
        await Administrator(system, altus).furnish()


async def _empty(system: System) -> None:
    system.revive()
    async with system.client() as altus:
        await Administrator(system, altus).tidy(kept=frozenset())


@pytest.fixture(scope="session")
def bench() -> Iterator[Bench]:
    """Where the system stands."""
    bench = Bench()
    yield bench
    bench.clear()


@pytest.fixture
def system(bench: Bench) -> System:
    """The system on SQLite."""
    return bench.have("sqlite")


@pytest.fixture
def pair(bench: Bench) -> System:
    """The system on PostgreSQL, with two managers."""
    return bench.have("postgresql")


@pytest.fixture
def small(bench: Bench) -> System:
    """The system on SQLite whose storage is soon full."""
    return bench.have("small")


@pytest.fixture
async def admin(system: System, bench: Bench) -> AsyncIterator[Administrator]:
    """The administrator of `system`, who puts it in order after the test."""
    async with system.client() as altus:
        admin = Administrator(system, altus)
        yield admin
        await _put_in_order(admin, bench)


@pytest.fixture
async def pair_admin(pair: System, bench: Bench) -> AsyncIterator[Administrator]:
    """The administrator of `pair`."""
    async with pair.client() as altus:
        admin = Administrator(pair, altus)
        yield admin
        await _put_in_order(admin, bench)


@pytest.fixture
async def small_admin(small: System, bench: Bench) -> AsyncIterator[Administrator]:
    """The administrator of `small`."""
    async with small.client() as altus:
        admin = Administrator(small, altus)
        yield admin
        await _put_in_order(admin, bench)


async def _put_in_order(admin: Administrator, bench: Bench) -> None:
    admin.system.strikes.write(Plan())
    admin.system.hook.unlink(missing_ok=True)
    await asyncio.to_thread(admin.system.revive)
    await admin.host_up()
    await admin.tidy()
    await admin.healthy()
    kept = {vm.disks[0].volume_id for vm in (await admin.altus.vms.page()).items}
    left = {file for file in admin.system.files() - bench.files if not any(volume in file for volume in kept)}
    assert not left, f"files that belong to nothing: {sorted(left)}"
