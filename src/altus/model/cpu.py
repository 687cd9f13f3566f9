"""CPUs of guests: what hosts can give, and what VMs have (ADR 15). Models and features have libvirt's names."""

from __future__ import annotations

from dataclasses import dataclass

from altus.common.errors import Conflict

AUTO_CPU = "auto"
"""In place of a model: a VM has what its pool gives, and a pool gives what all its hosts can."""
MODEL_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
_NAMED = 6


@dataclass(frozen=True, kw_only=True)
class CpuOffer:
    """What a host can give guests as they run there: one of `models`, the richest first, with any of `features`.

    Guests see who made the host's CPU (`vendor`) and how many bits its physical addresses may have (`address_bits`);
    where CPUs are emulated these are empty and 0."""

    models: tuple[str, ...]
    features: tuple[str, ...] = ()
    vendor: str = ""
    address_bits: int = 0


@dataclass(frozen=True, kw_only=True)
class GuestCpu:
    """A VM's CPU. It has just these `features`; without any, those of its model. `vendor` and `address_bits` are those
    of hosts on which it can run, or empty and 0."""

    model: str
    features: tuple[str, ...] = ()
    vendor: str = ""
    address_bits: int = 0


def common_offer(one: CpuOffer, other: CpuOffer) -> CpuOffer | None:
    """What both can give, in the first one's order; None if that is no CPU at all."""
    if one == other:
        return one
    others = frozenset(other.models)
    models = tuple(model for model in one.models if model in others)
    if one.vendor != other.vendor or not models:
        return None
    has = frozenset(other.features)
    return CpuOffer(models=models, features=tuple(name for name in one.features if name in has), vendor=one.vendor,
                    address_bits=min(one.address_bits, other.address_bits))  # fmt: skip


def best_cpu(offer: CpuOffer, model: str = AUTO_CPU) -> GuestCpu:
    """The most that an offer can give, or just this model."""
    chosen, features = (offer.models[0], offer.features) if model == AUTO_CPU else (model, ())
    return GuestCpu(model=chosen, features=features, vendor=offer.vendor, address_bits=offer.address_bits)


def cpu_lack(offer: CpuOffer, cpu: GuestCpu) -> str:
    """Why a host cannot give this CPU, as the rest of a sentence that begins with the host; empty if it can."""
    if cpu.vendor and cpu.vendor != offer.vendor:
        return f"has a CPU by {offer.vendor or 'no vendor'}, not by {cpu.vendor}"
    has = frozenset(offer.features)
    if missing := [name for name in cpu.features if name not in has]:
        return f"has a CPU that lacks {enumerated(missing)} of {cpu.model}"
    if cpu.model not in offer.models:
        return f"cannot give the CPU model {cpu.model}"
    if cpu.address_bits > offer.address_bits:
        return f"has a CPU with {offer.address_bits} address bits, not {cpu.address_bits}"
    return ""


def require_cpu(host: str, offer: CpuOffer | None, cpu: GuestCpu | None) -> None:
    """`Conflict` (`host.cpu`) unless the host with this name can give a VM its CPU, if it has got one."""
    if cpu is not None and (why := "has not told what it can give" if offer is None else cpu_lack(offer, cpu)):
        raise Conflict(f"{host} cannot give the VM its CPU: it {why}.", code="host.cpu",
                       hint="See `altus host show` and `altus pool show`.")  # fmt: skip


def enumerated(names: list[str]) -> str:
    """The names, or the first of many and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:_NAMED])} and {more} more"
