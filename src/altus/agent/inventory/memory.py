"""Memory and the NUMA nodes it is spread over."""

from __future__ import annotations

from pathlib import Path

from altus.agent.inventory import read
from altus.model.host import NumaNode


def memory(root: Path) -> int:
    """Bytes of memory that the kernel manages."""
    return read.meminfo(root / "proc/meminfo", "MemTotal")


def numa(root: Path) -> tuple[NumaNode, ...]:
    """Nodes, those without memory or processors too."""
    folders = [path for path in read.entries(root / "sys/devices/system/node") if path.name[4:].isdecimal()]
    nodes = (
        NumaNode(
            id=int(path.name[4:]),
            cpus=read.cpu_list(read.text(path / "cpulist")),
            memory=read.meminfo(path / "meminfo", "MemTotal"),
        )
        for path in folders
    )
    return tuple(sorted(nodes, key=lambda node: node.id))
