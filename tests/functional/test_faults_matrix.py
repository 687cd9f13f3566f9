"""kill -9 at every step of every task type, on the real thing.

What is walked, for every scene (`scenes.py`: one or more for each of TASK_TYPES), each kill once and in turn:

manager    forward: after the check, and before and after the work and after the checkpoint of every step
           back: the last step before the point of no return fails after its work; then before and after every undo and
           after its checkpoint
agent      forward: before and after every step · midst: 30 ms into every step · back: before and after every undo
libvirtd   the same, for tasks on VMs: nothing else asks it
QEMU       forward, for tasks on VMs that may run meanwhile
OVN        northbound database and ovs-vswitchd, forward, for tasks that change networks, ports or rules

After each kill what died is started again; then the task must go on within 10 s (times the machine's slowness, see
`testbed/patience.py`). At its end the objects must be as the scene demands, `altus doctor` must find nothing, and once
all is deleted no file may be left (`conftest.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from altus.manager.tasks.load import TASK_TYPES
from altus.model.task import TaskState
from testbed.administrator import Administrator
from testbed.strikes import AGENT, MANAGER, QEMU
from testbed.walk import Course, Walk, plan, way_back
from tests.functional import scenes_floating_ips, scenes_routers, scenes_snapshot_schedules  # noqa: F401  # add their scenes
from tests.functional.scenes import SCENES, kind_of, missing

pytestmark = pytest.mark.functional
_SUCCEEDED, _FAILED = frozenset({TaskState.SUCCEEDED}), frozenset({TaskState.FAILED})
_PORTS = ("vm.create", "vm.edit", "vm.edit_nic", "vm.delete", "network.create", "network.delete", "security_group.edit",
          "floating_ip.attach", "floating_ip.detach", "forward.create", "forward.delete", "router.attach",
          "router.detach")  # fmt: skip
_WITHOUT_PROCESS = ("vm.clone", "vm.delete")


def _walks() -> Iterator[tuple[str, str, Course]]:
    for name in SCENES:
        kind = TASK_TYPES[kind_of(name)]
        courses = [Course.FORWARD, Course.MIDST, *([Course.BACK] if way_back(kind) else [])]
        yield from ((name, MANAGER, course) for course in courses if course is not Course.MIDST)
        yield from ((name, AGENT, course) for course in courses)
        if kind.noun == "vm" or "running VM" in name:
            yield from ((name, "libvirtd", course) for course in courses)
            if kind.kind not in _WITHOUT_PROCESS:
                yield name, QEMU, Course.FORWARD
        if kind.kind in _PORTS:
            yield from ((name, service, Course.FORWARD) for service in ("ovn-nb", "ovs-vswitchd"))


WALKS = list(_walks())


def test_every_task_type_has_a_scene() -> None:
    assert missing() == set()


@pytest.mark.parametrize(("name", "target", "course"), WALKS, ids=["-".join(walk) for walk in WALKS])
async def test_kills(admin: Administrator, name: str, target: str, course: Course) -> None:
    outcomes = _FAILED if course is Course.BACK else _SUCCEEDED
    if target == QEMU:
        outcomes = _SUCCEEDED | _FAILED  # what is asked of a dead VM may be impossible; the truth is what counts
    walk = Walk(admin, plan(TASK_TYPES[kind_of(name)], course, target), outcomes)
    await SCENES[name](admin, walk.go)
    await admin.healthy()
