"""Virtual machines: what an administrator asks for becomes a change."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from altus.common.errors import InvalidInput, LimitExceeded
from altus.common.ids import new_id
from altus.manager.services.changes import Change
from altus.manager.services.images import disk_image, ready_image
from altus.manager.services.lookup import project_for, storage, visible, visible_page
from altus.manager.services.nics import named_nic
from altus.manager.store import ports
from altus.manager.store import tasks as task_rows
from altus.manager.store.database import Database, Tx
from altus.manager.store.resources import HOST, NETWORK, SECURITY_GROUP, VM, VOLUME
from altus.manager.store.secrets import SecretBox
from altus.manager.store.vms import seal_seed
from altus.manager.tasks.vm_build import VmBuild
from altus.manager.tasks.vm_clone import VM_CLONE, VmClone
from altus.manager.tasks.vm_create import VM_CREATE, VmCreate
from altus.manager.tasks.vm_delete import VM_DELETE, VmDelete
from altus.manager.tasks.vm_edit import VM_EDIT, VmEdit
from altus.manager.tasks.vm_edit_disk import VM_EDIT_DISK, VmEditDisk
from altus.manager.tasks.vm_edit_nic import VM_EDIT_NIC, VmEditNic
from altus.manager.tasks.vm_place import require_rules
from altus.manager.tasks.vm_repair import VM_REPAIR, VmRepair
from altus.model.actor import Actor
from altus.model.cpu import AUTO_CPU
from altus.model.cpu_baseline import require_known_model
from altus.model.image import Image, ImageFormat
from altus.model.network import NicLimit
from altus.model.permission import Permission
from altus.model.placement import GroupRule, VmPlacement
from altus.model.query import ListQuery, Page
from altus.model.vm import MAX_DISKS, CloudInit, Firmware, NicModel, PowerIntent, Vm, VmDisk, VmHardware, VmNic
from altus.model.vm_action import RULES, VmAction, refusal
from altus.model.volume import BaseKind, Volume, VolumeBase
from altus.wire import vms as wire


@dataclasses.dataclass
class _Draft:
    """A new VM while its parts are being collected."""

    vm_id: str
    body: wire.VmCreate
    project_id: str
    disks: list[VmDisk] = dataclasses.field(default_factory=list)
    volumes: list[Volume] = dataclasses.field(default_factory=list)
    kernel: str | None = None
    storage_id: str = ""


class VmService:
    """Everything about VMs but their power and their consoles."""

    def __init__(self, db: Database, secrets: SecretBox) -> None:
        self.db = db
        self.secrets = secrets

    async def get(self, actor: Actor, reference: str) -> Vm:
        """By id or name."""
        return await self.db.read(lambda tx: visible(tx, actor, VM, reference, Permission.VM_READ))

    async def show(self, actor: Actor, reference: str) -> tuple[Vm, str]:
        """A VM, and the title of the task that works on it now; empty for none."""

        def look(tx: Tx) -> tuple[Vm, str]:
            vm = visible(tx, actor, VM, reference, Permission.VM_READ)
            busy = task_rows.unfinished_of(tx, vm.id)
            return vm, busy[0].title if busy else ""

        return await self.db.read(look)

    async def page(self, actor: Actor, query: ListQuery) -> Page[Vm]:
        """A page of the VMs the actor may see."""
        return await self.db.read(lambda tx: visible_page(tx, actor, VM, query, Permission.VM_READ))

    async def create(self, actor: Actor, body: wire.VmCreate) -> Change[Any]:
        """A new VM with its own volumes and ports. `InvalidInput` (`cpu.unknown`) for a CPU that no host can give."""

        def draft(tx: Tx) -> VmCreate:
            require_known_model(HOST.all(tx), body.cpu_model)
            project = project_for(tx, actor, body.project, Permission.VM_CREATE)
            return self._drafted(tx, actor, _Draft(new_id(), body, project))

        arguments = await self.db.read(draft)
        seed = CloudInit(user_data=body.cloud_init.user_data, ssh_keys=tuple(body.cloud_init.ssh_keys),
                         password=body.cloud_init.password)  # fmt: skip
        sealed = seal_seed(self.secrets, arguments.vm.id, seed)
        return _building(VM_CREATE, arguments, sealed)

    async def clone(self, actor: Actor, reference: str, body: wire.VmClone) -> Change[Any]:
        """A copy of a VM: new id, MACs and addresses; its first boot is not repeated."""
        source = await self.get(actor, reference)
        actor.require(Permission.VM_CREATE, project_id=source.project_id)

        def draft(tx: Tx) -> VmClone:
            vm_id, volumes, disks = new_id(), [], []
            for number, disk in enumerate(source.hardware.disks):
                original = VOLUME.get(tx, disk.volume_id)
                base = VolumeBase(kind=BaseKind.VOLUME, id=original.id, linked=body.linked)
                volume = Volume(id=new_id(), name=f"{body.name}-disk{number}", project_id=source.project_id,
                                label=source.label, storage_id=source.storage_id, size=original.size, base=base,
                                vm_id=vm_id)  # fmt: skip
                volumes.append(volume)
                disks.append(dataclasses.replace(disk, volume_id=volume.id))
            nics = tuple(dataclasses.replace(nic, id=new_id(), mac="", address="") for nic in source.hardware.nics)
            hardware = dataclasses.replace(source.hardware, disks=tuple(disks), nics=nics)
            vm = Vm(id=vm_id, name=body.name, project_id=source.project_id, label=source.label, hardware=hardware,
                    storage_id=source.storage_id, description=source.description, tags=source.tags,
                    placement=source.placement, intent=_intent(body.start))  # fmt: skip
            return VmClone(vm=vm, volumes=tuple(volumes), start=body.start, source_id=source.id)

        arguments = await self.db.read(draft)
        return _building(VM_CLONE, arguments, seal_seed(self.secrets, arguments.vm.id, CloudInit()))

    async def edit(self, actor: Actor, reference: str, body: wire.VmEdit) -> Change[VmEdit]:
        """Change a VM."""
        vm = await self.get(actor, reference)
        actor.require(Permission.VM_EDIT, project_id=vm.project_id, object_id=vm.id)

        def draft(tx: Tx) -> VmEdit:
            require_known_model(HOST.all(tx), body.cpu_model or AUTO_CPU)
            plain = body.model_dump(exclude={"attach_volumes", "detach_volumes", "add_nics", "remove_nics"})
            plain["tags"] = None if body.tags is None else tuple(dict.fromkeys(body.tags))
            plain["boot"] = None if body.boot is None else _boot(body.boot)
            attach = _volumes(tx, actor, vm, body.attach_volumes)
            return VmEdit(vm_id=vm.id, attach_volumes=tuple(VmDisk(volume_id=volume) for volume in attach),
                          detach_volumes=_volumes(tx, actor, vm, body.detach_volumes),
                          remove_nics=tuple(dict.fromkeys(body.remove_nics)),
                          add_nics=_nics(tx, actor, body.add_nics), **plain)  # fmt: skip

        arguments = await self.db.read(draft)

        def reserve(tx: Tx) -> VmEdit:
            return dataclasses.replace(arguments, add_nics=_addressed(tx, vm.id, arguments.add_nics))

        return _change(VM_EDIT, vm, arguments, reserve)

    async def edit_nic(self, actor: Actor, reference: str, nic: str, body: wire.NicEdit) -> Change[VmEditNic]:
        """Change a NIC, found by id or MAC. `NotFound` (`nic.not_found`)."""
        vm = await self.get(actor, reference)
        actor.require(Permission.VM_EDIT, project_id=vm.project_id, object_id=vm.id)
        found = named_nic(vm, nic)

        def draft(tx: Tx) -> VmEditNic:
            groups = None if body.security_groups is None else groups_of(tx, actor, body.security_groups)
            return VmEditNic(vm_id=vm.id, nic_id=found.id, security_groups=groups, limit_in=_limit(body.limit_in),
                             limit_out=_limit(body.limit_out), link=body.link, model=body.model,
                             moved=_moved(tx, actor, found, body))  # fmt: skip

        arguments = await self.db.read(draft)

        def reserve(tx: Tx) -> VmEditNic:
            moved = () if arguments.moved is None else _addressed(tx, vm.id, (arguments.moved,))
            return dataclasses.replace(arguments, moved=next(iter(moved), None))

        return _change(VM_EDIT_NIC, vm, arguments, reserve)

    async def edit_disk(self, actor: Actor, reference: str, disk: str, body: wire.DiskEdit) -> Change[VmEditDisk]:
        """Change a disk, found by its volume's id or name."""
        vm = await self.get(actor, reference)
        actor.require(Permission.VM_EDIT, project_id=vm.project_id, object_id=vm.id)
        (volume_id,) = await self.db.read(lambda tx: _volumes(tx, actor, vm, [disk]))
        arguments = VmEditDisk(vm_id=vm.id, volume_id=volume_id, limits=body.limits.stored)
        return _change(VM_EDIT_DISK, vm, arguments)

    async def delete(self, actor: Actor, reference: str, body: wire.VmDelete) -> Change[VmDelete]:
        """Remove a VM, with its disks unless they are to be kept."""
        vm = await self.get(actor, reference)
        actor.require(Permission.VM_DELETE, project_id=vm.project_id, object_id=vm.id)
        volumes = () if body.keep_volumes else tuple(disk.volume_id for disk in vm.hardware.disks)
        return _change(VM_DELETE, vm, VmDelete(vm_id=vm.id, volume_ids=volumes, force=body.force))

    async def repair(self, actor: Actor, reference: str) -> Change[VmRepair]:
        """Have its host know it as the database does."""
        vm = await self.get(actor, reference)
        actor.require(Permission.VM_EDIT, project_id=vm.project_id, object_id=vm.id)
        return _change(VM_REPAIR, vm, VmRepair(vm_id=vm.id))

    def _drafted(self, tx: Tx, actor: Actor, draft: _Draft) -> VmCreate:
        body = draft.body
        if body.storage is not None:
            draft.storage_id = storage(tx, body.storage, body.label).id
        wanted = list(body.disks)
        if body.image is not None:
            wanted.insert(0, wire.DiskCreate(image=body.image, size=body.disk_size, linked=body.linked,
                                             limits=body.disk_limits))  # fmt: skip
        elif body.disk_size is not None:
            wanted.insert(0, wire.DiskCreate(size=body.disk_size, limits=body.disk_limits))
        if len(wanted) > MAX_DISKS:
            raise LimitExceeded(f"A VM has at most {MAX_DISKS} disks.", code="vm.too_many_devices",
                                hint="The one made from the image counts, too.")  # fmt: skip
        for number, disk in enumerate(wanted):
            _add_disk(tx, actor, draft, number, disk)
        cdrom = _iso(tx, actor, body.cdrom) if body.cdrom is not None else None
        hardware = VmHardware(vcpus=body.vcpus, memory=body.memory, firmware=body.firmware, boot=_boot(body.boot),
                              disks=tuple(draft.disks), nics=_nics(tx, actor, body.nics), cdrom_image_id=cdrom,
                              kernel_image_id=draft.kernel, cpu_model=body.cpu_model)  # fmt: skip
        vm = Vm(id=draft.vm_id, name=body.name, project_id=draft.project_id, label=body.label, hardware=hardware,
                storage_id=draft.storage_id, description=body.description, tags=tuple(dict.fromkeys(body.tags)),
                protected=body.protected, placement=placement_of(body.placement),
                intent=_intent(body.start))  # fmt: skip
        return VmCreate(vm=vm, volumes=tuple(draft.volumes), start=body.start)


