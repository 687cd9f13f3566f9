"""For every task type a scene: what it needs, the change itself, and what must be true whether it was done or undone.

A scene is given `go`, which asks for a change and sees it through whatever befalls the system meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import Awaitable, Callable
from typing import Any

from altus.common.errors import Conflict, LimitExceeded, NotFound
from altus.common.pki import holds_key, open_key, serial
from altus.common.units import MIB
from altus.manager.tasks.load import TASK_TYPES
from altus.model.host import HostState
from altus.model.image import ImageState
from altus.model.network import NetworkState
from altus.model.security_group import Direction, Protocol
from altus.model.task import TaskState
from altus.model.vm import VmState
from altus.model.volume import VolumeState
from altus.sdk.resources import Resources
from altus.wire.resources import HostView, ImageBuild, ImageCreate, NetworkCreate, VolumeCreate, VolumeResize
from altus.wire.security_groups import SecurityGroupCreate, SecurityGroupEdit, SecurityGroupView, SecurityRuleCreate
from altus.wire.tasks import TaskView
from altus.wire.vms import (
    DiskCreate,
    DiskEdit,
    NicCreate,
    NicEdit,
    VmAdopt,
    VmClone,
    VmCreate,
    VmEdit,
    VmRestart,
    VmStop,
    VmView,
)
from testbed.administrator import IMAGE, NETWORK, Administrator, fresh
from testbed.patience import until
from tests.functional.foreign import FOREIGN_MAC, foreign_domain
from tests.functional.snapshot_scenes import SNAPSHOT_SCENES

Go = Callable[[Awaitable[TaskView]], Awaitable[TaskView]]
Scene = Callable[[Administrator, Go], Awaitable[None]]
_AFTER_QEMU = (VmState.CRASHED, VmState.STOPPED)
_HTTP = SecurityRuleCreate(direction=Direction.IN, protocol=Protocol.TCP, first_port=80)
_HTTPS = SecurityRuleCreate(direction=Direction.IN, protocol=Protocol.TCP, first_port=443)
SCENES: dict[str, Scene] = {**SNAPSHOT_SCENES}


def scene(name: str) -> Callable[[Scene], Scene]:
    """Registers a scene under its task type's kind, or `kind (what is special)`."""

    def add(played: Scene) -> Scene:
        SCENES[name] = played
        return played

    return add


def kind_of(name: str) -> str:
    """The task type of a scene."""
    return name.partition(" (")[0]


def done(task: TaskView) -> bool:
    """Whether the task was done; else it was undone."""
    return task.state is TaskState.SUCCEEDED


async def is_there(noun: Resources[Any], name: str) -> bool:
    """Whether the manager knows it."""
    try:
        await noun.get(name)
    except NotFound:
        return False
    return True


async def bare_vm(admin: Administrator, *, start: bool = False) -> VmView:
    """A VM that has nothing to boot: enough for its power, and quick."""
    return await admin.vm(image=None, disk_size=MIB, memory=64 * MIB, start=start)


# -- VMs ---------------------------------------------------------------------------------------------------------------


@scene("vm.create")
async def _vm_create(admin: Administrator, go: Go) -> None:
    body = VmCreate(name=fresh("vm"), image=IMAGE, memory=128 * MIB, start=True, nics=[NicCreate(network=NETWORK)],
                    disks=[DiskCreate(size=MIB)])  # fmt: skip
    task = await go(admin.altus.vms.create(body))
    assert await is_there(admin.altus.vms, body.name) is done(task)
    if done(task):
        vm = await admin.altus.vms.get(body.name)
        assert len(vm.disks) == 2
        runs = admin.system.qemu_pid(vm.id) is not None
        await admin.in_state(vm.id, *((VmState.RUNNING,) if runs else _AFTER_QEMU))


async def _clone(admin: Administrator, go: Go, *, linked: bool) -> None:
    source, name = await bare_vm(admin), fresh("clone")
    disk = source.disks[0].volume_id
    task = await go(admin.altus.vms.clone(source.id, VmClone(name=name, linked=linked)))
    assert await is_there(admin.altus.vms, name) is done(task)
    await admin.in_state(source.id, VmState.STOPPED)
    file = admin.system.storage / "volumes" / f"{disk}.qcow2"
    subprocess.run(["qemu-img", "check", "-q", str(file)], check=True)  # noqa: ASYNC221


