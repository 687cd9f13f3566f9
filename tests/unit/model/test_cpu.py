"""What hosts can give together, and what is said of one that cannot."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altus.common.errors import Conflict, InvalidInput
from altus.model.cpu import CpuOffer, GuestCpu, best_cpu, common_offer, cpu_lack, require_cpu
from altus.model.cpu_baseline import baseline_of, baselines_of, offer_of, refusals_of, require_known_model
from altus.model.host import Acceleration, Host
from altus.model.pool import Pool
from tests.unit.manager.placement.hosts import facts

KVM = Acceleration.KVM
NEW = CpuOffer(models=("Haswell", "Westmere"), features=("avx2", "lm", "sse2"), vendor="Intel", address_bits=46)
OLD = CpuOffer(models=("Westmere",), features=("lm", "sse2"), vendor="Intel", address_bits=40)
OTHER = CpuOffer(models=("EPYC", "Westmere"), features=("avx2", "lm", "sse2"), vendor="AMD", address_bits=48)
POOL = Pool(id="pool", name="pool")
_FIRST = datetime(2026, 1, 1, tzinfo=UTC)

OFFERS = st.builds(
    CpuOffer,
    models=st.lists(st.sampled_from("ABCD"), unique=True).map(tuple),
    features=st.lists(st.sampled_from("uvwxyz"), unique=True).map(tuple),
    vendor=st.sampled_from(["Intel", "AMD"]),
    address_bits=st.integers(36, 52),
)


def host(name: str, offer: CpuOffer | None, kind: Acceleration = KVM) -> Host:
    """A member of the pool; names are in the order of coming."""
    told = dataclasses.replace(facts(), guest_cpus=offer, acceleration=kind)
    return Host(id=name, name=name, pool_id="pool", facts=told, created_at=_FIRST + timedelta(days=ord(name[0])))


def hosts(*offers: CpuOffer) -> list[Host]:
    """One for each offer, in this order."""
    return [host(chr(ord("a") + number), offer) for number, offer in enumerate(offers)]


@given(st.lists(OFFERS, max_size=6))
def test_every_host_is_refused_or_gives_the_baseline(offers: list[CpuOffer]) -> None:
    members = hosts(*offers)
    found = baseline_of(POOL, members, KVM)
    for member in members:
        offer = offer_of(member)
        assert offer is not None
        assert (member.id in found.refused) != (found.cpu is not None and member.id in found.offers)
        if found.cpu is not None and member.id in found.offers:
            assert cpu_lack(offer, found.cpu) == ""


@given(st.lists(OFFERS, min_size=1, max_size=6), OFFERS)
def test_one_host_more_never_adds_to_the_baseline(offers: list[CpuOffer], more: CpuOffer) -> None:
    before, after = (baseline_of(POOL, hosts(*some), KVM) for some in (offers, [*offers, more]))
    if before.cpu is not None:
        assert after.cpu is not None
        assert set(after.cpu.features) <= set(before.cpu.features)
        assert after.cpu.address_bits <= before.cpu.address_bits
        assert set(before.refused) <= set(after.refused)


@given(OFFERS, OFFERS)
def test_what_two_have_in_common_both_can_give(one: CpuOffer, other: CpuOffer) -> None:
    both, mirrored = common_offer(one, other), common_offer(other, one)
    assert (both is None) == (mirrored is None)
    for model in both.models if both is not None else ():
        cpu = dataclasses.replace(best_cpu(both or one), model=model)
        assert cpu_lack(one, cpu) == cpu_lack(other, cpu) == ""


def test_older_host_lowers_what_the_pool_gives_and_is_named_for_it() -> None:
    alone, together = baseline_of(POOL, hosts(NEW), KVM), baseline_of(POOL, hosts(NEW, OLD), KVM)
    assert alone.cpu == GuestCpu(model="Haswell", features=("avx2", "lm", "sse2"), vendor="Intel", address_bits=46)
    assert together.cpu == GuestCpu(model="Westmere", features=("lm", "sse2"), vendor="Intel", address_bits=40)
    assert (alone.limits, together.limits, together.refused) == ({}, {"b": ("avx2",)}, {})


def test_host_of_another_vendor_is_refused_whoever_else_comes() -> None:
    found = baseline_of(POOL, hosts(NEW, OTHER, OLD), KVM)
    assert found.refused == {"b": "has a CPU by AMD, not by Intel"}
    assert found.cpu is not None
    assert found.cpu.model == "Westmere"
    turned = baseline_of(POOL, hosts(OTHER, NEW), KVM)
    assert turned.refused == {"b": "has a CPU by Intel, not by AMD"}


def test_fixed_model_is_given_as_it_is_and_refuses_those_that_lack_it() -> None:
    fixed = dataclasses.replace(POOL, cpu_model="Haswell")
    found = baseline_of(fixed, hosts(OLD, NEW), KVM)
    assert found.cpu == GuestCpu(model="Haswell", vendor="Intel", address_bits=46)
    assert found.refused == {"a": "cannot give the CPU model Haswell, which its pool gives"}
    assert found.limits == {}


def test_hosts_count_where_their_guests_run_alike() -> None:
    emulated = CpuOffer(models=("qemu64",), features=("lm",))
    members = [*hosts(NEW), host("x", emulated, Acceleration.TCG), host("y", None)]
    members.append(Host(id="z", name="z", pool_id="pool"))
    found = {one.acceleration: one.cpu and one.cpu.model for one in baselines_of([POOL], members)["pool"]}
    assert found == {KVM: "Haswell", Acceleration.TCG: "qemu64"}
    assert baselines_of([POOL], [host("y", None)]) == {"pool": []}


def test_host_that_can_give_nothing_is_refused() -> None:
    baselines = baselines_of([POOL], hosts(CpuOffer(models=(), vendor="Intel")))
    assert refusals_of(baselines) == {"a": "cannot give guests any CPU model"}
    assert baselines["pool"][0].cpu is None


@pytest.mark.parametrize(("cpu", "why"), [
    (best_cpu(OLD), ""),
    (best_cpu(NEW), "has a CPU that lacks avx2 of Haswell"),
    (GuestCpu(model="Haswell"), "cannot give the CPU model Haswell"),
    (best_cpu(OTHER, "Westmere"), "has a CPU by Intel, not by AMD"),
    (GuestCpu(model="Westmere", address_bits=46), "has a CPU with 40 address bits, not 46"),
    (GuestCpu(model="X", features=tuple("abcdefgh")), "has a CPU that lacks a, b, c, d, e, f and 2 more of X"),
])  # fmt: skip
def test_what_a_host_lacks_is_said(cpu: GuestCpu, why: str) -> None:
    assert cpu_lack(OLD, cpu) == why


def test_vm_without_a_cpu_starts_anywhere_and_another_only_where_it_can() -> None:
    require_cpu("h1", None, None)
    require_cpu("h1", OLD, best_cpu(OLD))
    for offer in (None, OLD):
        with pytest.raises(Conflict) as refused:
            require_cpu("h1", offer, best_cpu(NEW))
        assert refused.value.code == "host.cpu"


def test_unknown_model_is_refused_with_those_that_are_known() -> None:
    members = hosts(NEW, OLD)
    for known in ("auto", "Haswell", "Westmere"):
        require_known_model(members, known)
    require_known_model([host("a", None)], "Nonesuch")  # nobody has told anything yet
    with pytest.raises(InvalidInput, match="No host can give the CPU model Nonesuch, but Haswell, Westmere"):
        require_known_model(members, "Nonesuch")
