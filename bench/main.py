"""`./dev bench`: measure, print the table, and with `--write` keep it in docs/benchmarks.md. Run in a test machine."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from bench import fake, lab, placement, real, scale
from bench.document import with_part
from bench.table import Row, markdown
from devkit.services.plain import Plain

_DOCUMENT = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def main() -> int:
    """Exit 1 if a bar was missed."""
    parser = argparse.ArgumentParser(prog="./dev bench")
    parser.add_argument("part", nargs="?", choices=(*_PARTS, "all"), default="all")
    parser.add_argument("--vms", type=int, default=5000,
                        help=f"VMs to create with the fake drivers; in the lab at most {lab.EVACUATED}")  # fmt: skip
    parser.add_argument("--hosts", type=int, default=100, help="hosts of the large pool")
    parser.add_argument("--rounds", type=int, default=7, help="pairs of each comparison")
    parser.add_argument("--seconds", type=float, default=30.0, help="of what lasts as long as one likes")
    parser.add_argument("--write", action="store_true", help="keep the table in docs/benchmarks.md")
    asked = parser.parse_args()
    rows: list[Row] = []
    for part in _ALL if asked.part == "all" else (asked.part,):
        measured = _PARTS[part](asked)
        rows += measured
        print(markdown(measured), flush=True)  # a run that is broken off has shown, and written, what it has
        if asked.write:
            _DOCUMENT.write_text(with_part(_DOCUMENT.read_text(), part, markdown(measured)))
    if asked.part == "all":
        print(markdown(rows))
    return int(any(row.missed for row in rows))


def _real(asked: argparse.Namespace) -> list[Row]:
    Plain().start(["libvirt", "ovn"])
    return asyncio.run(real.measure(rounds=asked.rounds, seconds=asked.seconds))


def _fake(asked: argparse.Namespace) -> list[Row]:
    return [placement.measure(), *asyncio.run(fake.measure(vms=asked.vms, seconds=asked.seconds))]


def _scale(asked: argparse.Namespace) -> list[Row]:
    return asyncio.run(scale.measure(hosts=asked.hosts, vms=asked.vms, seconds=asked.seconds))


def _lab(asked: argparse.Namespace) -> list[Row]:
    return asyncio.run(lab.measure(rounds=asked.rounds, vms=min(asked.vms, lab.EVACUATED)))


def _lasting(asked: argparse.Namespace) -> list[Row]:
    return asyncio.run(fake.lasting(seconds=asked.seconds))


_PARTS: dict[str, Callable[[argparse.Namespace], list[Row]]] = {
    "real": _real, "fake": _fake, "scale": _scale, "lab": _lab, "lasting": _lasting,
}  # fmt: skip
_ALL = [part for part in _PARTS if part != "lasting"]
"""What is measured when nothing is asked for: the other takes as long as one likes."""


if __name__ == "__main__":
    sys.exit(main())
