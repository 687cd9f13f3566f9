"""`vm.edit`: change a VM. Disks and NICs of a running guest come and go at once; what it cannot take up applies at its
next start, and the VM says so."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from altus.common.errors import Conflict, LimitExceeded
from altus.manager.store import ports
from altus.manager.store.database import Tx
from altus.manager.store.resources import HOST, NETWORK, VM, VOLUME
from altus.manager.store.security_groups import require_usable
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.run import Run
from altus.manager.tasks.snapshot_parts import require_no_snapshots
from altus.manager.tasks.translations import lead_again
from altus.manager.tasks.vm_cpu import wanted_cpu
from altus.manager.tasks.vm_devices import OFF, plug, require_awake, require_hot, take_out
from altus.manager.tasks.vm_parts import definition, remember, remembered, require_host, require_pluggable, the_vm
from altus.model.cpu import require_cpu
from altus.model.cpu_baseline import offer_of
from altus.model.label import require_combinable
from altus.model.permission import Permission
from altus.model.task import Lock, exclusive, shared
from altus.model.vm import MAX_DISKS, MAX_NICS, BootDevice, Firmware, Vm, VmDisk, VmHardware, VmNic
from altus.model.vm_action import VmAction, require
from altus.model.volume import Volume, VolumeState
from altus.wire.operations import PORT_DELETE, PORT_ENSURE, VM_DEFINE, PortEnsure, PortRef, VmDefine


@dataclasses.dataclass(frozen=True, kw_only=True)
class VmEdit:
    """Only what is not None changes; NICs to add were given their addresses when the task was submitted."""

    vm_id: str
    name: str | None = None
    description: str | None = None
    tags: tuple[str, ...] | None = None
    protected: bool | None = None
    vcpus: int | None = None
    memory: int | None = None
    firmware: Firmware | None = None
    boot: tuple[BootDevice, ...] | None = None
    cpu_model: str | None = None
    attach_volumes: tuple[VmDisk, ...] = ()
    detach_volumes: tuple[str, ...] = ()
    add_nics: tuple[VmNic, ...] = ()
    remove_nics: tuple[str, ...] = ()

    @property
    def arriving(self) -> tuple[str, ...]:
        """Ids of devices that the VM gets."""
        return (*(disk.volume_id for disk in self.attach_volumes), *(nic.id for nic in self.add_nics))

    @property
    def leaving(self) -> tuple[str, ...]:
        """Ids of devices that it gives up."""
        return (*self.detach_volumes, *self.remove_nics)


def _locks(args: VmEdit) -> Sequence[Lock]:
    volumes = [*(disk.volume_id for disk in args.attach_volumes), *args.detach_volumes]
    return [
        exclusive("vm", args.vm_id),
        *(exclusive("volume", volume) for volume in volumes),
        *(shared("network", nic.network_id) for nic in args.add_nics),
        *(
            shared("security_group", group)
            for group in sorted({g for nic in args.add_nics for g in nic.security_groups})
        ),
    ]


def _edited(vm: Vm, args: VmEdit) -> Vm:
    plain = {f: v for f in ("name", "description", "tags", "protected") if (v := getattr(args, f)) is not None}
    machine = {
        f: v for f in ("vcpus", "memory", "firmware", "boot", "cpu_model") if (v := getattr(args, f)) is not None
    }
    disks = tuple(d for d in vm.hardware.disks if d.volume_id not in args.detach_volumes) + args.attach_volumes
    nics = tuple(nic for nic in vm.hardware.nics if nic.id not in args.remove_nics) + args.add_nics
    if args.firmware is Firmware.UEFI:
        machine["kernel_image_id"] = None  # an image's own kernel only starts under BIOS; its disk boots by both
    hardware = dataclasses.replace(vm.hardware, disks=disks, nics=nics, **machine)
    return dataclasses.replace(vm, hardware=hardware, **plain)


async def _check(run: Run[VmEdit]) -> None:
    args = run.args

    def look(tx: Tx) -> None:
        vm = VM.get(tx, args.vm_id)
        require(vm, VmAction.EDIT)
        newer = _edited(vm, args)
        VM.require_free_name(tx, newer)
        for disk in args.attach_volumes:
            _require_attachable(vm, VOLUME.get(tx, disk.volume_id))
        for nic in args.add_nics:
            require_pluggable(vm, NETWORK.get(tx, nic.network_id))
            require_usable(tx, vm, nic.security_groups)
        _require_present(vm, args)
        require_no_snapshots(tx, vm, args.detach_volumes)
        if args.cpu_model is not None and (host := HOST.peek(tx, vm.host_id or "")) is not None:
            require_cpu(f"Host {host.name}", offer_of(host), wanted_cpu(newer))
        if len(newer.hardware.disks) > MAX_DISKS or len(newer.hardware.nics) > MAX_NICS:
            raise LimitExceeded(f"A VM has at most {MAX_DISKS} disks and {MAX_NICS} NICs.", code="vm.too_many_devices",
                                hint="Detach or remove others first.")  # fmt: skip
        if newer.hardware != vm.hardware:
            require_awake(vm)
        if args.arriving or args.leaving:
            removed = [disk for disk in vm.hardware.disks if disk.volume_id in args.detach_volumes]
            require_hot(vm, removed, args.attach_volumes)

    await require_host(run, await the_vm(run, args.vm_id))
    await run.db.read(look)


def _require_attachable(vm: Vm, volume: Volume) -> None:
    require_combinable(f"Attaching volume {volume.name} to VM {vm.name}", vm.label, volume.label)
    if volume.vm_id is not None:
        raise Conflict(f"Volume {volume.name} is attached to a VM already.", code="volume.attached",
                       hint="Detach it there first.")  # fmt: skip
    if volume.state is not VolumeState.READY or volume.storage_id != vm.storage_id:
        raise Conflict(f"Volume {volume.name} is {volume.state} or on another storage than VM {vm.name}.",
                       code="volume.not_usable", hint="See `altus volume show`.")  # fmt: skip


def _require_present(vm: Vm, args: VmEdit) -> None:
    disks = {disk.volume_id for disk in vm.hardware.disks}
    nics = {nic.id for nic in vm.hardware.nics}
    for missing in (set(args.detach_volumes) - disks) | (set(args.remove_nics) - nics):
        raise Conflict(f"VM {vm.name} has no disk or NIC {missing}.", code="vm.no_such_device",
                       hint=f"See `altus vm show {vm.name}`.")  # fmt: skip


def _fixed(hardware: VmHardware) -> VmHardware:
    """What of it a guest cannot take up while it runs."""
    return dataclasses.replace(hardware, disks=(), nics=())


async def _plan(run: Run[VmEdit]) -> dict[str, Any]:
    """Of a VM that runs, what happens when."""
    args, vm = run.args, await the_vm(run, run.args.vm_id)
    if vm.state in OFF:
        return {}
    before, after = vars(_fixed(vm.hardware)), vars(_fixed(_edited(vm, args).hardware))
    now = [f"disk {disk.volume_id} is added" for disk in args.attach_volumes]
    now += [f"disk {volume_id} is removed" for volume_id in args.detach_volumes]
    now += [f"a NIC on network {nic.network_id} is added" for nic in args.add_nics]
    now += [f"NIC {nic_id} is removed" for nic_id in args.remove_nics]
    return {"while it runs": now, "at its next start": [name for name in after if after[name] != before[name]]}


async def _plug(run: Run[VmEdit]) -> None:
    host_id = (await the_vm(run, run.args.vm_id)).host_id or ""
    await _ensure_ports(run, host_id, run.args.add_nics)


async def _ensure_ports(run: Run[VmEdit], host_id: str, nics: Iterable[VmNic]) -> None:
    for nic in nics:
        await run.call(host_id, PORT_ENSURE, PortEnsure(port=nic.port))


async def _unplug(run: Run[VmEdit]) -> None:
    host_id = (await the_vm(run, run.args.vm_id)).host_id or ""
    for nic in run.args.add_nics:
        await run.call(host_id, PORT_DELETE, PortRef(port_id=nic.id))


async def _define(run: Run[VmEdit]) -> None:
    if (before := remembered(run)) is not None:
        vm = dataclasses.replace(_edited(before, run.args), revision=before.revision + 1)
        await run.call(vm.host_id or "", VM_DEFINE, VmDefine(vm=definition(vm)))


async def _define_as_before(run: Run[VmEdit]) -> None:
    if (before := remembered(run)) is not None:
        await run.call(before.host_id or "", VM_DEFINE, VmDefine(vm=definition(before)))


async def _devices(run: Run[VmEdit]) -> None:
    """First what the guest may not let go of, since it may then keep also what would have to be taken back."""
    if (before := remembered(run)) is not None:
        edited = _edited(before, run.args)
        await take_out(run, edited, run.args.leaving)
        await plug(run, edited, run.args.arriving)


async def _devices_as_before(run: Run[VmEdit]) -> None:
    """What the guest was asked for it may still be about to let go of. What it got and keeps is gone at its next start:
    that is pending then."""
    if (before := remembered(run)) is None:
        return
    if await plug(run, before, run.args.arriving):
        run.write(lambda tx: VM.change(tx, before.id, restart_pending=True))
    await plug(run, before, run.args.leaving, asked=run.args.leaving)


async def _remove_ports(run: Run[VmEdit]) -> None:
    """Nothing on the host refers to them any more."""
    host_id = (await the_vm(run, run.args.vm_id)).host_id or ""
    for port_id in run.args.remove_nics:
        await run.call(host_id, PORT_DELETE, PortRef(port_id=port_id))


async def _make_ports_again(run: Run[VmEdit]) -> None:
    if (before := remembered(run)) is not None:
        removed = (nic for nic in before.hardware.nics if nic.id in run.args.remove_nics)
        await _ensure_ports(run, before.host_id or "", removed)
        await lead_again(run, before.host_id or "", run.args.remove_nics)


async def _store(run: Run[VmEdit]) -> None:
    """Write the change with the end of the task; names are unique in a project, which is decided here for good."""
    before, args = remembered(run), run.args
    if before is None:
        return
    edited = _edited(before, args)
    changed = _fixed(edited.hardware) != _fixed(before.hardware)
    pending = before.state not in OFF and (before.restart_pending or changed)

    def write(tx: Tx) -> None:
        if edited.name != before.name:
            VM.require_free_name(tx, edited)
        VM.change(tx, args.vm_id, name=edited.name, description=edited.description, tags=edited.tags,
                  protected=edited.protected, hardware=edited.hardware, restart_pending=pending)  # fmt: skip
        for disk in args.attach_volumes:
            VOLUME.change(tx, disk.volume_id, vm_id=args.vm_id)
        for volume_id in args.detach_volumes:
            VOLUME.change(tx, volume_id, vm_id=None)

    run.write(write)


def _released(run: Run[VmEdit], tx: Tx) -> None:
    for port_id in run.args.remove_nics:
        ports.release(tx, port_id)


def _forgotten(run: Run[VmEdit], tx: Tx) -> None:
    for nic in run.args.add_nics:
        ports.release(tx, nic.id)


VM_EDIT = TaskType(
    "vm.edit",
    VmEdit,
    title="Edit VM",
    permission=Permission.VM_EDIT,
    noun="vm",
    locks=_locks,
    check=_check,
    plan=_plan,
    steps=(
        Step("prepare", "Remember the VM as it is", remember),
        Step("plug", "Make new network ports", _plug, undo=_unplug),
        Step("define", "Define the VM anew on its host", _define, undo=_define_as_before),
        Step("devices", "Have the running guest take devices and let go of others", _devices, undo=_devices_as_before),
        Step("unplug", "Remove network ports", _remove_ports, undo=_make_ports_again),
        Step("store", "Store the change", _store),
    ),
    on_success=_released,
    on_undone=_forgotten,
)
