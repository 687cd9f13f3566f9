"""Domains of others become VMs: their definition is kept in the VM's folder, and the domain gets the VM's name."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import libvirt

from altus.common.errors import Conflict
from altus.drivers.hypervisor.libvirt.build import domain_name
from altus.drivers.hypervisor.libvirt.connection import Connection
from altus.drivers.hypervisor.libvirt.folders import Folders

_WHOLE = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE


class LibvirtAdoptions:
    """See `Adoptions`. What is kept may hold passwords, and does not leave the host."""

    def __init__(self, connection: Connection, folders: Folders) -> None:
        self._connection = connection
        self._folders = folders

    async def take(self, domain_id: str) -> None:
        """See `Adoptions.take`; `virDomainRename`."""
        await self._connection.run_domain(domain_id, self._take)

    async def give_back(self, domain_id: str) -> None:
        """See `Adoptions.give_back`."""
        await self._connection.run(lambda connection: self._give_back(connection, domain_id), domain_id)

    def _take(self, domain: libvirt.virDomain) -> None:
        if domain.isActive():
            raise Conflict(f"Domain {domain.name()} runs.", code="domain.running", hint="Shut it down first.")
        vm_id = str(domain.UUIDString())
        if self._folders.foreign(vm_id) is None:
            self._folders.keep_foreign(vm_id, domain.XMLDesc(_WHOLE))
        if domain.name() != domain_name(vm_id):
            domain.rename(domain_name(vm_id), 0)

    def _give_back(self, connection: libvirt.virConnect, vm_id: str) -> None:
        kept = self._folders.foreign(vm_id)
        if kept is None:
            return
        root = ET.fromstring(kept)  # noqa: S314 - what this host's own libvirt wrote
        name = root.findtext("name") or ""
        domain = next((one for one in connection.listAllDomains() if one.UUIDString() == vm_id), None)
        if domain is None or domain.name() == domain_name(vm_id):
            for element in root.iterfind("name"):
                element.text = domain_name(vm_id)
            defined = connection.defineXML(ET.tostring(root, encoding="unicode"))
            if name != domain_name(vm_id):
                defined.rename(name, 0)
        self._folders.forget_foreign(vm_id)