@scene("vm.clone (linked)")
async def _clone_linked(admin: Administrator, go: Go) -> None:
    await _clone(admin, go, linked=True)


@scene("vm.clone (full)")
async def _clone_full(admin: Administrator, go: Go) -> None:
    await _clone(admin, go, linked=False)


@scene("vm.edit")
async def _vm_edit(admin: Administrator, go: Go) -> None:
    """Only a guest that is up lets go of devices. Whether it has what the database says, the doctor looks."""
    vm, volume = await admin.vm(disks=[DiskCreate(size=MIB)], start=True), await admin.volume(MIB)
    await admin.answers(vm.id)
    old, nic = vm.disks[1].volume_id, vm.nics[0].id
    body = VmEdit(vcpus=2, attach_volumes=[volume.id], detach_volumes=[old], add_nics=[NicCreate(network=NETWORK)],
                  remove_nics=[nic])  # fmt: skip
    task = await go(admin.altus.vms.edit(vm.id, body))
    after = await admin.altus.vms.get(vm.id)
    assert after.vcpus == (2 if done(task) else 1)
    assert (nic in {one.id for one in after.nics}) is not done(task)
    assert len(after.nics) == 1
    assert ((await admin.altus.volumes.get(volume.id)).vm_id == vm.id) is done(task)
    assert ((await admin.altus.volumes.get(old)).vm_id is None) is done(task)
    assert (f"placement='static'>{after.vcpus}</vcpu>") in admin.system.virsh("dumpxml", "--inactive", vm.id)


@scene("vm.edit_disk")
async def _edit_disk(admin: Administrator, go: Go) -> None:
    vm = await bare_vm(admin, start=True)
    body = DiskEdit.model_validate({"limits": {"total_iops": {"rate": 50}}})
    task = await go(admin.altus.vms.edit_disk(vm.id, vm.disks[0].volume_id, body))
    (disk,) = (await admin.altus.vms.get(vm.id)).disks
    assert (disk.limits.total_iops is not None) is done(task)


@scene("vm.repair")
async def _vm_repair(admin: Administrator, go: Go) -> None:
    """Of what is not repaired without being asked."""
    vm = await bare_vm(admin)
    admin.system.virsh("setmem", vm.id, "32768", "--config")
    task = await go(admin.altus.vms.repair(vm.id))
    if not done(task):  # what was put right stays so, done or not
        await admin.host_up()
        await admin.altus.vms.repair(vm.id).run()
    assert "32768</currentMemory>" not in admin.system.virsh("dumpxml", "--inactive", vm.id)


@scene("vm.adopt")
async def _vm_adopt(admin: Administrator, go: Go) -> None:
    name = fresh("legacy")
    uuid = foreign_domain(admin, name)
    (host,) = (await admin.altus.hosts.page(["name:testhost"])).items
    task = await go(admin.altus.vms.adopt(host.id, VmAdopt(domain=uuid, network=NETWORK)))
    assert await is_there(admin.altus.vms, name) is done(task)
    if not done(task):
        assert FOREIGN_MAC in admin.system.virsh("dumpxml", name)
        await admin.host_up()
        await admin.altus.vms.adopt(host.id, VmAdopt(domain=uuid, network=NETWORK)).run()
    assert (await admin.altus.vms.get(uuid)).nics[0].mac == FOREIGN_MAC


@scene("vm.delete")
async def _vm_delete(admin: Administrator, go: Go) -> None:
    vm = await bare_vm(admin)
    await go(admin.altus.vms.delete(vm.id))
    assert not await is_there(admin.altus.vms, vm.id)
    assert not any(vm.disks[0].volume_id in file for file in admin.system.files())


# -- power -------------------------------------------------------------------------------------------------------------


@scene("vm.start")
async def _start(admin: Administrator, go: Go) -> None:
    vm = await bare_vm(admin)
    task = await go(admin.altus.vms.start(vm.id))
    await admin.in_state(vm.id, *((VmState.RUNNING, *_AFTER_QEMU) if done(task) else _AFTER_QEMU))


