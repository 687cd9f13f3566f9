"""Cutting machines off: packets of a network are dropped at the switch, silently, as a broken switch does it."""

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from devkit.lab import networks
from devkit.lab.networks import Net

_TABLE = "netdev altus-lab"


class Direction(StrEnum):
    """As the machine sees it: what comes to it, what it sends."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, order=True)
class Cut:
    """Nothing passes to (`in`) or from (`out`) a machine on a network."""

    machine: str
    net: Net
    direction: Direction

    def __str__(self) -> str:
        return f"{self.net} {self.direction}"


def cuts(machine: str, net: str, direction: str) -> set[Cut]:
    """What `all` networks and `both` directions stand for; only networks that the machine is on."""
    chosen = networks.nets(machine) if net == "all" else (Net(net),)
    directions = tuple(Direction) if direction == "both" else (Direction(direction),)
    return {Cut(machine, one, way) for one in chosen for way in directions if one in networks.nets(machine)}


def ruleset(wanted: Iterable[Cut]) -> str:
    """nftables' input that replaces all cuts, at once, by these."""
    chains = []
    for number, cut in enumerate(sorted(wanted)):
        # what comes to the machine leaves the switch by its port
        hook = "egress" if cut.direction is Direction.IN else "ingress"
        device = networks.port(cut.machine, cut.net)
        chains.append(f'  chain cut{number} {{ type filter hook {hook} device "{device}" priority 0; policy drop; }}\n')
    table = f"table {_TABLE} {{\n{''.join(chains)}}}\n" if chains else ""
    return f"table {_TABLE}\ndelete table {_TABLE}\n{table}"


def apply(wanted: Iterable[Cut]) -> None:
    """Make the switch, where this is called, so."""
    subprocess.run(["nft", "-f", "-"], input=ruleset(wanted), check=True, capture_output=True, text=True)
