"""Pools on the public API."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from altus.model.cpu import AUTO_CPU, GuestCpu
from altus.model.host import Acceleration
from altus.model.pool import MAX_RATIO
from altus.wire.base import ActionView, Name, ResourceView, Shape, View, example
from altus.wire.vms import CpuModel

Outside = Annotated[str, StringConstraints(max_length=31, pattern=r"^[0-9.-]*$")]
Ratio = Annotated[float, Field(ge=1.0, le=MAX_RATIO, allow_inf_nan=False)]


class PoolCreate(Shape):
    """A new pool without hosts. It promises `vcpu_ratio` vCPUs for each thread of its hosts, and `memory_ratio` bytes
    for each byte. Its VMs have CPUs of `cpu_model`, or the most that all its hosts can give (`auto`).
    The addresses `outside`, such as `192.0.2.10-192.0.2.99`, are given to VMs as floating ones; empty: none."""

    model_config = example(name="lab", vcpu_ratio=4.0)

    name: Name
    vcpu_ratio: Ratio = 2.0
    memory_ratio: Ratio = 1.0
    cpu_model: CpuModel = AUTO_CPU
    outside: Outside = ""


class PoolEdit(Shape):
    """Fields to change; what is left out stays. It counts for what is placed and started from now on."""

    model_config = example(vcpu_ratio=8.0)

    name: Name | None = None
    vcpu_ratio: Ratio | None = None
    memory_ratio: Ratio | None = None
    cpu_model: CpuModel | None = None
    outside: Outside | None = None


class CpuLimitView(View):
    """A host without which the others could give `lacks`: features of CPUs."""

    host_id: str
    host_name: str
    lacks: list[str]


class CpuRefusedView(View):
    """A host to which its pool gives no VMs, and why."""

    host_id: str
    host_name: str
    reason: str


class CpuBaselineView(View):
    """The CPU of VMs that start on hosts of the pool where guests run by `acceleration`; null while none can."""

    acceleration: Acceleration
    cpu: GuestCpu | None
    limited_by: list[CpuLimitView]
    refused: list[CpuRefusedView]


class PoolView(ResourceView):
    """A pool. `cpu_model` is what was asked for, `baselines` what its VMs are given by it."""

    vcpu_ratio: float
    memory_ratio: float
    cpu_model: str
    outside: str
    baselines: list[CpuBaselineView]
    allowed_actions: dict[str, ActionView]