@scene("vm.stop")
async def _stop(admin: Administrator, go: Go) -> None:
    vm = await bare_vm(admin, start=True)
    await go(admin.altus.vms.stop(vm.id, VmStop(timeout=0.3, force=True)))
    await admin.in_state(vm.id, *_AFTER_QEMU)


@scene("vm.restart")
async def _restart(admin: Administrator, go: Go) -> None:
    vm = await bare_vm(admin, start=True)
    await go(admin.altus.vms.restart(vm.id, VmRestart(force=True)))
    await admin.in_state(vm.id, VmState.RUNNING, *_AFTER_QEMU)


@scene("vm.restart (into new hardware)")
async def _restart_pending(admin: Administrator, go: Go) -> None:
    vm = await bare_vm(admin, start=True)
    await admin.altus.vms.edit(vm.id, VmEdit(vcpus=2)).run()
    task = await go(admin.altus.vms.restart(vm.id, VmRestart(force=True)))
    after = await admin.in_state(vm.id, VmState.RUNNING, *_AFTER_QEMU)
    if done(task) and after.state is VmState.RUNNING:
        assert not after.restart_pending
        assert "placement='static'>2</vcpu>" in admin.system.virsh("dumpxml", vm.id)


@scene("vm.kill")
async def _kill(admin: Administrator, go: Go) -> None:
    vm = await bare_vm(admin, start=True)
    await go(admin.altus.vms.kill(vm.id))
    await admin.in_state(vm.id, VmState.STOPPED)


@scene("vm.pause")
async def _pause(admin: Administrator, go: Go) -> None:
    vm = await bare_vm(admin, start=True)
    task = await go(admin.altus.vms.pause(vm.id))
    await admin.in_state(vm.id, VmState.PAUSED if done(task) else VmState.RUNNING, *_AFTER_QEMU)


@scene("vm.resume")
async def _resume(admin: Administrator, go: Go) -> None:
    vm = await bare_vm(admin, start=True)
    await admin.altus.vms.pause(vm.id).run()
    task = await go(admin.altus.vms.resume(vm.id))
    await admin.in_state(
        vm.id, *((VmState.RUNNING,) if done(task) else (VmState.RUNNING, VmState.PAUSED)), *_AFTER_QEMU
    )


@scene("vm.suspend")
async def _suspend(admin: Administrator, go: Go) -> None:
    vm = await bare_vm(admin, start=True)
    task = await go(admin.altus.vms.suspend(vm.id))
    after = await admin.in_state(vm.id, VmState.SUSPENDED, *(() if done(task) else (VmState.RUNNING, *_AFTER_QEMU)))
    saved = "yes" if after.state is VmState.SUSPENDED else "no"
    assert f"{saved}" in admin.system.virsh("dominfo", vm.id).partition("Managed save:")[2].split("\n")[0]


# -- volumes, images, networks -----------------------------------------------------------------------------------------


@scene("volume.create")
async def _volume_create(admin: Administrator, go: Go) -> None:
    name = fresh("volume")
    task = await go(admin.altus.volumes.create(VolumeCreate(name=name, image=IMAGE, linked=False)))
    assert await is_there(admin.altus.volumes, name) is done(task)
    if done(task):
        assert (await admin.altus.volumes.get(name)).state is VolumeState.READY


@scene("volume.resize")
async def _volume_resize(admin: Administrator, go: Go) -> None:
    volume = await admin.volume(MIB)
    await go(admin.altus.volumes.resize(volume.id, VolumeResize(size=3 * MIB)))
    after = await admin.altus.volumes.get(volume.id)
    assert (after.state, after.size) == (VolumeState.READY, 3 * MIB), "a disk that grew stays grown, done or not"


@scene("volume.delete")
async def _volume_delete(admin: Administrator, go: Go) -> None:
    volume = await admin.volume(MIB)
    await go(admin.altus.volumes.delete(volume.id))
    assert not await is_there(admin.altus.volumes, volume.id)
    assert not any(volume.id in file for file in admin.system.files())


@scene("image.import")
async def _image_import(admin: Administrator, go: Go) -> None:
    image = await admin.altus.images.begin(ImageCreate(name=fresh("image")))
    tiny = await admin.altus.images.get(IMAGE)
    await admin.altus.images.upload(image.id, admin.system.storage / "images" / tiny.id / "disk.qcow2")
    task = await go(admin.altus.images.finish(image.id))
    assert await is_there(admin.altus.images, image.id) is done(task)
    if done(task):
        found = await admin.altus.images.get(image.id)
        assert (found.state, found.size) == (ImageState.READY, tiny.size)


