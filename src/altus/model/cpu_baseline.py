"""What a pool gives its VMs as CPU, so that they can run on any of its hosts (ADR 15)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from altus.common.errors import InvalidInput
from altus.model.cpu import AUTO_CPU, CpuOffer, GuestCpu, best_cpu, common_offer, cpu_lack, enumerated
from altus.model.host import Acceleration, Host
from altus.model.pool import Pool


@dataclass(frozen=True, kw_only=True)
class CpuBaseline:
    """The CPU that every member can give where guests run by `acceleration`; None before a host has told what it can.

    `offers` are those of the hosts that count, by id; `refused` are hosts that get no VMs, with the rest of a sentence
    that says why."""

    acceleration: Acceleration
    cpu: GuestCpu | None = None
    offers: Mapping[str, CpuOffer] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether there is any host of this kind that has told what it can give."""
        return bool(self.offers or self.refused)

    @property
    def limits(self) -> dict[str, tuple[str, ...]]:
        """Hosts, by id, without which the others could give more: the features that they lack. There are none where
        the pool's model alone says what is given."""
        if self.cpu is None or not self.cpu.features:
            return {}
        every = sorted({name for offer in self.offers.values() for name in offer.features})
        lacks = {host_id: [name for name in every if name not in offer.features]
                 for host_id, offer in self.offers.items()}  # fmt: skip
        return {host_id: tuple(names) for host_id, names in lacks.items() if names}


def baseline_of(pool: Pool, members: Iterable[Host], acceleration: Acceleration) -> CpuBaseline:
    """The baseline of a pool's hosts with this acceleration. Those that came first count first: a later one that cannot
    give the pool's model, or has no CPU in common with those before, is refused and does not count."""
    total: CpuOffer | None = None
    counted: list[CpuOffer] = []  # most hosts are like others
    offers: dict[str, CpuOffer] = {}
    refused: dict[str, str] = {}
    for host in sorted(members, key=lambda host: (host.created_at, host.id)):
        if (offer := offer_of(host, acceleration)) is None:
            continue
        if offer not in counted:
            both = common_offer(offer if total is None else total, offer)
            if why := _refusal(pool, offer, total, both):
                refused[host.id] = why
                continue
            total = both
            counted.append(offer)
        offers[host.id] = offer
    best = None if total is None else best_cpu(total, pool.cpu_model)
    return CpuBaseline(acceleration=acceleration, cpu=best, offers=offers, refused=refused)


def baselines_of(pools: Iterable[Pool], hosts: Iterable[Host]) -> dict[str, list[CpuBaseline]]:
    """What every pool gives, by its id: one baseline for each acceleration that hosts of it have."""
    members: defaultdict[str, list[Host]] = defaultdict(list)
    for host in hosts:
        members[host.pool_id].append(host)
    return {
        pool.id: [found for kind in Acceleration if (found := baseline_of(pool, members[pool.id], kind)).known]
        for pool in pools
    }


def given_by(baselines: Mapping[str, Iterable[CpuBaseline]]) -> dict[str, GuestCpu]:
    """What VMs that start on hosts are given by their pools, by the hosts' ids."""
    return {
        host: one.cpu for found in baselines.values() for one in found if one.cpu is not None for host in one.offers
    }


def refusals_of(baselines: Mapping[str, Iterable[CpuBaseline]]) -> dict[str, str]:
    """The hosts to which their pools give no VMs, by id, with the rest of a sentence that says why."""
    return {host_id: why for found in baselines.values() for one in found for host_id, why in one.refused.items()}


def offer_of(host: Host, acceleration: Acceleration | None = None) -> CpuOffer | None:
    """What the host can give by this acceleration; None if it has another one or has not told."""
    facts = host.facts
    if facts is None or acceleration not in (None, facts.acceleration):
        return None
    return facts.guest_cpus


def _refusal(pool: Pool, offer: CpuOffer, total: CpuOffer | None, both: CpuOffer | None) -> str:
    if not offer.models:
        return "cannot give guests any CPU model"
    if pool.cpu_model != AUTO_CPU and (why := cpu_lack(offer, GuestCpu(model=pool.cpu_model))):
        return f"{why}, which its pool gives"
    if total is not None and total.vendor != offer.vendor:
        return cpu_lack(offer, best_cpu(total))
    return "" if both is not None else "has no CPU model in common with its pool"


def require_known_model(hosts: Iterable[Host], model: str) -> None:
    """`InvalidInput` (`cpu.unknown`) for a model that none of these hosts can give, if any has told what it can."""
    offers = [offer for host in hosts if (offer := offer_of(host)) is not None]
    if model != AUTO_CPU and offers and not any(model in offer.models for offer in offers):
        known = enumerated(list(dict.fromkeys(name for offer in offers for name in offer.models)))
        raise InvalidInput(f"No host can give the CPU model {model}, but {known or 'none at all'}.", code="cpu.unknown",
                           hint="`altus host show` has the models of each.")  # fmt: skip
