"""What placement is asked, read from the database: by tasks that place a VM, and by whoever wants it explained."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from altus.manager.placement.declare import Candidate, Request
from altus.manager.store.database import Tx
from altus.manager.store.resources import HOST, POOL, STORAGE
from altus.manager.store.vms import group_members, working
from altus.manager.tasks.vm_cpu import wanted_cpu
from altus.model.cpu_baseline import baselines_of, given_by, refusals_of
from altus.model.placement import GroupRule, capacity_of, require_same_rule
from altus.model.storage import Storage
from altus.model.vm import Vm

Taken = Mapping[str, tuple[int, int]]
"""vCPUs and bytes of memory of hosts, by id, that are given away besides what VMs have."""


def request_for(tx: Tx, vm: Vm, *, started: bool, storage_id: str) -> Request:
    """The question for this VM, wherever it is now."""
    return Request(
        label=vm.label,
        vcpus=vm.hardware.vcpus,
        memory=vm.hardware.memory,
        started=started,
        storage_id=storage_id,
        placement=vm.placement,
        members=_members(tx, vm),
        cpu=wanted_cpu(vm),
    )


Promised = Mapping[str, int]
"""Bytes of disks that come to hosts or repositories, by id."""


def candidates(tx: Tx, without: str = "", taken: Taken = MappingProxyType({}),
               promised: Promised = MappingProxyType({})) -> list[Candidate]:  # fmt: skip
    """Every host with every repository it reaches; what VM `without` has does not count, what is `taken` or `promised`
    does."""
    used, pools, storages = working(tx, without), {pool.id: pool for pool in POOL.all(tx)}, _reached(tx)
    hosts = HOST.all(tx)
    baselines = baselines_of(pools.values(), hosts)
    given, refused = given_by(baselines), refusals_of(baselines)
    found = []
    for host in hosts:
        capacity = capacity_of(host, pools[host.pool_id])
        vcpus, memory = (sum(both) for both in zip(used.get(host.id, (0, 0)), taken.get(host.id, (0, 0)), strict=True))
        found += [
            Candidate(
                host=host,
                storage=storage,
                capacity=capacity,
                vcpus_used=vcpus,
                memory_used=memory,
                cpu=given.get(host.id),
                cpu_refusal=refused.get(host.id, ""),
                promised=promised.get(host.id, 0) + promised.get(storage.id, 0),
            )
            for storage in storages[None] + storages[host.id]
        ]
    return found


def _reached(tx: Tx) -> defaultdict[str | None, list[Storage]]:
    """Repositories by the only host that reaches them; those of None are shared."""
    found = defaultdict(list)
    for storage in STORAGE.all(tx):
        found[storage.host_id].append(storage)
    return found


def require_rules(tx: Tx, vm: Vm, rules: Iterable[GroupRule]) -> None:
    """`Conflict` (`placement.group_differs`) unless the VM's groups are what their other members say."""
    mine = {rule.group: rule for rule in rules}
    for other in group_members(tx, vm.project_id, mine, vm.id):
        for theirs in other.placement.groups:
            if theirs.group in mine:
                require_same_rule(mine[theirs.group], theirs)


def _members(tx: Tx, vm: Vm) -> dict[str, frozenset[str]]:
    mine = {rule.group: rule for rule in vm.placement.groups}
    hosts: dict[str, set[str]] = {group: set() for group in mine}
    for other in group_members(tx, vm.project_id, mine, vm.id):
        for theirs in other.placement.groups:
            if theirs.group in mine:
                hosts[theirs.group].update(host_id for host_id in (other.host_id, other.other_host_id) if host_id)
    return {group: frozenset(found) for group, found in hosts.items()}
