"""One case or more of every task type: how the world is prepared, and what is asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from altus.common.ids import new_id
from altus.common.units import MIB
from altus.drivers.image.fake import empty_qcow2
from altus.manager.services.changes import Change
from altus.manager.services.pools import PoolService
from altus.manager.services.repairs import floating_ip_repair, forward_repair, group_repair, router_repair
from altus.manager.services.unmanaged import UnmanagedService
from altus.manager.store.resources import HOST
from altus.manager.tasks.declare import TaskType
from altus.manager.tasks.load import TASK_TYPES
from altus.model.domain import DomainDisk, DomainFacts, DomainNic
from altus.model.host import HostState
from altus.model.host_action import HostAction
from altus.model.network import mac_of
from altus.model.pool import DEFAULT_POOL
from altus.model.router import RouterSpec
from altus.model.security_group import SecurityGroupSpec
from altus.model.vm import VmState
from altus.model.vm_action import VmAction
from altus.wire import resources as shapes
from altus.wire import vms as vm_shapes
from altus.wire.floating_ips import FloatingIpAttach, FloatingIpCreate
from altus.wire.pools import PoolEdit
from altus.wire.routers import RouterCreate, RouterMember
from altus.wire.security_groups import SecurityGroupCreate, SecurityGroupEdit
from tests.unit.manager.changes.devices import DEVICES
from tests.unit.manager.changes.floating_ips import declare_outside, floating_ips_of, new_floating_ip
from tests.unit.manager.changes.forwards import forward_body, forwards_of, new_forward
from tests.unit.manager.changes.routers import new_isolated, new_router, routers_of
from tests.unit.manager.changes.security_groups import groups_of, new_group
from tests.unit.manager.changes.site import ADMIN, SMALL, Site
from tests.unit.manager.changes.snapshot_schedules import RUNS, SCHEDULES
from tests.unit.manager.changes.snapshots import (
    new_snapshot,
    prepare_create,
    prepare_delete,
    prepare_merge,
    prepare_revert,
)
from tests.unit.manager.changes.volumes import local_vm, prepare_repair

Draft = Coroutine[Any, Any, Change[Any]]
Prepare = Callable[[Site], Awaitable[Callable[[], Draft]]]


@dataclass(frozen=True)
class Case:
    """`prepare` makes what the change is about (an engine runs) and returns how to ask for the change.

    `restores`: undone, everything is as before; what was asked of a guest cannot be taken back. `state` is what the
    VM is in after success; `hosts` is how many it needs; `children` are the kinds of tasks that it starts. `tells`:
    what they could not do it only tells, and by that nothing is unfinished.
    """

    name: str
    kind: str
    prepare: Prepare
    restores: bool = True
    state: VmState | None = None
    hosts: int = 1
    children: tuple[str, ...] = ()
    tells: bool = False

    @property
    def type(self) -> TaskType[Any]:
        """The declared type."""
        return TASK_TYPES[self.kind]

    def __str__(self) -> str:
        return self.name


async def _create(site: Site) -> Callable[[], Draft]:
    nics = [{"network": site.lan, "security_groups": [await new_group(site)]}]
    body = site.vm_body(
        start=True, nics=nics, cloud_init={"user_data": "#cloud-config\n", "password": "secret-of-guest"}
    )
    return lambda: site.vms.create(ADMIN, body)


def _clone(*, linked: bool) -> Prepare:
    async def prepare(site: Site) -> Callable[[], Draft]:
        source = await site.new_vm()
        body = vm_shapes.VmClone(name=f"clone-{new_id()[-12:]}", linked=linked)
        return lambda: site.vms.clone(ADMIN, source.id, body)

    return prepare


async def _edit(site: Site) -> Callable[[], Draft]:
    vm, volume = await site.new_vm(), await site.new_volume()
    body = vm_shapes.VmEdit.model_validate({
        "name": f"{vm.name}-new", "vcpus": 3, "tags": ["a"], "attach_volumes": [volume],
        "detach_volumes": [vm.hardware.disks[1].volume_id], "add_nics": [{"network": site.lan}],
        "remove_nics": [vm.hardware.nics[0].id],
    })  # fmt: skip
    return lambda: site.vms.edit(ADMIN, vm.id, body)


def _delete(*, keep: bool, snapshots: int = 0) -> Prepare:
    async def prepare(site: Site) -> Callable[[], Draft]:
        vm = await site.new_vm()
        for _ in range(snapshots):
            await new_snapshot(site, vm.id)
        return lambda: site.vms.delete(ADMIN, vm.id, vm_shapes.VmDelete(keep_volumes=keep))

    return prepare


def _power(action: VmAction, *before: VmAction, start: bool = True) -> Prepare:
    async def prepare(site: Site) -> Callable[[], Draft]:
        vm = await site.new_vm(start=start)
        for earlier in before:
            await site.done(site.power.simple(ADMIN, vm.id, earlier))
        if action is VmAction.STOP:
            return lambda: site.power.stop(ADMIN, vm.id, vm_shapes.VmStop())
        if action is VmAction.RESTART:
            return lambda: site.power.restart(ADMIN, vm.id, vm_shapes.VmRestart())
        return lambda: site.power.simple(ADMIN, vm.id, action)

    return prepare


def _migrate(**options: Any) -> Prepare:
    async def prepare(site: Site) -> Callable[[], Draft]:
        vm = await site.new_vm(start=True)
        return lambda: site.power.migrate(ADMIN, vm.id, vm_shapes.VmMigrate(**options))

    return prepare


async def _migrate_copied(site: Site) -> Callable[[], Draft]:
    vm = await local_vm(site)
    return lambda: site.power.migrate(ADMIN, vm.id, vm_shapes.VmMigrate())


async def _repair(site: Site) -> Callable[[], Draft]:
    """Others removed the VM's definition and its port."""
    vm = await site.new_vm()
    host = site.agents.hosts[site.host_id]
    host.hypervisor.others.undefine(vm.id)
    await host.network.delete_port(vm.hardware.nics[0].id)
    site.known.update(await site.findings())
    return lambda: site.vms.repair(ADMIN, vm.id)


