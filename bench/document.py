"""docs/benchmarks.md: a section for each part, written anew when that part is measured."""

from __future__ import annotations

import datetime as dt
import os
import platform

_HEAD = """# Benchmarks

Made by `./dev bench --write`, each section by its own run. Comparisons are ratios of medians, measured in turns in one
run; absolute times vary with the machine. Guests are run by QEMU's TCG unless the host has a working KVM.
"""
_TITLES = {
    "real": "One machine, against the raw tools",
    "fake": "The manager alone, on fake drivers",
    "scale": "A large pool, on fake drivers",
    "lab": "Two hosts of a lab, against virsh",
    "lasting": "Creations for a long time, on fake drivers",
}
"""By part, in the order of the document."""


def with_part(document: str, part: str, table: str) -> str:
    """The document with another table in this part's section; other sections stay as they are."""
    found = dict(section.split("\n", 1) for section in document.split("\n## ")[1:])
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    found[_TITLES[part]] = f"\n{dt.datetime.now(dt.UTC):%Y-%m-%d}, {machine}.\n\n{table}\n"
    sections = [f"## {title}\n{found[title].rstrip()}\n" for title in _TITLES.values() if title in found]
    return "\n".join((_HEAD, *sections))
