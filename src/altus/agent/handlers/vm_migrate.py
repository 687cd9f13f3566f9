"""Operations by which a VM moves from this host to another, or comes here."""

from __future__ import annotations

import asyncio
from functools import partial

from altus.agent.drivers import HostDrivers
from altus.agent.handlers.declare import Handler, Report
from altus.common.errors import Cancelled
from altus.drivers.hypervisor.base import Move
from altus.wire.operations import VM_ADMIT, VM_MIGRATE, VM_SETTLE, VmAdmit, VmAdmitted, VmMove, VmMoved, VmSettled


def _move(host: HostDrivers, request: VmMove, report: Report) -> Move:
    async def switch() -> None:
        for port_id in request.port_ids:
            await host.network.bind_port(port_id, request.place)

    return Move(reach=partial(host.peers.reach, request.to, request.vm_id), switch=switch, report=report,
                stop=asyncio.Event(), options=request.options,
                gone=not request.to.address, copies=request.copies)  # fmt: skip


async def _admit(host: HostDrivers, request: VmAdmit, _report: Report) -> VmAdmitted:
    host.admissions.admit(request.vm_id, request.host_id)
    return VmAdmitted(place=await host.network.place())


async def _migrate(host: HostDrivers, request: VmMove, report: Report) -> VmMoved:
    """Whoever breaks the call off only asks the driver to stop, which it does as long as the VM is still here."""
    move = _move(host, request, report)
    work = asyncio.ensure_future(host.hypervisor.migrations.leave(request.vm_id, move))
    while True:
        try:
            return VmMoved(facts=await asyncio.shield(work))
        except asyncio.CancelledError:
            if work.cancelled():
                raise
            move.stop.set()
        except Cancelled as error:
            raise asyncio.CancelledError from error


async def _settle(host: HostDrivers, request: VmMove, report: Report) -> VmSettled:
    left = await host.hypervisor.migrations.settle(request.vm_id, _move(host, request, report))
    return VmSettled(observation=await host.hypervisor.observe(request.vm_id), left=left)


def _about(request: VmMove | VmAdmit) -> str:
    return f"vm:{request.vm_id}"


HANDLERS = (
    Handler(operation=VM_ADMIT, run=_admit, about=_about),
    Handler(operation=VM_MIGRATE, run=_migrate, about=_about),
    Handler(operation=VM_SETTLE, run=_settle, about=_about),
)
