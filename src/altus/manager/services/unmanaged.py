"""What runs on hosts without Altus: domains that others made, and those of VMs that the database does not know."""

from __future__ import annotations

import dataclasses

from altus.common.errors import Conflict, InvalidInput, NotFound
from altus.common.ids import new_id
from altus.manager.services.changes import Change
from altus.manager.services.lookup import project_for, visible
from altus.manager.store import ports
from altus.manager.store.database import Tx
from altus.manager.store.resources import HOST, NETWORK, VM, VOLUME
from altus.manager.tasks.run import World
from altus.manager.tasks.vm_adopt import VM_ADOPT, VmAdopt
from altus.model.actor import Actor
from altus.model.domain import DomainDisk, DomainFacts, refusals
from altus.model.host import Host
from altus.model.permission import Permission
from altus.model.vm import DiskBus, NicModel, Vm, VmDisk, VmHardware, VmNic
from altus.model.volume import Volume
from altus.wire import vms as wire
from altus.wire.operations import HOST_DOMAINS, VOLUME_INSPECT, Nothing, VolumeRef


class UnmanagedService:
    """Asks the host itself, so that the answer is never old."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def list(self, actor: Actor, reference: str) -> tuple[Host, list[DomainFacts]]:
        """A host and its unmanaged domains, by name; `Unavailable` (`host.unreachable`)."""

        def look(tx: Tx) -> tuple[Host, set[str]]:
            return visible(tx, actor, HOST, reference, Permission.HOST_READ), {vm.id for vm in VM.all(tx)}

        host, _ = await self.world.db.read(look)
        told = await self.world.agents.call(host.id, HOST_DOMAINS, Nothing())
        _, known = await self.world.db.read(look)  # read afterwards: a VM has a row before it has a domain
        unmanaged = [domain for domain in told.domains if domain.id not in known]
        return host, sorted(unmanaged, key=lambda domain: domain.name)

    async def adopt(self, actor: Actor, reference: str, body: wire.VmAdopt) -> Change[VmAdopt]:
        """Let one become a VM. `NotFound` (`domain.not_found`), `Conflict` (`domain.not_adoptable`)."""
        host, domains = await self.list(actor, reference)
        domain = next((one for one in domains if body.domain in (one.id, one.name)), None)
        if domain is None:
            raise NotFound(f"Host {host.name} has no unmanaged domain {body.domain[:80]!r}.", code="domain.not_found",
                           hint=f"See `altus host unmanaged {host.name}`.")  # fmt: skip
        if why := refusals(domain):
            raise Conflict(f"Domain {domain.name} cannot be adopted. {' '.join(why)}", code="domain.not_adoptable",
                           hint="Put that right, or leave it unmanaged.")  # fmt: skip
        if domain.nics and body.network is None:
            raise InvalidInput(f"Domain {domain.name} has NICs.", code="vm.network_missing",
                               hint="Say on which network they are to be.")  # fmt: skip
        volumes = [await self._volume(host, domain, number, disk, body) for number, disk in enumerate(domain.disks)]

        def draft(tx: Tx) -> VmAdopt:
            project = project_for(tx, actor, body.project, Permission.VM_CREATE)
            network = visible(tx, actor, NETWORK, body.network, Permission.NETWORK_READ) if body.network else None
            nics = tuple(VmNic(id=new_id(), network_id=network.id if network else "", mac=nic.mac.lower(), address="",
                               model=NicModel(nic.model)) for nic in domain.nics)  # fmt: skip
            disks = tuple(VmDisk(volume_id=disk.volume_id, bus=DiskBus(disk.bus), limits=disk.limits)
                          for disk in domain.disks)  # fmt: skip
            hardware = VmHardware(vcpus=domain.vcpus, memory=domain.memory, disks=disks, nics=nics)
            vm = Vm(id=domain.id, name=body.name or domain.name, project_id=project, label=host.label,
                    hardware=hardware, storage_id=domain.disks[0].storage_id, host_id=host.id)  # fmt: skip
            mine = tuple(dataclasses.replace(volume, project_id=project) for volume in volumes)
            return VmAdopt(vm=vm, volumes=mine)

        arguments = await self.world.db.read(draft)
        return Change(kind=VM_ADOPT, arguments=arguments, object_id=domain.id, object_name=arguments.vm.name,
                      project_id=arguments.vm.project_id, reserve=lambda tx: _reserve(tx, arguments))  # fmt: skip

    async def _volume(self, host: Host, domain: DomainFacts, number: int, disk: DomainDisk,
                      body: wire.VmAdopt) -> Volume:  # fmt: skip
        asked = VolumeRef(storage_id=disk.storage_id, volume_id=disk.volume_id)
        facts = (await self.world.agents.call(host.id, VOLUME_INSPECT, asked)).facts
        if facts is None:
            raise Conflict(f"Disk {disk.path} of domain {domain.name} is not there.", code="volume.missing",
                           hint="Bring its file back.")  # fmt: skip
        return Volume(id=facts.id, name=f"{body.name or domain.name}-disk{number}", label=host.label,
                      storage_id=disk.storage_id, size=facts.size, allocation=facts.allocation, base=facts.base,
                      vm_id=domain.id)  # fmt: skip


def _reserve(tx: Tx, arguments: VmAdopt) -> VmAdopt:
    """Its addresses and rows; a volume that is known already is another VM's, or free to be attached."""
    vm = arguments.vm
    nics = tuple(ports.reserve(tx, NETWORK.get(tx, nic.network_id), vm.id, nic) for nic in vm.hardware.nics)
    vm = dataclasses.replace(vm, hardware=dataclasses.replace(vm.hardware, nics=nics))
    if VM.peek(tx, vm.id) is not None or any(VOLUME.peek(tx, volume.id) for volume in arguments.volumes):
        raise Conflict(f"VM {vm.name} or one of its disks is managed already.", code="domain.not_adoptable",
                       hint="See `altus volume list`.")  # fmt: skip
    VM.insert(tx, vm)
    for volume in arguments.volumes:
        VOLUME.insert(tx, volume)
    return dataclasses.replace(arguments, vm=vm)