async def _adopt(site: Site) -> Callable[[], Draft]:
    """A domain of others with a volume that nobody knows, and a NIC."""
    host, volume = site.agents.hosts[site.host_id], new_id()
    storage = next(iter(host.storages.values()))
    await storage.create_volume(volume, 2 * MIB)
    disk = DomainDisk(path=storage.volume_source(volume).path, bus="virtio")
    domain = DomainFacts(id=new_id(), name=f"legacy-{volume[-12:]}", state=VmState.STOPPED, ours=False, persistent=True,
                         vcpus=2, memory=SMALL, disks=(disk,),
                         nics=(DomainNic(mac=mac_of(volume), model="virtio"),))  # fmt: skip
    host.hypervisor.others.define(domain)
    site.known.update(await site.findings())
    body = vm_shapes.VmAdopt(domain=domain.id, network=site.lan)
    return lambda: UnmanagedService(site.world).adopt(ADMIN, host.id, body)


async def _restart_pending(site: Site) -> Callable[[], Draft]:
    vm = await site.new_vm(start=True)
    await site.done(site.vms.edit(ADMIN, vm.id, vm_shapes.VmEdit(vcpus=2)))
    return lambda: site.power.restart(ADMIN, vm.id, vm_shapes.VmRestart())


def _with_another_cpu(prepare: Prepare) -> Prepare:
    """The pool gives another CPU than the VM has."""

    async def prepared(site: Site) -> Callable[[], Draft]:
        pools = PoolService(site.db, site.audit)
        await pools.edit(ADMIN, DEFAULT_POOL, PoolEdit(cpu_model="auto"))
        ask = await prepare(site)
        await pools.edit(ADMIN, DEFAULT_POOL, PoolEdit(cpu_model="Good"))
        return ask

    return prepared


