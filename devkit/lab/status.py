"""What a lab says of each of its machines."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class MachineStatus:
    """One machine. `power` is `off`, `booting` or `on`; `state` what the manager says of a host, empty if it says
    nothing; `vms` how many run there as far as the manager knows; `pid` that of process 1, seen from outside;
    `addresses` by network."""

    machine: str
    power: str
    state: str
    vms: int | None
    pid: int | None
    addresses: dict[str, str]
    cuts: list[str]

    def to_json(self) -> dict[str, Any]:
        """As a dictionary."""
        return asdict(self)


_COLUMNS = ("machine", "power", "state", "vms", "pid", "addresses", "cuts")


def table(machines: Iterable[MachineStatus]) -> str:
    """Machines as a table for people."""
    rows = [_COLUMNS, *(tuple(_text(getattr(known, column)) for column in _COLUMNS) for known in machines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _text(value: object) -> str:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return "-" if value in (None, "") else str(value)
