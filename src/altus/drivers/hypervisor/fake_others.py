"""What people do on a host of the fake hypervisor without Altus, as with virsh on a real one."""

from __future__ import annotations

import dataclasses

from altus.drivers.hypervisor.fake_host import ACTIVE, FakeHost
from altus.model.domain import DomainFacts
from altus.model.vm import VmDefinition


class Others:
    """They ask nobody."""

    def __init__(self, host: FakeHost) -> None:
        self._host = host

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
