"""Wishes about where a VM runs, and what a host can hold."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from altus.common.errors import Conflict
from altus.model.host import Host
from altus.model.pool import Pool


class Relation(StrEnum):
    """Whether the members of a group run on one host, or each on another."""

    TOGETHER = "together"
    APART = "apart"


@dataclass(frozen=True, kw_only=True)
class GroupRule:
    """A VM's membership in a group of its project; what is not a `must` is only preferred. All members of a group have
    the same rule."""

    group: str
    relation: Relation
    must: bool = True


@dataclass(frozen=True, kw_only=True)
class VmPlacement:
    """Tags that the VM's host must have or must not have, and the groups it belongs to."""

    required_tags: tuple[str, ...] = ()
    forbidden_tags: tuple[str, ...] = ()
    groups: tuple[GroupRule, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """What the VMs that run on a host may have in all: vCPUs, and memory in bytes."""

    vcpus: int
    memory: int


def capacity_of(host: Host, pool: Pool) -> Capacity:
    """What is left of the host when its own share is taken away, times what the pool promises of it."""
    if host.facts is None:
        return Capacity(vcpus=0, memory=0)
    threads = max(host.facts.cpu.threads - host.reserved_vcpus, 0)
    memory = max(host.facts.memory - host.reserved_memory, 0)
    return Capacity(vcpus=int(threads * pool.vcpu_ratio), memory=int(memory * pool.memory_ratio))


def require_same_rule(mine: GroupRule, theirs: GroupRule) -> None:
    """`Conflict` (`placement.group_differs`) if two members of a group do not agree what it is."""
    if mine != theirs:
        said = f"{'must' if theirs.must else 'should'} be {theirs.relation}"
        raise Conflict(f"The members of group {mine.group} {said}.", code="placement.group_differs",
                       hint="Use another name for the group, or the same rule.")  # fmt: skip