@scene("image.build")
async def _image_build(admin: Administrator, go: Go) -> None:
    name = fresh("image")
    task = await go(admin.altus.images.build(ImageBuild(image=IMAGE, name=name)))
    assert await is_there(admin.altus.images, name) is done(task)


@scene("image.delete")
async def _image_delete(admin: Administrator, go: Go) -> None:
    image = await admin.altus.images.begin(ImageCreate(name=fresh("image")))
    seed = admin.system.folder / "small.raw"
    seed.write_bytes(b"\x01" * MIB)
    await admin.altus.images.upload(image.id, seed)
    await admin.altus.images.finish(image.id).run()
    await go(admin.altus.images.delete(image.id))
    assert not await is_there(admin.altus.images, image.id)
    assert not any(image.id in file for file in admin.system.files())


@scene("network.create")
async def _network_create(admin: Administrator, go: Go) -> None:
    name = fresh("net")
    task = await go(admin.altus.networks.create(NetworkCreate(name=name, cidr="10.33.0.0/24")))
    assert await is_there(admin.altus.networks, name) is done(task)
    if done(task):
        assert (await admin.altus.networks.get(name)).state is NetworkState.READY


@scene("network.delete")
async def _network_delete(admin: Administrator, go: Go) -> None:
    name = fresh("net")
    await admin.altus.networks.create(NetworkCreate(name=name, cidr="10.34.0.0/24")).run()
    await go(admin.altus.networks.delete(name))
    assert not await is_there(admin.altus.networks, name)


# -- security groups ---------------------------------------------------------------------------------------------------


async def nbctl(*arguments: str) -> str:
    """What OVN's northbound database says."""
    command = ("ovn-nbctl", "--bare", *arguments)
    done = await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, text=True)
    return str(done.stdout).strip()


async def _port_groups() -> list[str]:
    """What OVN has of security groups."""
    names = (await nbctl("--columns=name", "list", "Port_Group")).split()
    return [name for name in names if name.startswith("altus_")]


async def _group(admin: Administrator) -> SecurityGroupView:
    """A group with a rule."""
    body = SecurityGroupCreate(name=fresh("group"), rules=[_HTTP])
    await admin.altus.security_groups.create(body).run()
    return await admin.altus.security_groups.get(body.name)


@scene("security_group.create")
async def _group_create(admin: Administrator, go: Go) -> None:
    body = SecurityGroupCreate(name=fresh("group"), rules=[_HTTP])
    task = await go(admin.altus.security_groups.create(body))
    assert await is_there(admin.altus.security_groups, body.name) is done(task)
    assert bool(await _port_groups()) is done(task)


@scene("security_group.edit")
async def _group_edit(admin: Administrator, go: Go) -> None:
    group = await _group(admin)
    task = await go(admin.altus.security_groups.edit(group.id, SecurityGroupEdit(add_rules=[_HTTPS])))
    assert len((await admin.altus.security_groups.get(group.id)).rules) == 1 + done(task)
    assert ("tcp.dst == 443" in await nbctl("--columns=match", "list", "ACL")) is done(task)


@scene("security_group.delete")
async def _group_delete(admin: Administrator, go: Go) -> None:
    group = await _group(admin)
    await go(admin.altus.security_groups.delete(group.id))
    assert not await is_there(admin.altus.security_groups, group.id)
    assert not await _port_groups()


@scene("security_group.repair")
async def _group_repair(admin: Administrator, go: Go) -> None:
    """The manager asks for it by itself when the group is gone."""
    group, (name,) = await _group(admin), await _port_groups()
    its = ("kind:security_group.repair", f"object_id:{group.id}")

    async def repaired() -> TaskView:
        await nbctl("pg-del", name)

        async def look() -> TaskView | None:
            return next(iter((await admin.altus.tasks.page(its)).items), None)

        return await until(look, "it is repaired")

    await go(repaired())
    assert await _port_groups() == [name]
    assert "tcp.dst == 80" in await nbctl("--columns=match", "list", "ACL")


