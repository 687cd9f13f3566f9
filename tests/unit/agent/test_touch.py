"""The agent says that something may be different, and only then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from altus.agent.touch import TouchWatcher
from altus.common.errors import Unavailable
from altus.common.ids import new_id
from altus.common.units import MIB
from altus.model.domain import DomainFacts
from altus.model.network import NetworkKind, NetworkSpec
from altus.model.vm import VmState
from altus.wire.agent import HostMessage, HostTouched
from testbed.local_hosts import LocalHost


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[LocalHost]:
    """One with fake drivers, whose own watchers do not run."""
    host = LocalHost(new_id(), tmp_path)
    yield host
    await host.core.close()


async def _define(host: LocalHost) -> None:
    host.hypervisor.others.define(DomainFacts(id=new_id(), name="legacy", state=VmState.STOPPED, ours=False,
                                              persistent=True, vcpus=1, memory=64 * MIB))  # fmt: skip


async def _network(host: LocalHost) -> None:
    await host.network.ensure_network(
        NetworkSpec(id=new_id(), kind=NetworkKind.ISOLATED, cidr="10.9.0.0/24", gateway="10.9.0.1")
    )


async def _volume(host: LocalHost) -> None:
    await host.storage.create_volume(new_id(), MIB)


async def _daemon(host: LocalHost) -> None:
    host.hypervisor.fail_next("sign", Unavailable("It is away.", code="hypervisor.unavailable"))


@pytest.mark.parametrize("change", [_define, _network, _volume, _daemon])
async def test_what_anybody_changes_is_told(host: LocalHost, change: object) -> None:
    told: asyncio.Queue[HostMessage] = asyncio.Queue()
    looked, sign = asyncio.Event(), host.network.sign

    async def noted() -> str:
        looked.set()
        return await sign()

    host.network.sign = noted  # type: ignore[method-assign]
    watching = asyncio.create_task(TouchWatcher(host.core.drivers, told.put_nowait, every=0.005).run())
    try:
        async with asyncio.timeout(10):
            for _ in range(3):
                looked.clear()
                await looked.wait()
            assert told.empty(), "nothing was changed yet"
            await change(host)  # type: ignore[operator]
            assert isinstance(await told.get(), HostTouched)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
