"""Emulated guests: QEMU before 9.0 loses what they change while they move, unless they stand still in time (ADR 19).

QEMU notes which pages were changed, and collects its notes at the beginning of each pass over the memory. Emulation
(TCG) is not told that a page's note was collected, so it notes the page's next change only after its cache of addresses
was emptied. When the first pass begins QEMU empties it; when the others begin it does not. So the guest may run during
the first pass, and has to stand still before the second one begins. Whether it did, QEMU's count of passes says.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import libvirt

_AHEAD_SECONDS = 0.15
"""How long it may take from a look until the guest stands still, so that the first pass lasts until then."""
_LEAST_SHARE = 1 / 64
"""So much of the memory is left for the end at least: empty pages go faster than any measurement."""


def is_emulated(live: str) -> bool:
    """Whether the domain with this XML is emulated. Later versions of QEMU lose nothing; but what version a guest runs
    with, libvirt does not tell after an upgrade, so they are not told apart."""
    return ET.fromstring(live).get("type") == "qemu"  # noqa: S314 - libvirt's own


class Standstill:
    """Tells from libvirt's statistics when an emulated guest with `memory` bytes is to stand still, and whether it did
    in time: when the first pass is about to end, or with `at_once` as soon as memory is being sent. Not before: while
    libvirt makes ready it takes a guest that stands still for one that others paused, and refuses.

    The first pass ends with what its devices have, such as the display's memory, which is empty more often than not and
    then goes at once: it is left for the time after."""

    def __init__(self, memory: int, *, at_once: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._memory = memory
        self._at_once = at_once
        self._clock = clock
        self._first: tuple[float, int] | None = None

    def is_due(self, stats: dict[str, Any]) -> bool:
        """Whether it is time."""
        if self._at_once:
            return _moves(stats) and bool(stats.get("memory_total"))
        left, now = stats.get("memory_remaining"), self._clock()
        if left is None or not stats.get("memory_iteration"):
            return False
        began, most = self._first = self._first or (now, left)
        speed = (most - left) / (now - began) if now > began else 0.0  # on the whole: empty pages come in swarms
        own = left - max(0, stats["memory_total"] - self._memory)
        return self.is_late(stats) or own <= max(speed * _AHEAD_SECONDS, self._memory * _LEAST_SHARE)

    @staticmethod
    def is_late(stats: dict[str, Any]) -> bool:
        """Whether another pass than the first one has begun, or is over."""
        return not _moves(stats) or stats.get("memory_iteration", 0) > 1


def _moves(stats: dict[str, Any]) -> bool:
    return bool(stats.get("operation") == libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT)
