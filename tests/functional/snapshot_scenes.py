"""The scenes of snapshots: `scenes.py` has the others. What a disk holds is written and read as a guest would."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Awaitable, Callable

from altus.common.units import MIB
from altus.model.task import TaskState
from altus.model.vm import VmState
from altus.wire.snapshots import SnapshotCreate
from altus.wire.tasks import TaskView
from altus.wire.vms import VmView
from testbed.administrator import Administrator
from testbed.patience import until

Go = Callable[[Awaitable[TaskView]], Awaitable[TaskView]]
Scene = Callable[[Administrator, Go], Awaitable[None]]
_AFTER_QEMU = (VmState.CRASHED, VmState.STOPPED)
SNAPSHOT_SCENES: dict[str, Scene] = {}


def _scene(name: str) -> Callable[[Scene], Scene]:
    def add(scene: Scene) -> Scene:
        SNAPSHOT_SCENES[name] = scene
        return scene

    return add


def _done(task: TaskView) -> bool:
    return task.state is TaskState.SUCCEEDED


async def _snapshots(admin: Administrator, number: int, *, start: bool = False) -> tuple[VmView, list[str]]:
    """A VM that is off, whose disk begins with the number of the last of so many snapshots; their ids."""
    vm = await admin.vm(image=None, disk_size=4 * MIB, memory=64 * MIB)
    taken = []
    for one in range(1, number + 1):
        await _write(admin, vm, one)
        await admin.altus.snapshots.create(vm.id, SnapshotCreate(name=f"s{one}")).run()
        taken.append((await admin.altus.snapshots.get(vm.id, f"s{one}")).id)
    if start:
        await admin.altus.vms.start(vm.id).run()
    return vm, taken


def _disk(admin: Administrator, vm: VmView) -> str:
    return str(admin.system.storage / "volumes" / f"{vm.disks[0].volume_id}.qcow2")


async def _io(*arguments: str) -> None:
    done = await asyncio.to_thread(subprocess.run, ("qemu-io", "-f", "qcow2", *arguments), check=True,
                                   capture_output=True, text=True)  # fmt: skip
    assert "verification failed" not in done.stdout + done.stderr


async def _write(admin: Administrator, vm: VmView, number: int) -> None:
    await _io("-c", f"write -P {number} 0 64k", "-c", f"write -P {number} {number}28k 64k", _disk(admin, vm))


async def _reads(admin: Administrator, vm: VmView, number: int) -> None:
    """The disk is as it was when this snapshot was taken."""
    reads = [f"read -P {one} {one}28k 64k" for one in range(1, number + 1)]
    await _io("-r", *(word for one in (f"read -P {number} 0 64k", *reads) for word in ("-c", one)), _disk(admin, vm))


async def _names(admin: Administrator, vm: VmView) -> set[str]:
    return {one.name for one in (await admin.altus.snapshots.page(vm.id)).items}


@_scene("snapshot.create")
async def _snapshot_create(admin: Administrator, go: Go) -> None:
    vm, _ = await _snapshots(admin, 1)
    task = await go(admin.altus.snapshots.create(vm.id, SnapshotCreate(name="s2")))
    assert ("s2" in await _names(admin, vm)) is _done(task)
    await _reads(admin, vm, 1)


@_scene("snapshot.create (of a running VM)")
async def _snapshot_create_running(admin: Administrator, go: Go) -> None:
    vm, _ = await _snapshots(admin, 1, start=True)
    task = await go(admin.altus.snapshots.create(vm.id, SnapshotCreate(name="s2")))
    await admin.host_up()
    assert ("s2" in await _names(admin, vm)) is _done(task)
    await admin.altus.vms.suspend(vm.id).run()
    await admin.altus.vms.start(vm.id).run()  # from its saved memory, on the same disks
    await admin.altus.vms.kill(vm.id).run()
    await _reads(admin, vm, 1)
    await admin.altus.snapshots.delete(vm.id, "s1").run()
    await admin.altus.vms.start(vm.id).run()


@_scene("snapshot.revert")
async def _snapshot_revert(admin: Administrator, go: Go) -> None:
    vm, (first, _) = await _snapshots(admin, 2)
    task = await go(admin.altus.snapshots.revert(vm.id, first))
    assert (await admin.altus.snapshots.get(vm.id, first)).current is _done(task)
    await _reads(admin, vm, 1 if _done(task) else 2)


@_scene("snapshot.revert (of a running VM)")
async def _snapshot_revert_running(admin: Administrator, go: Go) -> None:
    vm, (first, _) = await _snapshots(admin, 2, start=True)
    task = await go(admin.altus.snapshots.revert(vm.id, first))
    await admin.in_state(vm.id, VmState.RUNNING, *_AFTER_QEMU)
    await admin.host_up()
    await admin.altus.vms.kill(vm.id).run()
    await _reads(admin, vm, 1 if _done(task) else 2)


@_scene("snapshot.delete")
async def _snapshot_delete(admin: Administrator, go: Go) -> None:
    vm, (_, second, _) = await _snapshots(admin, 3)
    await go(admin.altus.snapshots.delete(vm.id, second))
    assert await _names(admin, vm) == {"s1", "s3"}
    await _reads(admin, vm, 3)
    await admin.host_up()
    await admin.altus.snapshots.revert(vm.id, "s1").run()
    await _reads(admin, vm, 1)


@_scene("snapshot.merge")
async def _snapshot_merge(admin: Administrator, go: Go) -> None:
    """The deletion of a snapshot asks for it. Where it fails that fails, too, and can be asked for again."""
    vm, (first, _) = await _snapshots(admin, 2)
    its = ("kind:snapshot.merge", f"object_id:{vm.disks[0].volume_id}")

    async def merged() -> TaskView:
        await admin.altus.snapshots.delete(vm.id, first)

        async def look() -> TaskView | None:
            return next(iter((await admin.altus.tasks.page(its)).items), None)

        return await until(look, "it is merged")

    async def deletion_ended() -> TaskView | None:
        (found,) = (await admin.altus.tasks.page(("kind:snapshot.delete", f"object_id:{first}"))).items
        return found if found.state.finished else None

    task = await go(merged())
    deletion = await until(deletion_ended, "the deletion has ended")
    assert _done(deletion) is _done(task)
    if not _done(task):
        await _reads(admin, vm, 2)
        await admin.host_up()
        await admin.altus.snapshots.delete(vm.id, first).run()
    await _reads(admin, vm, 2)