async def _volume_create(site: Site) -> Callable[[], Draft]:
    body = shapes.VolumeCreate(name=f"vol-{new_id()[-12:]}", image=site.base_image)
    return lambda: site.volumes.create(ADMIN, body)


async def _volume_resize(site: Site) -> Callable[[], Draft]:
    volume = (await site.new_vm()).hardware.disks[1].volume_id
    return lambda: site.volumes.resize(ADMIN, volume, shapes.VolumeResize(size=4 * MIB))


async def _volume_delete(site: Site) -> Callable[[], Draft]:
    volume = await site.new_volume()
    return lambda: site.volumes.delete(ADMIN, volume)


async def _image_import(site: Site) -> Callable[[], Draft]:
    image = await site.images.begin_upload(ADMIN, shapes.ImageCreate(name=f"image-{new_id()[-12:]}"))
    upload = site.agents.hosts[site.host_id].storage.staging(image.id) / "upload"
    upload.write_bytes(empty_qcow2(2 * MIB))
    return lambda: site.images.finish_upload(ADMIN, image.id)


async def _image_build(site: Site) -> Callable[[], Draft]:
    body = shapes.ImageBuild.model_validate({"image": "tiny", "name": f"image-{new_id()[-12:]}"})
    return lambda: site.images.build(ADMIN, body)


async def _image_delete(site: Site) -> Callable[[], Draft]:
    image = await site.done((await _image_build(site))())
    return lambda: site.images.delete(ADMIN, image.object_id)


def _network(site: Site) -> Draft:
    body = shapes.NetworkCreate.model_validate(
        {"name": f"net-{new_id()[-12:]}", "cidr": "192.168.7.0/24", "kind": "isolated"}
    )
    return site.networks.create(ADMIN, body)


async def _network_create(site: Site) -> Callable[[], Draft]:
    return lambda: _network(site)


async def _network_delete(site: Site) -> Callable[[], Draft]:
    network = await site.done(_network(site))
    return lambda: site.networks.delete(ADMIN, network.object_id)


async def _group_create(site: Site) -> Callable[[], Draft]:
    rules = [{"direction": "in", "group": await new_group(site)}, {"direction": "out", "action": "reject"}]
    body = SecurityGroupCreate.model_validate({"name": f"group-{new_id()[-12:]}", "rules": rules})
    return lambda: groups_of(site).create(ADMIN, body)


async def _group_edit(site: Site) -> Callable[[], Draft]:
    """Of a group with a member."""
    group, remote = await new_group(site), await new_group(site)
    await site.new_vm(nics=[{"network": site.lan, "security_groups": [group]}])
    found = await groups_of(site).get(ADMIN, group)
    body = SecurityGroupEdit.model_validate({
        "name": f"{found.name}-new", "description": "more", "remove_rules": [rule.id for rule in found.rules],
        "add_rules": [{"direction": "in", "group": remote}],
    })  # fmt: skip
    return lambda: groups_of(site).edit(ADMIN, group, body)


async def _group_delete(site: Site) -> Callable[[], Draft]:
    group = await new_group(site)
    return lambda: groups_of(site).delete(ADMIN, group)


async def _group_repair(site: Site) -> Callable[[], Draft]:
    """Others changed its rules."""
    group = await new_group(site)
    await site.agents.hosts[site.host_id].network.ensure_security_group(SecurityGroupSpec(id=group))
    site.known.update(await site.findings())
    found = await groups_of(site).get(ADMIN, group)
    return lambda: _answer(group_repair(found))


async def _answer(change: Change[Any]) -> Change[Any]:
    return change


async def _edit_nic(site: Site) -> Callable[[], Draft]:
    before, after = await new_group(site), await new_group(site)
    vm = await site.new_vm(start=True, nics=[{"network": site.lan, "security_groups": [before]}])
    body = vm_shapes.NicEdit.model_validate({"security_groups": [after], "limit_in": {"rate": 5000}})
    return lambda: site.vms.edit_nic(ADMIN, vm.id, vm.hardware.nics[0].mac, body)


