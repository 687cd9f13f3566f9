"""Filters and a weigher as small declared rules; every host gets its reasons, chosen or not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from altus.common.errors import LimitExceeded
from altus.common.units import format_size
from altus.model.host import Acceleration, Host, HostState
from altus.model.label import Label, may_combine
from altus.model.storage import Storage


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be placed; `memory` in bytes counts only if it is to be `started`. `storage_id` names a repository if
    one was asked for or holds the image. A guest that runs needs the `acceleration` it has."""

    label: Label
    memory: int
    started: bool
    storage_id: str = ""
    acceleration: Acceleration | None = None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A host, a repository it reaches, and the memory of the VMs that run on it, in bytes."""

    host: Host
    storage: Storage
    memory_used: int


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is thought of one candidate; `reasons` are sentences, why not if it is unsuitable."""

    host_id: str
    host_name: str
    storage_id: str
    storage_name: str
    suitable: bool
    chosen: bool
    reasons: tuple[str, ...]


def _host_up(_request: Request, candidate: Candidate) -> str:
    return "" if candidate.host.state is HostState.UP else f"the host is {candidate.host.state}"


def _labels(request: Request, candidate: Candidate) -> str:
    if may_combine(request.label, candidate.host.label, candidate.storage.label):
        return ""
    there = f"host {candidate.host.label}, storage {candidate.storage.label}"
    return f"label {request.label} may not be combined with {there}"


def _storage(request: Request, candidate: Candidate) -> str:
    return "" if request.storage_id in ("", candidate.storage.id) else "the image or the storage asked for is elsewhere"


def _memory(request: Request, candidate: Candidate) -> str:
    total = candidate.host.facts.memory if candidate.host.facts else 0
    if not request.started or candidate.memory_used + request.memory <= total:
        return ""
    return f"{format_size(request.memory)} of memory do not fit: {format_size(total - candidate.memory_used)} are free"


def _acceleration(request: Request, candidate: Candidate) -> str:
    there = candidate.host.facts.acceleration if candidate.host.facts else None
    return "" if request.acceleration in (None, there) else f"the guest runs by {request.acceleration}, not by {there}"


FILTERS: tuple[Callable[[Request, Candidate], str], ...] = (_host_up, _labels, _storage, _memory, _acceleration)
"""Each tells why a candidate is unsuitable, or nothing."""


def _free_memory(candidate: Candidate) -> int:
    return (candidate.host.facts.memory if candidate.host.facts else 0) - candidate.memory_used


def judge(request: Request, candidates: Iterable[Candidate]) -> list[Verdict]:
    """A verdict for every candidate, the chosen one first: of the suitable, the host with the most free memory."""
    judged = [(c, [why for rule in FILTERS if (why := rule(request, c))]) for c in candidates]
    suitable = sorted((c for c, why in judged if not why), key=lambda c: (-_free_memory(c), c.host.id, c.storage.id))
    verdicts = [
        _verdict(c, (f"{format_size(_free_memory(c))} of memory free",), suitable=True, chosen=c is suitable[0])
        for c in suitable
    ]
    return verdicts + [_verdict(c, tuple(why), suitable=False, chosen=False) for c, why in judged if why]


def choose(request: Request, candidates: Iterable[Candidate]) -> list[Verdict]:
    """Like `judge`, but `LimitExceeded` (`placement.no_host`) with every host's reasons if none is suitable."""
    verdicts = judge(request, candidates)
    if verdicts and verdicts[0].chosen:
        return verdicts
    why = "; ".join(f"{v.host_name}: {', '.join(v.reasons)}" for v in verdicts) or "no host is enrolled"
    raise LimitExceeded(f"No host can take the VM ({why}).", code="placement.no_host", hint="See `altus host list`.")


def _verdict(candidate: Candidate, reasons: tuple[str, ...], *, suitable: bool, chosen: bool) -> Verdict:
    return Verdict(
        host_id=candidate.host.id,
        host_name=candidate.host.name,
        storage_id=candidate.storage.id,
        storage_name=candidate.storage.name,
        suitable=suitable,
        chosen=chosen,
        reasons=reasons,
    )
