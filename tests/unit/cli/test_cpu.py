"""What is said of CPUs in tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from altus.cli.commands.host import HOST
from altus.cli.commands.pool import POOL
from altus.model.cpu import CpuOffer, GuestCpu
from altus.model.host import Acceleration
from altus.wire.pools import CpuBaselineView, CpuLimitView, CpuRefusedView, PoolView
from altus.wire.resources import HostView
from tests.unit.manager.placement.hosts import facts
from tests.unit.sdk import samples


def _details(layout: Any, thing: Any) -> dict[str, str]:
    return {name: str(show(thing)) for name, show in layout.details}


def test_pool_says_what_it_gives_and_who_limits_it() -> None:
    cpu = GuestCpu(model="Westmere", features=("lm", "sse2"), vendor="Intel")
    baseline = CpuBaselineView(
        acceleration=Acceleration.KVM, cpu=cpu,
        limited_by=[CpuLimitView(host_id="2", host_name="host2", lacks=["avx", "avx2"])],
        refused=[CpuRefusedView(host_id="3", host_name="host3", reason="It has a CPU by AMD, not by Intel.")],
    )  # fmt: skip
    now = datetime.now(UTC)
    pool = PoolView(id="1", name="p", project_id="", label="open", created_at=now, updated_at=now, revision=1,
                    vcpu_ratio=2, memory_ratio=1, cpu_model="auto", outside="", baselines=[baseline],
                    allowed_actions={})  # fmt: skip
    assert _details(POOL, pool)["VMS ARE GIVEN"].splitlines() == [
        "Westmere, 2 features, where guests run by kvm",
        "limited by host2: no avx, avx2",
        "refuses host3: It has a CPU by AMD, not by Intel.",
    ]
    assert _details(POOL, pool)["FEATURES"] == "lm, sse2"


def test_host_says_what_it_can_give_and_why_it_is_given_nothing() -> None:
    told = facts(offer=CpuOffer(models=("Haswell", "Westmere"), features=("lm",)))
    host = HostView.model_validate(samples.host() | {"facts": told, "cpu_refusal": "Host node1 gets no VMs."})
    shown = _details(HOST, host)
    assert shown["GUESTS' CPUS"] == "Haswell, Westmere, with up to 1 features"
    assert shown["WARNINGS"] == "Host node1 gets no VMs."
    silent = _details(HOST, HostView.model_validate(samples.host()))
    assert (silent["GUESTS' CPUS"], silent["WARNINGS"]) == ("", "")