@scene("vm.edit_nic")
async def _edit_nic(admin: Administrator, go: Go) -> None:
    """It goes into a group and to another network, with its MAC."""
    vm, group, network = await bare_vm(admin, start=True), await _group(admin), fresh("network")
    await admin.altus.networks.create(NetworkCreate(name=network, cidr="10.77.0.0/24")).run()
    (old,) = vm.nics
    task = await go(admin.altus.vms.edit_nic(vm.id, old.id, NicEdit(security_groups=[group.id], network=network)))
    (nic,) = (await admin.altus.vms.get(vm.id)).nics
    assert nic.mac == old.mac
    assert nic.address.startswith("10.77.0.") is done(task)
    assert bool(nic.security_groups) is done(task)
    assert bool(await nbctl("--columns=ports", "list", "Port_Group", *await _port_groups())) is done(task)


# -- hosts -------------------------------------------------------------------------------------------------------------


async def _idle_host(admin: Administrator) -> HostView:
    """The host, with nothing that runs on it."""
    for vm in (await admin.altus.vms.page()).items:
        if vm.state in (VmState.RUNNING, VmState.PAUSED):
            await admin.altus.vms.kill(vm.id).run()
    (host,) = (await admin.altus.hosts.page(["name:testhost"])).items
    return host


@scene("host.maintain")
async def _maintain(admin: Administrator, go: Go) -> None:
    host = await _idle_host(admin)
    task = await go(admin.altus.hosts.maintain(host.id))
    await admin.host_up()
    found = await admin.altus.hosts.get(host.id)
    assert found.maintenance is done(task)
    assert (found.state is HostState.MAINTENANCE) is done(task)
    if done(task):
        await admin.altus.hosts.activate(host.id).run()


@scene("host.activate")
async def _activate(admin: Administrator, go: Go) -> None:
    host = await _idle_host(admin)
    await admin.altus.hosts.maintain(host.id).run()
    task = await go(admin.altus.hosts.activate(host.id))
    await admin.host_up()
    found = await admin.altus.hosts.get(host.id)
    assert found.maintenance is not done(task)
    if not done(task):
        await admin.altus.hosts.activate(host.id).run()


@scene("host.renew")
async def _renew(admin: Administrator, go: Go) -> None:
    """VMs may run on meanwhile; the agent's next start reads what is on disk."""
    (host,) = (await admin.altus.hosts.page(["name:testhost"])).items
    pair = admin.system.folder / "agent" / "tls" / "agent.pem"
    old = serial(pair.read_text())
    task = await go(admin.altus.hosts.renew(host.id))
    await admin.host_up()
    assert (serial(pair.read_text()) != old) is done(task)
    assert holds_key(pair.read_text(), open_key(pair))
    assert not (pair.parent / "next.key").exists()

    async def takes_vms() -> VmView | None:
        with contextlib.suppress(Conflict, LimitExceeded):  # the agent died just now, and only seemed to be up
            return await bare_vm(admin, start=True)
        return None

    await until(takes_vms, "the host takes VMs")


async def _never_came(admin: Administrator) -> str:
    """The name of a host that is known and was never heard."""
    name = fresh("host")
    await admin.altus.hosts.enrol_token(name)
    return name


@scene("host.remove")
async def _host_remove(admin: Administrator, go: Go) -> None:
    name = await _never_came(admin)
    task = await go(admin.altus.hosts.remove(name))
    assert await is_there(admin.altus.hosts, name) is not done(task)


@scene("host.forget")
async def _host_forget(admin: Administrator, go: Go) -> None:
    name = await _never_came(admin)
    task = await go(admin.altus.hosts.forget(name))
    assert await is_there(admin.altus.hosts, name) is not done(task)


# -- what needs several hosts ------------------------------------------------------------------------------------------


ELSEWHERE = {
    "vm.migrate": "tests/functional/lab/test_migrate.py",
    "volume.repair": "tests/functional/lab/test_migrate_disks.py",
}
"""Task types that need several hosts: which test disturbs them in a lab."""


def missing() -> set[str]:
    """Task types without a scene."""
    return TASK_TYPES.keys() - {kind_of(name) for name in SCENES} - ELSEWHERE.keys()
