"""Domains: what a hypervisor has defined, whoever made it; and how one differs from the VM that it should be."""

from __future__ import annotations

from dataclasses import dataclass

from altus.common.units import KIB, format_size
from altus.model.vm import MAX_DISKS, MAX_MEMORY, MAX_NICS, MAX_VCPUS, MIN_MEMORY, Vm, VmState


@dataclass(frozen=True, kw_only=True)
class DomainDisk:
    """A disk of a domain; `volume_id` is empty where its path is not that of a volume of one of the host's
    repositories, `storage_id`."""

    path: str
    bus: str = ""
    volume_id: str = ""
    storage_id: str = ""


@dataclass(frozen=True, kw_only=True)
class DomainNic:
    """A NIC of a domain; `port_id` is the port of Open vSwitch that it is plugged into, empty for other ways."""

    mac: str
    port_id: str = ""
    model: str = ""


@dataclass(frozen=True, kw_only=True)
class DomainFacts:
    """A domain as it is defined, `memory` in bytes. `ours`: Altus made it, or one with such a name. One that is not
    `persistent` runs, and is gone from the host when it stops. `obstacles` say what of it Altus cannot manage."""

    id: str
    name: str
    state: VmState
    ours: bool
    persistent: bool
    vcpus: int
    memory: int
    disks: tuple[DomainDisk, ...] = ()
    nics: tuple[DomainNic, ...] = ()
    obstacles: tuple[str, ...] = ()


def refusals(domain: DomainFacts) -> list[str]:
    """Why it cannot be adopted, as sentences; none if it can."""
    why = [] if domain.state is VmState.STOPPED else [f"It is {domain.state}; shut it down first."]
    why += [f"Its disk {disk.path} is not a volume of a repository of the host." for disk in domain.disks
            if not disk.volume_id]  # fmt: skip
    if len({disk.storage_id for disk in domain.disks}) > 1:
        why.append("Its disks are in several repositories.")
    if not domain.disks:
        why.append("It has no disk.")
    if len(domain.disks) > MAX_DISKS or len(domain.nics) > MAX_NICS or domain.vcpus > MAX_VCPUS:
        why.append("It has more vCPUs, disks or NICs than a VM may have.")
    if not MIN_MEMORY <= domain.memory <= MAX_MEMORY:
        why.append(f"It has {format_size(domain.memory)} of memory, which a VM may not have.")
    return why + list(domain.obstacles)


def differences(vm: Vm, found: DomainFacts) -> list[str]:
    """How a definition differs from what the database says, in words: "4 vCPUs instead of 2"."""
    wanted, told = vm.hardware, []
    if found.vcpus != wanted.vcpus:
        told.append(f"{found.vcpus} vCPUs instead of {wanted.vcpus}")
    if found.memory // KIB != wanted.memory // KIB:
        told.append(f"{format_size(found.memory)} of memory instead of {format_size(wanted.memory)}")
    disks = [disk.volume_id or disk.path for disk in found.disks]
    told += _devices("disk", disks, [disk.volume_id for disk in wanted.disks])
    nics = [nic.port_id or nic.mac for nic in found.nics]
    told += _devices("NIC", nics, [nic.id for nic in wanted.nics])
    macs = {nic.port_id: nic.mac.lower() for nic in found.nics}
    told += [f"NIC {nic.id} has the MAC {macs[nic.id]} instead of {nic.mac}"
             for nic in wanted.nics if nic.id in macs and macs[nic.id] != nic.mac.lower()]  # fmt: skip
    return told


def _devices(noun: str, found: list[str], wanted: list[str]) -> list[str]:
    missing = [f"without {noun} {device}" for device in wanted if device not in found]
    more = [f"with {noun} {device}, which it should not have" for device in found if device not in wanted]
    return missing + more