async def _floating_create(site: Site) -> Callable[[], Draft]:
    await declare_outside(site)
    return lambda: floating_ips_of(site).create(ADMIN, FloatingIpCreate(network=site.lan))


async def _floating_attach(site: Site) -> Callable[[], Draft]:
    vm, floating = await site.new_vm(start=True), await new_floating_ip(site)
    body = FloatingIpAttach(vm=vm.id, nic=vm.hardware.nics[0].mac)
    return lambda: floating_ips_of(site).attach(ADMIN, floating, body)


async def _floating_detach(site: Site) -> Callable[[], Draft]:
    floating = await new_floating_ip(site, await site.new_vm())
    return lambda: floating_ips_of(site).detach(ADMIN, floating)


async def _floating_delete(site: Site) -> Callable[[], Draft]:
    floating = await new_floating_ip(site)
    return lambda: floating_ips_of(site).delete(ADMIN, floating)


async def _floating_repair(site: Site) -> Callable[[], Draft]:
    """Others took it off its NIC."""
    floating = await new_floating_ip(site, await site.new_vm())
    await site.agents.hosts[site.host_id].network.delete_translation(floating)
    site.known.update(await site.findings())
    found = await floating_ips_of(site).get(ADMIN, floating)
    return lambda: _answer(floating_ip_repair(found))


async def _forward_create(site: Site) -> Callable[[], Draft]:
    vm = await site.new_vm()
    floating = await new_floating_ip(site)
    return lambda: forwards_of(site).create(ADMIN, forward_body(site, vm, address=floating))


async def _forward_delete(site: Site) -> Callable[[], Draft]:
    forward = await new_forward(site, await site.new_vm())
    return lambda: forwards_of(site).delete(ADMIN, forward)


async def _forward_repair(site: Site) -> Callable[[], Draft]:
    """Others took it away."""
    forward = await new_forward(site, await site.new_vm())
    await site.agents.hosts[site.host_id].network.delete_translation(forward)
    site.known.update(await site.findings())
    found = await forwards_of(site).get(ADMIN, forward)
    return lambda: _answer(forward_repair(found))


async def _router_create(site: Site) -> Callable[[], Draft]:
    body = RouterCreate(name=f"router-{new_id()[-12:]}")
    return lambda: routers_of(site).create(ADMIN, body)


async def _router_attach(site: Site) -> Callable[[], Draft]:
    router = await new_router(site, await new_isolated(site))
    network = await new_isolated(site, "192.168.8.0/24")
    return lambda: routers_of(site).attach(ADMIN, router, RouterMember(network=network))


async def _router_detach(site: Site) -> Callable[[], Draft]:
    network = await new_isolated(site)
    router = await new_router(site, network, await new_isolated(site, "192.168.8.0/24"))
    return lambda: routers_of(site).detach(ADMIN, router, RouterMember(network=network))


async def _router_delete(site: Site) -> Callable[[], Draft]:
    router = await new_router(site)
    return lambda: routers_of(site).delete(ADMIN, router)


async def _router_repair(site: Site) -> Callable[[], Draft]:
    """Others took its networks off it."""
    router = await new_router(site, await new_isolated(site))
    await site.agents.hosts[site.host_id].network.ensure_router(RouterSpec(id=router))
    site.known.update(await site.findings())
    found = await routers_of(site).get(ADMIN, router)
    return lambda: _answer(router_repair(found))


async def _edit_floating(site: Site) -> Callable[[], Draft]:
    """The NIC that a floating address and a forward lead to is removed."""
    vm = await site.new_vm()
    await new_forward(site, vm)
    await new_floating_ip(site, vm)
    body = vm_shapes.VmEdit.model_validate({"remove_nics": [vm.hardware.nics[0].id]})
    return lambda: site.vms.edit(ADMIN, vm.id, body)


