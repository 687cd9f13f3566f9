"""How fast a disk may be, on the public API."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from altus.model.disk_limits import MAX_LIMIT, MAX_SECONDS, DiskLimits, DiskRate
from altus.wire.base import Shape, example

Limit = Annotated[int, Field(ge=0, le=MAX_LIMIT, strict=True)]


class DiskRateShape(Shape):
    """So much a second (bytes, or requests), and up to `burst` a second for at most `seconds`; a `burst` of 0 is none,
    `seconds` of 0 are one."""

    model_config = example(rate=500, burst=2000, seconds=10)

    rate: Annotated[int, Field(ge=1, le=MAX_LIMIT, strict=True)]
    burst: Limit = 0
    seconds: Annotated[int, Field(ge=0, le=MAX_SECONDS, strict=True)] = 0

    @property
    def stored(self) -> DiskRate:
        """As the model has it."""
        return DiskRate(rate=self.rate, burst=self.burst, seconds=self.seconds)


class DiskLimitsShape(Shape):
    """All the limits of a disk: what is left out has none. A total leaves no room for a limit of reading or writing
    alone."""

    model_config = example(total_iops={"rate": 500}, write_bytes={"rate": 52428800})

    total_bytes: DiskRateShape | None = None
    read_bytes: DiskRateShape | None = None
    write_bytes: DiskRateShape | None = None
    total_iops: DiskRateShape | None = None
    read_iops: DiskRateShape | None = None
    write_iops: DiskRateShape | None = None

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if problem := self.stored.problem:
            raise ValueError(problem)
        return self

    @property
    def stored(self) -> DiskLimits:
        """As the model has it."""
        return DiskLimits(**{kind: None if rate is None else rate.stored for kind, rate in self})