def allowed_actions(permitted: frozenset[Permission], vm: Vm, busy: str = "") -> dict[str, tuple[bool, str]]:
    """Pure: the table of `model/vm_action.py`, what the actor may do to the VM, and what the VM is busy with."""
    answer: dict[str, tuple[bool, str]] = {}
    for action, rule in RULES.items():
        if rule.permission not in permitted:
            answer[action] = (False, f"You lack the permission {rule.permission}.")
        elif why := refusal(vm, action):
            answer[action] = (False, why)
        elif busy and action is not VmAction.CONSOLE:
            answer[action] = (True, f"It would wait for: {busy}.")
        else:
            answer[action] = (True, "")
    return answer


def placement_of(body: wire.PlacementShape) -> VmPlacement:
    """As it is stored."""
    rules = (GroupRule(group=rule.group, relation=rule.relation, must=rule.must) for rule in body.groups)
    return VmPlacement(required_tags=tuple(dict.fromkeys(body.required_tags)),
                       forbidden_tags=tuple(dict.fromkeys(body.forbidden_tags)), groups=tuple(rules))  # fmt: skip


def _intent(start: bool) -> PowerIntent:
    return PowerIntent.RUNNING if start else PowerIntent.STOPPED


def _add_disk(tx: Tx, actor: Actor, draft: _Draft, number: int, disk: wire.DiskCreate) -> None:
    if disk.volume is not None:
        raise InvalidInput("A new VM cannot take over a volume yet.", code="vm.disk_volume",
                           hint="Create the VM, then `altus vm edit --attach`.")  # fmt: skip
    image: Image | None = None
    if disk.image is not None:
        image = disk_image(tx, actor, disk.image)
        if number == 0 and image.direct_boot and draft.body.firmware is Firmware.BIOS:
            draft.kernel = image.id
        draft.storage_id = draft.storage_id or image.storage_id
    size = max(disk.size or 0, image.size if image is not None else 0)
    if image is not None and disk.size is not None and disk.size < image.size:
        raise InvalidInput(f"Image {image.name} needs a disk of at least {image.size} bytes.", code="disk.too_small",
                           hint="Leave the size out to take the image's.")  # fmt: skip
    base = None if image is None else VolumeBase(kind=BaseKind.IMAGE, id=image.id, linked=disk.linked)
    volume = Volume(id=new_id(), name=f"{draft.body.name}-disk{number}", project_id=draft.project_id,
                    label=draft.body.label, storage_id=draft.storage_id, size=size, base=base,
                    vm_id=draft.vm_id)  # fmt: skip
    draft.volumes.append(volume)
    draft.disks.append(VmDisk(volume_id=volume.id, bus=disk.bus, limits=disk.limits.stored))


