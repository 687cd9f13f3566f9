"""Many at once on one thing: nothing is refused because something else is busy, and nothing is done half."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from altus.common.errors import AltusError
from altus.common.units import MIB
from altus.model.task import TaskState
from altus.model.vm import VmState
from altus.sdk.changes import Change
from altus.wire.vms import VmEdit, VmRestart
from testbed.administrator import Administrator
from testbed.patience import GUEST
from testbed.strikes import AGENT, MANAGER

pytestmark = pytest.mark.functional
_REQUESTS = 50
_HONEST = ("vm.state", "vm.wrong_state", "host.unreachable")
"""Why one of them may fail: what the others did to the VM meanwhile, or the agent that is away."""


def _asked(admin: Administrator, vm_id: str, number: int) -> Change:
    vms = admin.altus.vms
    verbs = (
        lambda: vms.start(vm_id),
        lambda: vms.pause(vm_id),
        lambda: vms.kill(vm_id),
        lambda: vms.resume(vm_id),
        lambda: vms.restart(vm_id, VmRestart(force=True)),
        lambda: vms.edit(vm_id, VmEdit(description=f"request {number}")),
        lambda: vms.suspend(vm_id),
    )
    return verbs[number % len(verbs)]()


async def _submit(change: Change) -> str | AltusError:
    """The task's id, or why there is none."""
    try:
        return (await change).id
    except AltusError as error:
        return error


@pytest.mark.parametrize("dies", [(), (MANAGER,), (AGENT,)], ids=["calm", "manager dies", "agent dies"])
async def test_fifty_conflicting_requests_on_one_vm(admin: Administrator, dies: tuple[str, ...]) -> None:
    vm = await admin.vm(image=None, disk_size=MIB, memory=64 * MIB)
    asked = [_asked(admin, vm.id, number) for number in range(_REQUESTS)]
    first = await _submit(asked[0])  # a VM on which nothing is under way refuses what it cannot do as it is
    answers = [first, *await asyncio.gather(*map(_submit, asked[1:]))]
    ids = [answer for answer in answers if isinstance(answer, str)]
    assert {answer.code for answer in answers if isinstance(answer, AltusError)} <= {"vm.state"}
    assert len(ids) > _REQUESTS // 2, "while something is under way, the others wait for their turn"
    for name in dies:
        await asyncio.to_thread(admin.system.restart, name)
    async with asyncio.timeout(2 * GUEST):
        tasks = [await admin.altus.tasks.wait(task_id) for task_id in ids]
    for task in tasks:
        assert task.state in (TaskState.SUCCEEDED, TaskState.FAILED)
        assert task.state is TaskState.SUCCEEDED or (task.error or {})["code"] in _HONEST, task
    spans = sorted((task.started_at, task.finished_at) for task in tasks if task.started_at and task.finished_at)
    assert all(ended <= begun for (_, ended), (begun, _) in itertools.pairwise(spans)), "one at a time"
    await admin.in_state(vm.id, *(set(VmState) - {VmState.UNKNOWN, VmState.FAILED}))
    await admin.healthy()
