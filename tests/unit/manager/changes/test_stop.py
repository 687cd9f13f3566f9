"""A guest that is asked to power off before it can hear it is asked again as soon as its agent is heard of."""

from __future__ import annotations

import asyncio

import pytest

from altus.manager.tasks import vm_power
from altus.model.task import TaskState
from altus.model.vm import VmState
from altus.wire import vms as shapes
from tests.unit.manager.changes.interference import Interference
from tests.unit.manager.changes.site import ADMIN, Site


async def test_a_guest_that_still_boots_stops_when_it_is_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vm_power, "_ASK_AGAIN", 3600.0)
    hypervisor, agents = site.agents.hosts[site.host_id].hypervisor, Interference(site.agents)
    hypervisor.boots = False
    async with site.running(agents, watch=True):
        vm = await site.new_vm(start=True)
        task = await site.submit(site.power.stop(ADMIN, vm.id, shapes.VmStop()))
        while "vm.observe" not in agents.calls:  # it was asked, and is looked at since
            await asyncio.sleep(0)
        hypervisor.others.end_boot(vm.id)
        assert (await site.ended(task)).state is TaskState.SUCCEEDED
    assert (await site.vm(vm.id)).state is VmState.STOPPED
    assert agents.calls.count("vm.shutdown") == 2
