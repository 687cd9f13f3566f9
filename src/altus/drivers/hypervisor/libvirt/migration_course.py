"""What libvirt's statistics say while a VM's memory is sent."""

from __future__ import annotations

from typing import Any

from altus.common.units import format_size
from altus.model.migration import MigrationFacts, MigrationMode, MigrationOptions

_PASS_DONE = 2
"""The number of the pass after the first one."""


class Course:
    """One VM's way as far as it has been seen. `stood` is for how many seconds its guest stood still, if that was seen
    from here; `stands` that it was stopped here before its time; `switched` that post-copy was begun."""

    def __init__(self, options: MigrationOptions) -> None:
        self.stands = False
        self.switched = False
        self.stood: float | None = None
        self._options = options
        self._throttle = 0
        self._dirty_rate: int | None = None
        self._sent = 0
        self._passes = 0

    @property
    def may_switch(self) -> bool:
        """Whether it is time to begin post-copy."""
        if self._options.mode is not MigrationMode.POST_COPY or self.switched:
            return False
        return self._passes >= (1 if self.stands else _PASS_DONE)

    def see(self, stats: dict[str, Any]) -> None:
        """Take in `virDomainGetJobStats`, of a job that lasts or is done."""
        self._throttle = max(self._throttle, stats.get("auto_converge_throttle", 0))
        self._sent = max(self._sent, stats.get("data_processed", 0))
        self._passes = max(self._passes, stats.get("memory_iteration", 0))
        if "memory_dirty_rate" in stats:
            rate = stats["memory_dirty_rate"] * stats.get("memory_page_size", 0)
            self._dirty_rate = max(self._dirty_rate or 0, rate)  # at the end, when the guest stands still, it is 0

    def facts(self, stats: dict[str, Any]) -> MigrationFacts:
        """How it went, with what libvirt counted to the end."""
        self.see(stats)
        mode = MigrationMode.AUTO_CONVERGE if self._throttle else MigrationMode.PLAIN
        stood = stats.get("downtime", 0) / 1000 if self.stood is None else self.stood
        return MigrationFacts(downtime=stood, bytes_sent=self._sent, throttle=self._throttle,
                              mode=MigrationMode.POST_COPY if self.switched else mode,
                              dirty_rate=self._dirty_rate)  # fmt: skip


def progress(stats: dict[str, Any], memory: int = 0) -> tuple[float, str]:
    """Share and sentence from `virDomainGetJobStats`. Disks come before the `memory`, of which libvirt tells nothing
    meanwhile."""
    disks, disks_left = stats.get("disk_total", 0), stats.get("disk_remaining", 0)
    if disks and not stats.get("memory_iteration"):
        return _of_disks(stats, disks, disks_left, memory)
    share, text = _of_memory(stats)
    if disks:
        share = (disks + share * memory) / (disks + memory)
        text += f"; disks: {format_size(stats.get('disk_processed', 0))} copied"
    return share, text


def _of_disks(stats: dict[str, Any], total: int, left: int, memory: int) -> tuple[float, str]:
    text, speed = f"disks: {format_size(total - left)} of {format_size(total)} copied", stats.get("disk_bps", 0)
    if speed and left:
        text += f"; about {left / speed:.0f} s to go, then the memory"
    return (total - left) / (total + memory), text


def _of_memory(stats: dict[str, Any]) -> tuple[float, str]:
    total, left = stats.get("memory_total", 0), stats.get("memory_remaining", 0)
    rate = stats.get("memory_dirty_rate", 0) * stats.get("memory_page_size", 0)
    speed, throttle = stats.get("memory_bps", 0), stats.get("auto_converge_throttle", 0)
    text = f"{format_size(stats.get('data_processed', 0))} sent, {format_size(left)} left"
    if rate:
        text += f"; the guest changes {format_size(rate)} a second"
    if throttle:
        text += f"; it is slowed down by {throttle} %"
    if speed > rate:
        text += f"; about {left / (speed - rate):.0f} s to go"
    return (1 - left / total if total else 0.0), text
