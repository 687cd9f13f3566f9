"""Alarms."""

from __future__ import annotations

from altus.sdk.resources import Listed
from altus.wire.alarms import AlarmView


class Alarms(Listed[AlarmView]):
    """`/alarms`: what is not as it should be."""

    path = "/alarms"
    view = AlarmView
