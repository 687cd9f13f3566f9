"""Rows of the benchmark table: what was measured, the bar it must keep, and whether it does."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """`value` and `bar` in `unit`; `at_least` turns the bar round. `note` says what stands behind the number."""

    name: str
    value: float
    unit: str
    bar: float
    note: str = ""
    at_least: bool = False

    @property
    def missed(self) -> bool:
        """Whether the bar is missed."""
        return self.value < self.bar if self.at_least else self.value > self.bar

    def cells(self) -> tuple[str, str, str, str, str]:
        """As text."""
        sign = "≥" if self.at_least else "≤"
        return (self.name, f"{self.value:.3g} {self.unit}".strip(), f"{sign} {self.bar:g} {self.unit}".strip(),
                "MISSED" if self.missed else "ok", self.note)  # fmt: skip


def ratio(name: str, ours: Sequence[float], raw: Sequence[float], bar: float) -> Row:
    """The ratio of medians, measured in turns."""
    mine, theirs = statistics.median(ours), statistics.median(raw)
    note = f"{mine:.3f} s against {theirs:.3f} s (medians of {len(ours)})"
    return Row(name, mine / theirs, "×", bar, note)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def markdown(rows: Sequence[Row]) -> str:
    """A table for people and for docs/benchmarks.md."""
    head = ("what", "measured", "bar", "", "how")
    lines = [head, tuple("---" for _ in head), *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]

    def line_of(cells: tuple[str, ...]) -> str:
        padded = (c.ljust(w, "-" if c == "---" else " ") for c, w in zip(cells, widths, strict=True))
        return f"| {' | '.join(padded)} |"

    return "\n".join(line_of(line) for line in lines)
