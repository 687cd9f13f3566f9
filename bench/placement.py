"""Pure placement: 1,000 VMs onto 100 hosts."""

from __future__ import annotations

import dataclasses
import time

from altus.common.units import GIB
from altus.manager.placement.choose import best
from altus.manager.placement.declare import Candidate, Request
from altus.model.host import Acceleration, CpuFacts, Host, HostFacts, HostState
from altus.model.label import Label
from altus.model.placement import GroupRule, Relation, VmPlacement, capacity_of
from altus.model.pool import Pool
from altus.model.storage import Storage
from bench.table import Row

_HOSTS, _VMS, _GROUP = 100, 1000, 20
_POOL = Pool(id="pool", name="pool")
_CPU = CpuFacts(model="CPU", vendor="V", sockets=2, cores=16, threads=32, flags=(), virtualization="vmx",
                nested_paging="ept")  # fmt: skip
_FACTS = HostFacts(hostname="h", cpu=_CPU, memory=256 * GIB, numa=(), iommu=False, disks=(), nics=(),
                   acceleration=Acceleration.KVM, acceleration_reason="", datapath="")  # fmt: skip


def measure() -> Row:
    """CPU time to place them one by one, every one in a group whose members must be apart."""
    storage = Storage(id="shared", name="shared")
    hosts: dict[str, Candidate] = {}
    for number in range(_HOSTS):
        host = Host(id=f"h{number:03}", name=f"h{number:03}", state=HostState.UP, facts=_FACTS, tags=("ssd",))
        hosts[host.id] = Candidate(host=host, storage=storage, capacity=capacity_of(host, _POOL))
    members: dict[str, set[str]] = {}
    began = time.process_time()
    for number in range(_VMS):
        group = f"g{number // _GROUP}"
        rule = GroupRule(group=group, relation=Relation.APART)
        asked = Request(label=Label.OPEN, vcpus=2, memory=4 * GIB, started=True,
                        placement=VmPlacement(required_tags=("ssd",), groups=(rule,)),
                        members={group: frozenset(members.get(group, ()))})  # fmt: skip
        chosen = best(asked, hosts.values())
        if chosen is None:
            raise RuntimeError(f"VM {number} finds no host")
        hosts[chosen.host.id] = dataclasses.replace(
            chosen, vcpus_used=chosen.vcpus_used + asked.vcpus, memory_used=chosen.memory_used + asked.memory
        )
        members.setdefault(group, set()).add(chosen.host.id)
    used = time.process_time() - began
    return Row("placing 1,000 VMs onto 100 hosts", used, "s of CPU", 1.0, "pure choice, each with a tag and a group")