def _iso(tx: Tx, actor: Actor, reference: str) -> str:
    image = ready_image(tx, actor, reference)
    if image.source_format is not ImageFormat.ISO:
        raise InvalidInput(f"Image {image.name} is not an ISO.", code="image.not_iso", hint="Give it as image.")
    return image.id


def _volumes(tx: Tx, actor: Actor, vm: Vm, references: list[str]) -> tuple[str, ...]:
    """Ids of volumes of the VM's own project."""
    found = (visible(tx, actor, VOLUME, name, Permission.VOLUME_READ, vm.project_id).id for name in references)
    return tuple(dict.fromkeys(found))


def _nics(tx: Tx, actor: Actor, wanted: list[wire.NicCreate]) -> tuple[VmNic, ...]:
    networks = [visible(tx, actor, NETWORK, nic.network, Permission.NETWORK_READ) for nic in wanted]
    return tuple(
        _blank_nic(network.id, nic.model, groups_of(tx, actor, nic.security_groups), nic.address or "")
        for network, nic in zip(networks, wanted, strict=True)
    )


def groups_of(tx: Tx, actor: Actor, references: list[str]) -> tuple[str, ...]:
    """Ids of security groups."""
    found = (visible(tx, actor, SECURITY_GROUP, name, Permission.SECURITY_GROUP_READ).id for name in references)
    return tuple(dict.fromkeys(found))


