"""Processors, from /proc/cpuinfo."""

from __future__ import annotations

from pathlib import Path

from altus.agent.inventory import read
from altus.model.host import CpuFacts

_VENDORS = {"GenuineIntel": "Intel", "AuthenticAMD": "AMD", "HygonGenuine": "Hygon", "CentaurHauls": "Zhaoxin"}
_VIRTUALIZATION = {"vmx": "ept", "svm": "npt"}


def cpu(root: Path) -> CpuFacts:
    """The processors below `root`."""
    threads = [_fields(block) for block in read.text(root / "proc/cpuinfo").split("\n\n") if block.strip()]
    first = threads[0] if threads else {}
    flags = set(first.get("flags", "").split())
    nested = flags | set(first.get("vmx flags", "").split())  # where newer kernels tell what VMX can do
    sockets = {thread["physical id"] for thread in threads if "physical id" in thread}
    cores = {(thread["physical id"], thread.get("core id")) for thread in threads if "physical id" in thread}
    virtualization = next((flag for flag in _VIRTUALIZATION if flag in flags), "")
    paging = _VIRTUALIZATION.get(virtualization, "")
    vendor = first.get("vendor_id", "")
    return CpuFacts(
        model=first.get("model name", ""),
        vendor=_VENDORS.get(vendor, vendor),
        sockets=len(sockets) or 1,
        cores=len(cores) or len(threads),
        threads=len(threads),
        flags=tuple(sorted(flags)),
        virtualization=virtualization,
        nested_paging=paging if paging in nested else "",
    )


def _fields(block: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in block.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
