"""The choice of a host: every one gets its reasons, chosen or not."""

from __future__ import annotations

from collections.abc import Iterable

from altus.common.errors import LimitExceeded
from altus.manager.placement.declare import Candidate, Request, Verdict
from altus.manager.placement.filters import FILTERS
from altus.manager.placement.weighers import explain, score


def fits(request: Request, candidate: Candidate) -> bool:
    """Whether the candidate is suitable."""
    for rule in FILTERS:  # noqa: SIM110 - this loop is most of the work where there are many VMs and hosts
        if rule(request, candidate):
            return False
    return True


def best(request: Request, candidates: Iterable[Candidate]) -> Candidate | None:
    """The one that would be chosen, without reasons: for many at once. None if no one is suitable."""
    return min((c for c in candidates if fits(request, c)), key=lambda c: _rank(request, c), default=None)


def judge(request: Request, candidates: Iterable[Candidate]) -> list[Verdict]:
    """A verdict for every candidate, the chosen one first: of the suitable, the one with the highest score."""
    judged = [(c, tuple(why for rule in FILTERS if (why := rule(request, c)))) for c in candidates]
    suitable = sorted((c for c, why in judged if not why), key=lambda c: _rank(request, c))
    verdicts = [
        _verdict(c, explain(request, c), points=score(request, c), chosen=c is suitable[0], suitable=True)
        for c in suitable
    ]
    return verdicts + [_verdict(c, why, points=0.0, chosen=False, suitable=False) for c, why in judged if why]


def choose(request: Request, candidates: Iterable[Candidate]) -> list[Verdict]:
    """Like `judge`, but `LimitExceeded` (`placement.no_host`) if none is suitable, with the reasons of the host that
    was asked for, or else of every host."""
    verdicts = judge(request, candidates)
    if verdicts and verdicts[0].chosen:
        return verdicts
    raise LimitExceeded(_refusal(request, verdicts), code="placement.no_host", hint="See `altus host list`.")


def _refusal(request: Request, verdicts: Iterable[Verdict]) -> str:
    """A repository that has all reasons of another one of the same host, and perhaps more, is left out."""
    told: list[Verdict] = []
    for verdict in sorted(verdicts, key=lambda v: len(v.reasons)):
        if not any(v.host_id == verdict.host_id and set(v.reasons) <= set(verdict.reasons) for v in told):
            told.append(verdict)
    if asked := [v for v in told if v.host_id == request.host_id]:
        why = "; ".join(", ".join(verdict.reasons) for verdict in asked)
        return f"Host {asked[0].host_name} cannot take the VM ({why})."
    why = "; ".join(f"{verdict.host_name}: {', '.join(verdict.reasons)}" for verdict in told)
    return f"No host can take the VM ({why or 'no host is enrolled'})."


def _rank(request: Request, candidate: Candidate) -> tuple[float, str, str]:
    return -score(request, candidate), candidate.host.id, candidate.storage.id


def _verdict(candidate: Candidate, reasons: tuple[str, ...], *, points: float, chosen: bool,
             suitable: bool) -> Verdict:  # fmt: skip
    return Verdict(
        host_id=candidate.host.id,
        host_name=candidate.host.name,
        storage_id=candidate.storage.id,
        storage_name=candidate.storage.name,
        suitable=suitable,
        chosen=chosen,
        score=round(points, 3),
        reasons=reasons,
    )
