"""Hosts to place VMs on."""

from __future__ import annotations

from typing import Any

from altus.common.units import GIB
from altus.manager.placement.declare import Candidate, Request
from altus.model.cpu import CpuOffer
from altus.model.host import Acceleration, CpuFacts, Host, HostFacts, HostState
from altus.model.label import Label
from altus.model.placement import GroupRule, Relation, VmPlacement, capacity_of
from altus.model.pool import Pool
from altus.model.storage import Storage

POOL = Pool(id="pool", name="pool")
SHARED = Storage(id="shared", name="shared")


def facts(threads: int = 8, memory: int = 16 * GIB, offer: CpuOffer | None = None) -> HostFacts:
    """A host with so much of everything."""
    cpu = CpuFacts(model="CPU", vendor="V", sockets=1, cores=threads, threads=threads, flags=(), virtualization="",
                   nested_paging="")  # fmt: skip
    return HostFacts(hostname="h", cpu=cpu, memory=memory, numa=(), iommu=False, disks=(), nics=(),
                     acceleration=Acceleration.KVM, acceleration_reason="", datapath="", guest_cpus=offer)  # fmt: skip


def candidate(name: str = "h1", *, pool: Pool = POOL, storage: Storage = SHARED, vcpus_used: int = 0,
              memory_used: int = 0, threads: int = 8, memory: int = 16 * GIB, cpu_refusal: str = "",
              **fields: Any) -> Candidate:  # fmt: skip
    """A host that is up."""
    host = Host(**{"id": name, "name": name, "state": HostState.UP, "facts": facts(threads, memory), **fields})
    return Candidate(host=host, storage=storage, capacity=capacity_of(host, pool), vcpus_used=vcpus_used,
                     memory_used=memory_used, cpu_refusal=cpu_refusal)  # fmt: skip


def request(vcpus: int = 1, memory: int = GIB, *, groups: tuple[GroupRule, ...] = (), required: tuple[str, ...] = (),
            forbidden: tuple[str, ...] = (), **fields: Any) -> Request:  # fmt: skip
    """A VM that is to be started."""
    wishes = VmPlacement(groups=groups, required_tags=required, forbidden_tags=forbidden)
    return Request(**{"label": Label.OPEN, "vcpus": vcpus, "memory": memory, "started": True, "placement": wishes,
                      **fields})  # fmt: skip


def apart(group: str = "web", *, must: bool = True) -> GroupRule:
    """Each on another host."""
    return GroupRule(group=group, relation=Relation.APART, must=must)


def together(group: str = "web", *, must: bool = True) -> GroupRule:
    """All on one host."""
    return GroupRule(group=group, relation=Relation.TOGETHER, must=must)
