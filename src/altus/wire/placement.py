"""Questions about placement on the public API, and the answers."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from altus.common.units import MIB
from altus.model.cpu import AUTO_CPU
from altus.model.label import Label
from altus.wire.base import Reference, Shape, View, example
from altus.wire.vms import CpuModel, Memory, PlacementShape, Vcpus


class PlacementQuestion(Shape):
    """Where would it run? About the VM named, as it is now, or about one that there is not yet."""

    model_config = example(vcpus=2, memory=1073741824, placement={"required_tags": ["ssd"]})

    vm: Reference | None = None
    project: Reference | None = None
    label: Label = Label.OPEN
    vcpus: Vcpus = 1
    memory: Memory = 512 * MIB
    cpu_model: CpuModel = AUTO_CPU
    storage: Reference | None = None
    placement: PlacementShape = PlacementShape()

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        if self.vm is not None and self.model_copy(update={"vm": None}) != PlacementQuestion():
            raise ValueError("of a VM that is there nothing else is asked")
        return self


class VerdictView(View):
    """What is thought of a host and a storage it reaches; `reasons` are sentences."""

    host_id: str
    host_name: str
    storage_id: str
    storage_name: str
    suitable: bool
    chosen: bool
    score: float
    reasons: list[str]


class PlacementView(View):
    """All hosts, the chosen one first."""

    verdicts: list[VerdictView]
