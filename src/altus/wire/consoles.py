"""Consoles on the public API."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from altus.wire.base import Shape, View, example


class ConsoleKind(StrEnum):
    """The serial line, or the screen (RFB)."""

    SERIAL = "serial"
    VNC = "vnc"


class ConsoleOpen(Shape):
    """Which console."""

    model_config = example(kind="serial")

    kind: ConsoleKind = ConsoleKind.SERIAL


class ConsoleTicket(View):
    """A WebSocket path (binary frames) that opens the console once, until `expires_at`."""

    kind: ConsoleKind
    path: str
    expires_at: datetime
