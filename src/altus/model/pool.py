"""Pools: hosts that VMs may run on alike."""

from __future__ import annotations

from dataclasses import dataclass

from altus.model.cpu import AUTO_CPU
from altus.model.resource import Resource

DEFAULT_POOL = "00000000-0000-7000-8000-000000000002"
MAX_RATIO = 64.0


@dataclass(frozen=True, kw_only=True)
class Pool(Resource):
    """How much of its hosts a pool promises: `vcpu_ratio` vCPUs for each thread, `memory_ratio` bytes for each byte.
    Its VMs have CPUs of `cpu_model`; with `auto`, the most that all its hosts can give. Addresses `outside`, a range or
    empty, are given to VMs as floating ones."""

    vcpu_ratio: float = 2.0
    memory_ratio: float = 1.0
    cpu_model: str = AUTO_CPU
    outside: str = ""