async def _delete_floating(site: Site) -> Callable[[], Draft]:
    vm = await site.new_vm()
    await new_forward(site, vm)
    await new_floating_ip(site, vm)
    return lambda: site.vms.delete(ADMIN, vm.id, vm_shapes.VmDelete())


async def _maintain(site: Site) -> Callable[[], Draft]:
    host = await site.add_host()
    return lambda: site.inventory.change_host(ADMIN, host, HostAction.MAINTAIN)


async def _in_maintenance(site: Site) -> str:
    host = await site.add_host()
    await site.done(site.inventory.change_host(ADMIN, host, HostAction.MAINTAIN))
    return host


async def _activate(site: Site) -> Callable[[], Draft]:
    host = await _in_maintenance(site)
    return lambda: site.inventory.change_host(ADMIN, host, HostAction.ACTIVATE)


async def _renew(site: Site) -> Callable[[], Draft]:
    host = await site.add_host()
    return lambda: site.inventory.change_host(ADMIN, host, HostAction.RENEW)


async def _remove(site: Site) -> Callable[[], Draft]:
    host = await _in_maintenance(site)
    return lambda: site.inventory.change_host(ADMIN, host, HostAction.REMOVE)


async def _forget(site: Site) -> Callable[[], Draft]:
    """The host dies with a VM on it; what its VM had on networks is seen by the other host too, as networks are."""
    host = await site.add_host()
    storage = site.agents.hosts[host].local
    body = vm_shapes.VmCreate.model_validate(
        {
            "name": f"vm-{new_id()[-12:]}",
            "disk_size": 2 * MIB,
            "memory": SMALL,
            "storage": storage,
            "nics": [{"network": site.lan}],
        }
    )
    await site.done(site.vms.create(ADMIN, body))
    site.agents.disconnect(host)
    await site.db.write(lambda tx: HOST.change(tx, host, state=HostState.UNREACHABLE))
    site.known.update(await site.findings())  # it does not answer the doctor
    return lambda: site.inventory.change_host(ADMIN, host, HostAction.FORGET)


