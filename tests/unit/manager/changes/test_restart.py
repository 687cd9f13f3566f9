"""A restart that is broken off half-way is taken up where it was."""

from __future__ import annotations

import asyncio

from altus.common.errors import Unavailable
from altus.common.units import MIB
from altus.model.task import TaskState
from altus.model.vm import VmState
from altus.model.vm_action import VmAction
from altus.wire import vms as vm_shapes
from altus.wire.operations import VM_START
from tests.unit.manager.changes.interference import Interference, Trouble
from tests.unit.manager.changes.site import ADMIN, SMALL, Site


async def test_restart_into_new_hardware_goes_on_from_off(site: Site) -> None:
    async with site.running():
        vm = await site.new_vm()
        await site.done(site.power.simple(ADMIN, vm.id, VmAction.START))
        await site.done(site.vms.edit(ADMIN, vm.id, vm_shapes.VmEdit(memory=SMALL + 64 * MIB)))
    task = await site.submit(site.power.restart(ADMIN, vm.id, vm_shapes.VmRestart(force=True)))

    async def lose_once_it_is_known_to_be_off() -> None:
        async with asyncio.timeout(30):
            while (now := await site.vm(vm.id)).restart_pending or now.state is not VmState.STOPPED:
                await site.db.news.wait(site.db.news.count, 1.0)
        raise Unavailable("The host does not answer.", code="host.unreachable")

    agents = Interference(site.agents, Trouble.MEDDLED, at=2, meddle=lose_once_it_is_known_to_be_off)
    async with site.running(agents, watch=True):
        ended = await site.ended(task)
    assert agents.calls[2] == VM_START.name
    assert ended.state is TaskState.SUCCEEDED, ended
    now = await site.vm(vm.id)
    assert (now.state, now.restart_pending) == (VmState.RUNNING, False)
    await site.require_healthy()
