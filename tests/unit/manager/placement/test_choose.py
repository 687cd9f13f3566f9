"""Who is chosen, who is not, and what is said about it."""

from __future__ import annotations

import pytest

from altus.common.errors import Conflict, LimitExceeded
from altus.common.units import GIB
from altus.manager.placement.choose import best, choose, judge
from altus.manager.placement.declare import Candidate, Request
from altus.model.cpu import CpuOffer, GuestCpu
from altus.model.host import Acceleration, Host, HostState
from altus.model.label import Label
from altus.model.placement import Capacity, capacity_of, require_same_rule
from altus.model.pool import Pool
from altus.model.storage import Storage
from tests.unit.manager.placement.hosts import SHARED, apart, candidate, facts, request, together

HERE = frozenset({"h1"})
UNSUITABLE: dict[str, tuple[Request, Candidate]] = {
    "the host is unreachable": (request(), candidate(state=HostState.UNREACHABLE)),
    "the host is in maintenance": (request(), candidate(state=HostState.MAINTENANCE, maintenance=True)),
    "maintenance of the host was asked for": (request(), candidate(maintenance=True)),
    "label open may not be combined": (request(), candidate(label=Label.SECRET)),
    "is elsewhere": (request(storage_id="other"), candidate()),
    "the VM is on this host already": (request(leaving="h1"), candidate()),
    "another host was asked for": (request(host_id="h2"), candidate()),
    "the guest runs by tcg, not by kvm": (request(acceleration=Acceleration.TCG), candidate()),
    "the host has a CPU by AMD": (request(), candidate(cpu_refusal="has a CPU by AMD, not by Intel")),
    "the host has a CPU that lacks avx2 of Haswell": (
        request(cpu=GuestCpu(model="Haswell", features=("avx2", "lm"))),
        candidate(facts=facts(offer=CpuOffer(models=("Westmere",), features=("lm",)))),
    ),
    "the host has not told which CPUs it can give": (request(cpu=GuestCpu(model="Haswell")), candidate()),
    "the host has no tag gpu": (request(required=("ssd", "gpu")), candidate(tags=("ssd",))),
    "the host has the tag old": (request(forbidden=("old",)), candidate(tags=("old",))),
    "group web must be apart": (request(groups=(apart(),), members={"web": HERE}), candidate()),
    "group web must be together": (request(groups=(together(),), members={"web": HERE}), candidate("h2")),
    "3 vCPUs do not fit: 2 of 16 are free": (request(3), candidate(vcpus_used=14)),
    "1 vCPUs do not fit: 0 of 16 are free": (request(1), candidate(vcpus_used=17)),
    "2 GiB of memory do not fit: 1 GiB are free": (request(memory=2 * GIB), candidate(memory_used=15 * GIB)),
}


@pytest.mark.parametrize("why", UNSUITABLE)
def test_unsuitable_host_is_told_why(why: str) -> None:
    asked, host = UNSUITABLE[why]
    (verdict,) = judge(asked, [host])
    assert not verdict.suitable
    assert any(why in reason for reason in verdict.reasons), verdict.reasons
    assert best(asked, [host]) is None
    with pytest.raises(LimitExceeded) as caught:
        choose(asked, [host])
    assert (caught.value.code, why in caught.value.message) == ("placement.no_host", True)


def test_refusal_tells_of_the_host_that_was_asked_for_only() -> None:
    local = Storage(id="local", name="local")
    hosts = [candidate("h1", storage=local), candidate("h1"), candidate("h2")]
    with pytest.raises(LimitExceeded) as caught:
        choose(request(host_id="h1", leaving="h1", storage_id=SHARED.id), hosts)
    assert caught.value.message == "Host h1 cannot take the VM (the VM is on this host already)."


def test_refusal_tells_of_every_host_once() -> None:
    hosts = [candidate("h1", storage=Storage(id="local", name="local")), candidate("h1"), candidate("h2")]
    with pytest.raises(LimitExceeded) as caught:
        choose(request(required=("gpu",), storage_id=SHARED.id), hosts)
    assert caught.value.message == "No host can take the VM (h1: the host has no tag gpu; h2: the host has no tag gpu)."


def test_vm_that_is_not_started_needs_no_room() -> None:
    assert best(request(64, 64 * GIB, started=False), [candidate()]) is not None


def test_every_host_gets_its_reasons_the_chosen_one_first() -> None:
    hosts = [candidate("busy", memory_used=8 * GIB), candidate("down", state=HostState.UNREACHABLE), candidate("idle")]
    verdicts = choose(request(), hosts)
    assert [(v.host_name, v.chosen, v.suitable) for v in verdicts] == [
        ("idle", True, True), ("busy", False, True), ("down", False, False),
    ]  # fmt: skip
    assert verdicts[0].reasons == ("16 GiB of memory free", "16 of 16 vCPUs free")
    assert verdicts[0].score > verdicts[1].score > verdicts[2].score
    assert best(request(), hosts) is hosts[2]


def test_preference_about_a_group_weighs_more_than_room() -> None:
    empty, full = candidate("h1"), candidate("h2", memory_used=14 * GIB, vcpus_used=14)
    wish = request(groups=(apart(must=False),), members={"web": HERE})
    assert best(wish, [empty, full]) is full
    assert best(wish, [empty]) is empty
    assert "against a preference: group web should be apart" in judge(wish, [empty])[0].reasons
    near = request(groups=(together(must=False),), members={"web": frozenset({"h2"})})
    assert best(near, [empty, full]) is full


def test_first_member_of_a_group_goes_anywhere() -> None:
    for rule in (apart(), together()):
        assert best(request(groups=(rule,), members={"web": frozenset()}), [candidate()]) is not None


def test_equal_hosts_are_chosen_by_id_so_that_a_plan_holds() -> None:
    hosts = [candidate("b"), candidate("a")]
    assert [best(request(), order) for order in (hosts, hosts[::-1])] == [hosts[1]] * 2


def test_capacity_is_what_the_pool_promises_of_what_the_host_does_not_keep() -> None:
    host = Host(id="h", name="h", facts=facts(8, 16 * GIB), reserved_vcpus=2, reserved_memory=4 * GIB)
    assert capacity_of(host, Pool(id="p", name="p")) == Capacity(vcpus=12, memory=12 * GIB)
    generous = Pool(id="p", name="p", vcpu_ratio=4.0, memory_ratio=1.5)
    assert capacity_of(host, generous) == Capacity(vcpus=24, memory=18 * GIB)
    assert capacity_of(Host(id="h", name="h"), generous) == Capacity(vcpus=0, memory=0)


def test_members_of_a_group_agree_what_it_is() -> None:
    require_same_rule(apart(), apart())
    with pytest.raises(Conflict) as caught:
        require_same_rule(together(), apart(must=False))
    assert (caught.value.code, "should be apart" in caught.value.message) == ("placement.group_differs", True)


def test_local_storage_is_judged_with_its_host() -> None:
    local = Storage(id="local", name="local", host_id="h1", label=Label.SECRET)
    verdicts = judge(request(), [candidate(storage=local), candidate()])
    assert [(v.storage_name, v.suitable) for v in verdicts] == [("shared", True), ("local", False)]
