"""Putting together what hardware, hypervisor and network say."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path

from altus.agent.inventory import read
from altus.agent.inventory.cpu import cpu
from altus.agent.inventory.devices import disks, iommu, nics
from altus.agent.inventory.memory import memory, numa
from altus.drivers.hypervisor.base import HypervisorCapabilities
from altus.drivers.network.base import Datapath, NetworkCapabilities
from altus.model.host import Acceleration, CpuFacts, HostDisk, HostFacts, HostNic, NumaNode


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the kernel told about the machine."""

    hostname: str
    kernel: str
    cpu: CpuFacts
    memory: int
    numa: tuple[NumaNode, ...]
    iommu: bool
    disks: tuple[HostDisk, ...]
    nics: tuple[HostNic, ...]


def look(root: Path = Path("/")) -> Found:
    """Read the machine below `root`; blocking, some milliseconds."""
    return Found(
        hostname=read.text(root / "proc/sys/kernel/hostname"),
        kernel=read.text(root / "proc/sys/kernel/osrelease"),
        cpu=cpu(root),
        memory=memory(root),
        numa=numa(root),
        iommu=iommu(root),
        disks=disks(root),
        nics=nics(root),
    )


def describe(found: Found, hypervisor: HypervisorCapabilities | None, network: NetworkCapabilities | None,
             before: HostFacts | None = None) -> HostFacts:  # fmt: skip
    """The host's facts. Of a hypervisor or network that does not answer, what was known `before` is kept."""
    versions = dict(before.versions) if before is not None else {}
    versions |= hypervisor.versions if hypervisor else {}
    versions |= network.versions if network else {}
    versions |= {"kernel": found.kernel, "altus": importlib.metadata.version("altus")}
    acceleration, reason = Acceleration.TCG, "Not known yet: the hypervisor does not answer."
    if hypervisor is not None:
        acceleration, reason = hypervisor.acceleration, hypervisor.acceleration_reason
    elif before is not None:
        acceleration, reason = before.acceleration, before.acceleration_reason
    cpus = hypervisor.guest_cpus if hypervisor else before.guest_cpus if before else None
    datapath = network.datapath.value if network else before.datapath if before else ""
    return HostFacts(
        hostname=found.hostname, cpu=found.cpu, memory=found.memory, numa=found.numa, iommu=found.iommu,
        disks=found.disks, nics=found.nics, acceleration=acceleration, acceleration_reason=reason, datapath=datapath,
        versions=versions, warnings=_warnings(hypervisor, network), guest_cpus=cpus,
    )  # fmt: skip


def _warnings(hypervisor: HypervisorCapabilities | None, network: NetworkCapabilities | None) -> tuple[str, ...]:
    warnings = []
    if hypervisor is not None and hypervisor.acceleration is not Acceleration.KVM:
        warnings.append(f"Guests run without KVM, which is slow: {hypervisor.acceleration_reason}")
    if network is not None and network.datapath is Datapath.USERSPACE:
        warnings.append(f"Packets are forwarded in user space, which is slow: {network.reason}")
    return tuple(warnings)
