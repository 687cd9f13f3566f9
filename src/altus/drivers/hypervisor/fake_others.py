"""What people do on a host of the fake hypervisor without Altus, as with virsh on a real one; and taking it over."""

from __future__ import annotations

import dataclasses

from altus.common.errors import Conflict, NotFound
from altus.drivers.hypervisor.fake_host import ACTIVE, FakeHost, domain_facts
from altus.model.cpu import GuestCpu
from altus.model.domain import DomainFacts
from altus.model.vm import VmDefinition, VmState


class Others:
    """They ask nobody."""

    def __init__(self, host: FakeHost) -> None:
        self._host = host

    def running(self) -> list[str]:
        """Ids of the VMs whose guests run, as somebody on the host sees them, also while nobody else reaches it."""
        return [vm_id for vm_id, found in self._host.vms.items() if found.state is VmState.RUNNING]

    def define(self, domain: DomainFacts) -> None:
        """A domain of their own, which lasts as long as this process."""
        self._host.foreign[domain.id] = domain
        self._host.changes += 1

    def redefine(self, vm: VmDefinition) -> None:
        """Another definition of a VM."""
        self._host.save(dataclasses.replace(self._host.find(vm.id), vm=vm), "defined")

    def undefine(self, vm_id: str) -> None:
        """Remove a VM's definition; one that runs goes on until it stops."""
        found = self._host.find(vm_id)
        if found.state in ACTIVE:
            self._host.save(dataclasses.replace(found, persistent=False), "undefined")
        else:
            self._host.remove(vm_id)

    def end_boot(self, vm_id: str) -> None:
        """Help a guest that does not come there by itself to the end of its boot."""
        self._host.agent_connects(vm_id)

    def guest_cpu(self, vm_id: str) -> GuestCpu | None:
        """What the VM's guest sees; None while there is none."""
        return self._host.find(vm_id).cpu


class FakeAdoptions:
    """See `Adoptions`."""

    def __init__(self, host: FakeHost) -> None:
        self._host = host
        self._taken: dict[str, DomainFacts] = {}

    async def take(self, domain_id: str) -> None:
        """See `Adoptions.take`."""
        self._host.enter("take")
        found = self._host.foreign.get(domain_id)
        if found is None and domain_id in self._taken:
            return
        mine = self._host.vms.get(domain_id)
        if found is None and mine is not None:
            found = domain_facts(mine)
        if found is None:
            raise NotFound(f"Domain {domain_id} is not on this host.", code="vm.not_on_host", vm_id=domain_id)
        if found.state in ACTIVE:
            raise Conflict(f"Domain {found.name} runs.", code="domain.running", hint="Shut it down first.")
        self._taken.setdefault(domain_id, found)
        if mine is not None:
            return  # it has the name already that it would get
        self._host.foreign[domain_id] = dataclasses.replace(found, name=f"altus-{domain_id}", ours=True)
        self._host.changes += 1

    async def give_back(self, domain_id: str) -> None:
        """See `Adoptions.give_back`."""
        self._host.enter("give_back")
        if domain_id in self._host.vms:
            self._host.remove(domain_id)
        if domain_id in self._taken:
            self._host.foreign[domain_id] = self._taken.pop(domain_id)
            self._host.changes += 1
