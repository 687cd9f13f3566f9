"""Rules that make one suitable host better than another: each gives points and, where it matters, says why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from altus.common.units import format_size
from altus.manager.placement.declare import Candidate, Request
from altus.model.placement import Relation
from altus.model.storage import local_name


@dataclass(frozen=True)
class Weigher:
    """`points` are about 0 to 1 and count `weight` times; `explain` says what stands behind them, or nothing."""

    weight: float
    points: Callable[[Request, Candidate], float]
    explain: Callable[[Request, Candidate], str]


def _preferred(request: Request, candidate: Candidate) -> float:
    """The share of the preferences about groups that hold here."""
    wishes = [rule for rule in request.placement.groups if not rule.must] if request.placement.groups else []
    return sum(_holds(request, candidate, rule.group, rule.relation) for rule in wishes) / len(wishes) if wishes else 0


def _holds(request: Request, candidate: Candidate, group: str, relation: Relation) -> bool:
    hosts = request.members.get(group, frozenset())
    here = candidate.host.id in hosts
    return (here or not hosts) if relation is Relation.TOGETHER else not here


def _tell_preferred(request: Request, candidate: Candidate) -> str:
    against = [
        f"group {rule.group} should be {rule.relation}"
        for rule in request.placement.groups
        if not rule.must and not _holds(request, candidate, rule.group, rule.relation)
    ]
    return f"against a preference: {', '.join(against)}" if against else ""


def _memory(_request: Request, candidate: Candidate) -> float:
    """The share of its memory that is free."""
    return candidate.free_memory / candidate.capacity.memory if candidate.capacity.memory else 0.0


def _tell_memory(_request: Request, candidate: Candidate) -> str:
    return f"{format_size(max(candidate.free_memory, 0))} of memory free"


def _vcpus(_request: Request, candidate: Candidate) -> float:
    """The share of its vCPUs that is free."""
    return candidate.free_vcpus / candidate.capacity.vcpus if candidate.capacity.vcpus else 0.0


def _tell_vcpus(_request: Request, candidate: Candidate) -> str:
    return f"{max(candidate.free_vcpus, 0)} of {candidate.capacity.vcpus} vCPUs free"


def _beside(request: Request, candidate: Candidate) -> float:
    """Whether disks would come to a repository that is reached (a half) and called as the one they leave."""
    if not request.beside or candidate.storage.host_id is None:
        return 0.0
    return 1.0 if local_name(candidate.storage, candidate.host.name) == request.beside else 0.5


def _tell_beside(request: Request, candidate: Candidate) -> str:
    return f"{format_size(request.disks)} of disks are copied to {candidate.storage.name}" if request.disks else ""


WEIGHERS = (
    Weigher(10.0, _preferred, _tell_preferred),
    Weigher(1.0, _memory, _tell_memory),
    Weigher(0.5, _vcpus, _tell_vcpus),
    Weigher(0.01, _beside, _tell_beside),
)
"""Preferences first; then VMs are spread so that hosts stay evenly full, by memory before vCPUs. The last one decides
between the repositories of a host."""


def score(request: Request, candidate: Candidate) -> float:
    """All points together."""
    total = 0.0
    for weigher in WEIGHERS:
        total += weigher.weight * weigher.points(request, candidate)
    return total


def explain(request: Request, candidate: Candidate) -> tuple[str, ...]:
    """What stands behind the score."""
    told = (weigher.explain(request, candidate) for weigher in WEIGHERS)
    return tuple(text for text in told if text)
