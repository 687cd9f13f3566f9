"""Pools on the public API."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from altus.model.pool import MAX_RATIO
from altus.wire.base import ActionView, Name, ResourceView, Shape, example

Ratio = Annotated[float, Field(ge=1.0, le=MAX_RATIO, allow_inf_nan=False)]


class PoolCreate(Shape):
    """A new pool without hosts. It promises `vcpu_ratio` vCPUs for each thread of its hosts, and `memory_ratio` bytes
    for each byte."""

    model_config = example(name="lab", vcpu_ratio=4.0)

    name: Name
    vcpu_ratio: Ratio = 2.0
    memory_ratio: Ratio = 1.0


class PoolEdit(Shape):
    """Fields to change; what is left out stays. It counts for what is placed and started from now on."""

    model_config = example(vcpu_ratio=8.0)

    name: Name | None = None
    vcpu_ratio: Ratio | None = None
    memory_ratio: Ratio | None = None


class PoolView(ResourceView):
    """A pool."""

    vcpu_ratio: float
    memory_ratio: float
    allowed_actions: dict[str, ActionView]
