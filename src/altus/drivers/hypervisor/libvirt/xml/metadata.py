"""<metadata>: what Altus writes into the domain, enough to rebuild a lost database from hosts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from xml.etree import ElementTree as ET

import msgspec

from altus.common.errors import Failed
from altus.drivers.hypervisor.libvirt.xml.schema import Element, at
from altus.model.vm import VmDefinition

NAMESPACE = "https://altus.invalid/domain/1"
PREFIX = "altus"

ET.register_namespace(PREFIX, NAMESPACE)


@dataclass(kw_only=True)
class AltusMetadata(Element, tag="vm", namespace=NAMESPACE):
    """<altus:vm>: the fields that people and scripts look for, and the whole definition as JSON."""

    id: str = at("@id")
    revision: int = at("@revision")
    project: str = at("@project")
    label: str = at("@label")
    storage: str = at("@storage")
    name: str = at("name")
    definition: str = at("definition")

    @classmethod
    def of(cls, vm: VmDefinition) -> Self:
        """The metadata of a definition."""
        return cls(
            id=vm.id,
            revision=vm.revision,
            project=vm.project_id,
            label=vm.label,
            storage=vm.storage_id,
            name=vm.name,
            definition=msgspec.json.encode(vm).decode(),
        )

    def vm(self) -> VmDefinition:
        """The definition it was made of; `Failed` (`hypervisor.metadata_unreadable`) if somebody edited it badly."""
        try:
            return msgspec.json.decode(self.definition, type=VmDefinition)
        except msgspec.DecodeError as error:
            raise Failed(
                f"The metadata of VM {self.id} cannot be read: {error}.", code="hypervisor.metadata_unreadable"
            ) from error


@dataclass(kw_only=True)
class Metadata(Element, tag="metadata"):
    """<metadata>: ours alone; what others keep there, libvirt keeps only if it is defined again by them."""

    altus: AltusMetadata


def parse_metadata(text: str) -> AltusMetadata:
    """The metadata from what libvirt's `virDomainGetMetadata` returns: our element with its namespace taken off."""
    try:
        root = ET.fromstring(text)  # noqa: S314 - written by this program and kept by the host's own libvirt
    except ET.ParseError as error:
        raise Failed(f"A domain's metadata is not XML: {error}.", code="hypervisor.metadata_unreadable") from error
    for element in root.iter():
        if not element.tag.startswith("{"):
            element.tag = AltusMetadata.qualified(element.tag)
    return AltusMetadata.from_xml(root)