def _limit(shape: wire.NicLimitShape | None) -> NicLimit | None:
    return None if shape is None else NicLimit(rate=shape.rate, burst=shape.burst)


def _moved(tx: Tx, actor: Actor, nic: VmNic, body: wire.NicEdit) -> VmNic | None:
    """What it is on another network, under an id of its own; None if it stays. `InvalidInput` (`nic.same_network`)."""
    if body.network is None:
        return None
    network = visible(tx, actor, NETWORK, body.network, Permission.NETWORK_READ)
    if network.id == nic.network_id:
        raise InvalidInput(f"NIC {nic.mac} is on network {network.name}.", code="nic.same_network",
                           hint="Name another one.")  # fmt: skip
    return dataclasses.replace(nic, id=new_id(), network_id=network.id, address=body.address or "")


def _blank_nic(network_id: str, model: NicModel, groups: tuple[str, ...], address: str = "") -> VmNic:
    """Its MAC, and its address unless one was asked for, are found when the task is queued."""
    return VmNic(id=new_id(), network_id=network_id, mac="", address=address, model=model, security_groups=groups)


def _addressed(tx: Tx, vm_id: str, nics: tuple[VmNic, ...]) -> tuple[VmNic, ...]:
    return tuple(ports.reserve(tx, NETWORK.get(tx, nic.network_id), vm_id, nic) for nic in nics)


def _boot(order: list[Any]) -> tuple[Any, ...]:
    if len(set(order)) != len(order):
        raise InvalidInput("The boot order names a device twice.", code="vm.boot_order",
                           hint="Name each at most once.")  # fmt: skip
    return tuple(order)


def _building(kind: Any, arguments: VmBuild, sealed: bytes) -> Change[Any]:
    def reserve(tx: Tx) -> VmBuild:
        nics = _addressed(tx, arguments.vm.id, arguments.vm.hardware.nics)
        vm = dataclasses.replace(arguments.vm, hardware=dataclasses.replace(arguments.vm.hardware, nics=nics))
        require_rules(tx, vm, vm.placement.groups)
        VM.insert(tx, vm, sealed=sealed)
        for volume in arguments.volumes:
            VOLUME.insert(tx, volume)
        return dataclasses.replace(arguments, vm=vm)

    return _change(kind, arguments.vm, arguments, reserve)


def _change(kind: Any, vm: Vm, arguments: Any, reserve: Callable[[Tx], Any] = lambda _tx: None) -> Change[Any]:
    return Change(kind=kind, arguments=arguments, object_id=vm.id, object_name=vm.name, project_id=vm.project_id,
                  reserve=reserve)  # fmt: skip
