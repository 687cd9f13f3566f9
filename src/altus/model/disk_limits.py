"""How fast a disk may be: one declaration of the kinds there are, from which API, XML and command line derive."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Self

from altus.common.units import KIB, format_size

MIN_BYTES, MAX_LIMIT, MAX_SECONDS = 64 * KIB, 10**12, 3600
"""Slower than MIN_BYTES a second guests take their disks for broken; bursts last at most MAX_SECONDS."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DiskRate:
    """So much a second (bytes, or requests), and up to `burst` a second for at most `seconds`; 0: no burst, and the
    hypervisor's own second."""

    rate: int
    burst: int = 0
    seconds: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class DiskLimits:
    """What exceeds a limit waits. `total` is for what is read and written together; a kind without one has no limit."""

    total_bytes: DiskRate | None = None
    read_bytes: DiskRate | None = None
    write_bytes: DiskRate | None = None
    total_iops: DiskRate | None = None
    read_iops: DiskRate | None = None
    write_iops: DiskRate | None = None

    @classmethod
    def of(cls, numbers: Mapping[str, int]) -> Self:
        """From what `numbers` tells; 0 is as good as left out."""
        found = {kind: DiskRate(rate=rate, burst=numbers.get(f"{kind}_max", 0),
                                seconds=numbers.get(f"{kind}_max_length", 0) if numbers.get(f"{kind}_max") else 0)
                 for kind in KINDS if (rate := numbers.get(kind, 0))}  # fmt: skip
        return cls(**found)

    @property
    def rates(self) -> dict[str, DiskRate]:
        """Those that there are, by kind."""
        return {kind: rate for kind in KINDS if (rate := getattr(self, kind)) is not None}

    @property
    def numbers(self) -> dict[str, int]:
        """`read_bytes`, `read_bytes_max` (its burst), `read_bytes_max_length` …, of those that there are."""
        found: dict[str, int] = {}
        for kind, limit in self.rates.items():
            told = {kind: limit.rate, f"{kind}_max": limit.burst, f"{kind}_max_length": limit.seconds}
            found |= {name: number for name, number in told.items() if number}
        return found

    @property
    def words(self) -> str:
        """Such as `read_iops 200/s, 400/s for 10 s`; empty for none."""
        return "; ".join(_words(kind, rate) for kind, rate in self.rates.items())

    @property
    def problem(self) -> str:
        """What does not fit together, as half a sentence; empty if all does."""
        for unit in ("bytes", "iops"):
            if f"total_{unit}" in self.rates and {f"read_{unit}", f"write_{unit}"} & self.rates.keys():
                return f"a limit of total_{unit} leaves no room for one of reading or writing alone"
        return next(filter(None, (_problem(kind, rate) for kind, rate in self.rates.items())), "")


KINDS = tuple(field.name for field in dataclasses.fields(DiskLimits))


def _problem(kind: str, limit: DiskRate) -> str:
    if kind.endswith("bytes") and limit.rate < MIN_BYTES:
        return f"{kind} must be at least {MIN_BYTES} a second"
    if limit.burst and limit.burst < limit.rate:
        return f"the burst of {kind} must not be lower than its rate"
    if limit.seconds and not limit.burst:
        return f"{kind} has a length but no burst"
    return ""


def _words(kind: str, limit: DiskRate) -> str:
    def speed(number: int) -> str:
        return f"{format_size(number) if kind.endswith('bytes') else number}/s"

    burst = f", {speed(limit.burst)} for {limit.seconds or 1} s" if limit.burst else ""
    return f"{kind} {speed(limit.rate)}{burst}"
