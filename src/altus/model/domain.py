"""Domains: what a hypervisor has defined, whoever made it; and how one differs from the VM that it should be."""

from __future__ import annotations

from dataclasses import dataclass, field

from altus.common.units import KIB, format_size
from altus.model.disk_limits import DiskLimits
from altus.model.vm import MAX_DISKS, MAX_MEMORY, MAX_NICS, MAX_VCPUS, MIN_MEMORY, NicLink, Vm, VmState


@dataclass(frozen=True, kw_only=True)
class DomainDisk:
    """A disk of a domain; `volume_id` is empty where its path is not that of a volume of one of the host's
    repositories, `storage_id`."""

    path: str
    bus: str = ""
    volume_id: str = ""
    storage_id: str = ""
    limits: DiskLimits = field(default_factory=DiskLimits)

    @property
    def key(self) -> str:
        """What it is known by."""
        return self.volume_id or self.path


@dataclass(frozen=True, kw_only=True)
class DomainNic:
    """A NIC of a domain; `port_id` is the port of Open vSwitch that it is plugged into, empty for other ways."""

    mac: str
    port_id: str = ""
    model: str = ""
    link: NicLink = NicLink.UP

    @property
    def key(self) -> str:
        """What it is known by."""
        return self.port_id or self.mac


@dataclass(frozen=True, kw_only=True)
class DomainDevices:
    """What a running domain's guest has, which may not be what the domain is defined with."""

    disks: tuple[DomainDisk, ...] = ()
    nics: tuple[DomainNic, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DomainFacts:
    """A domain as it is defined, `memory` in bytes. `ours`: Altus made it, or one with such a name. One that is not
    `persistent` runs, and is gone from the host when it stops. `obstacles` say what of it Altus cannot manage. `live`
    is what its guest has; None if it does not run."""

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
    live: DomainDevices | None = None


def refusals(domain: DomainFacts) -> list[str]:
    """Why it cannot be adopted, as sentences; none if it can."""
    why = [] if domain.state is VmState.STOPPED else [f"It is {domain.state}; shut it down first."]
    why += [f"Its disk {disk.path} is not a volume of a repository of the host; move it to volumes/UUID.qcow2 in one."
            for disk in domain.disks if not disk.volume_id]  # fmt: skip
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
    told += _devices("disk", [disk.key for disk in found.disks], [disk.volume_id for disk in wanted.disks])
    told += _devices("NIC", [nic.key for nic in found.nics], [nic.id for nic in wanted.nics])
    told += _settings(found.disks, found.nics, {disk.volume_id: disk.limits for disk in wanted.disks},
                      {nic.id: nic.link for nic in wanted.nics})  # fmt: skip
    macs = {nic.port_id: nic.mac.lower() for nic in found.nics}
    told += [f"NIC {nic.id} has the MAC {macs[nic.id]} instead of {nic.mac}"
             for nic in wanted.nics if nic.id in macs and macs[nic.id] != nic.mac.lower()]  # fmt: skip
    return told


def live_differences(found: DomainFacts) -> list[str]:
    """How what a running guest has differs from the domain's definition, in words; none if it does not run."""
    live = found.live
    if live is None:
        return []
    told = _devices("disk", [disk.key for disk in live.disks], [disk.key for disk in found.disks])
    told += _devices("NIC", [nic.key for nic in live.nics], [nic.key for nic in found.nics])
    return told + _settings(live.disks, live.nics, {disk.key: disk.limits for disk in found.disks},
                            {nic.key: nic.link for nic in found.nics})  # fmt: skip


def _settings(disks: tuple[DomainDisk, ...], nics: tuple[DomainNic, ...], limits: dict[str, DiskLimits],
              links: dict[str, NicLink]) -> list[str]:  # fmt: skip
    told = [f"disk {disk.key} limited to {disk.limits.words or 'nothing'} instead of "
            f"{limits[disk.key].words or 'nothing'}"
            for disk in disks if disk.key in limits and disk.limits != limits[disk.key]]  # fmt: skip
    return told + [f"the link of NIC {nic.key} {nic.link} instead of {links[nic.key]}"
                   for nic in nics if nic.key in links and nic.link is not links[nic.key]]  # fmt: skip


def _devices(noun: str, found: list[str], wanted: list[str]) -> list[str]:
    missing = [f"without {noun} {device}" for device in wanted if device not in found]
    more = [f"with {noun} {device}, which it should not have" for device in found if device not in wanted]
    return missing + more