CASES = (
    Case("vm.create", "vm.create", _create, state=VmState.RUNNING),
    Case("vm.clone", "vm.clone", _clone(linked=False), state=VmState.STOPPED),
    Case("vm.clone-linked", "vm.clone", _clone(linked=True), state=VmState.STOPPED),
    Case("vm.edit", "vm.edit", _edit, state=VmState.STOPPED),
    Case("vm.edit_nic", "vm.edit_nic", _edit_nic, state=VmState.RUNNING),
    *(Case(name, kind, prepare, state=VmState.RUNNING) for name, (kind, prepare) in DEVICES.items()),
    Case("vm.delete", "vm.delete", _delete(keep=False)),
    Case("vm.delete-snapshots", "vm.delete", _delete(keep=False, snapshots=2)),
    Case("vm.delete-keep", "vm.delete", _delete(keep=True)),
    Case("vm.start", "vm.start", _power(VmAction.START, start=False), state=VmState.RUNNING),
    Case("vm.start-suspended", "vm.start", _power(VmAction.START, VmAction.SUSPEND), False, VmState.RUNNING),
    Case("vm.start-cpu", "vm.start", _with_another_cpu(_power(VmAction.START, start=False)), state=VmState.RUNNING),
    Case("vm.stop", "vm.stop", _power(VmAction.STOP), False, VmState.STOPPED),
    Case("vm.restart", "vm.restart", _power(VmAction.RESTART), False, VmState.RUNNING),
    Case("vm.restart-pending", "vm.restart", _restart_pending, False, VmState.RUNNING),
    Case("vm.restart-cpu", "vm.restart", _with_another_cpu(_restart_pending), False, VmState.RUNNING),
    Case("vm.kill", "vm.kill", _power(VmAction.KILL), False, VmState.STOPPED),
    Case("vm.pause", "vm.pause", _power(VmAction.PAUSE), state=VmState.PAUSED),
    Case("vm.resume", "vm.resume", _power(VmAction.RESUME, VmAction.PAUSE), False, VmState.RUNNING),
    Case("vm.resume-suspended", "vm.resume", _power(VmAction.RESUME, VmAction.SUSPEND), False, VmState.RUNNING),
    Case("vm.suspend", "vm.suspend", _power(VmAction.SUSPEND), False, VmState.SUSPENDED),
    Case("vm.migrate", "vm.migrate", _migrate(), state=VmState.RUNNING, hosts=2),
    Case(
        "vm.migrate-post-copy", "vm.migrate", _migrate(mode="post-copy", bandwidth=100), state=VmState.RUNNING, hosts=2
    ),
    Case("vm.migrate-copied", "vm.migrate", _migrate_copied, state=VmState.RUNNING, hosts=2),
    Case("vm.repair", "vm.repair", _repair, restores=False, state=VmState.STOPPED),
    Case("vm.adopt", "vm.adopt", _adopt, state=VmState.STOPPED),
    Case("volume.create", "volume.create", _volume_create),
    Case("volume.resize", "volume.resize", _volume_resize, False),
    Case("volume.delete", "volume.delete", _volume_delete),
    Case("volume.repair", "volume.repair", prepare_repair, restores=False, hosts=2),
    Case("snapshot.create", "snapshot.create", prepare_create(start=False)),
    Case("snapshot.create-running", "snapshot.create", prepare_create(start=True)),
    Case("snapshot.revert", "snapshot.revert", prepare_revert(start=False)),
    Case("snapshot.revert-running", "snapshot.revert", prepare_revert(start=True)),
    Case("snapshot.delete", "snapshot.delete", prepare_delete, children=("snapshot.merge",)),
    Case("snapshot.merge", "snapshot.merge", prepare_merge, restores=False),
    *(Case(name, kind, prepare) for name, (kind, prepare) in SCHEDULES.items()),
    *(
        Case(name, "snapshot_schedule.run", prepare, False, children=parts, tells=True)
        for name, (prepare, parts) in RUNS.items()
    ),
    Case("image.import", "image.import", _image_import, False),
    Case("image.build", "image.build", _image_build),
    Case("image.delete", "image.delete", _image_delete),
    Case("network.create", "network.create", _network_create),
    Case("network.delete", "network.delete", _network_delete),
    Case("security_group.create", "security_group.create", _group_create),
    Case("security_group.edit", "security_group.edit", _group_edit),
    Case("security_group.delete", "security_group.delete", _group_delete),
    Case("security_group.repair", "security_group.repair", _group_repair, restores=False),
    Case("floating_ip.create", "floating_ip.create", _floating_create),
    Case("floating_ip.attach", "floating_ip.attach", _floating_attach),
    Case("floating_ip.detach", "floating_ip.detach", _floating_detach),
    Case("floating_ip.delete", "floating_ip.delete", _floating_delete),
    Case("floating_ip.repair", "floating_ip.repair", _floating_repair, restores=False),
    Case("forward.create", "forward.create", _forward_create),
    Case("forward.delete", "forward.delete", _forward_delete),
    Case("forward.repair", "forward.repair", _forward_repair, restores=False),
    Case("router.create", "router.create", _router_create),
    Case("router.attach", "router.attach", _router_attach),
    Case("router.detach", "router.detach", _router_detach),
    Case("router.delete", "router.delete", _router_delete),
    Case("router.repair", "router.repair", _router_repair, restores=False),
    Case("vm.edit-floating", "vm.edit", _edit_floating, state=VmState.STOPPED),
    Case("vm.delete-floating", "vm.delete", _delete_floating),
    Case("host.maintain", "host.maintain", _maintain),
    Case("host.activate", "host.activate", _activate),
    Case("host.renew", "host.renew", _renew),
    Case("host.remove", "host.remove", _remove),
    Case("host.forget", "host.forget", _forget, restores=False),
)
