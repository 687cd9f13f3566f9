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
    """Like `judge`, but `LimitExceeded` (`placement.no_host`) with every host's reasons if none is suitable."""
    verdicts = judge(request, candidates)
    if verdicts and verdicts[0].chosen:
        return verdicts
    why = "; ".join(f"{v.host_name}: {', '.join(v.reasons)}" for v in verdicts) or "no host is enrolled"
    raise LimitExceeded(f"No host can take the VM ({why}).", code="placement.no_host", hint="See `altus host list`.")


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
