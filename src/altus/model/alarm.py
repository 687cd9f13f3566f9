"""Alarms: what is not as it should be, for as long as it is so."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from altus.common.ids import derived_id
from altus.model.consistency import Finding
from altus.model.resource import utc_now


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """A finding that stands. `noun` and `object_id` are its subject, `host_id` the host where it was seen, empty if no
    host has to do with it; `message` tells what is so and what should be, `hint` what to do. It goes away by itself
    when it is right again."""

    id: str
    kind: str
    noun: str
    object_id: str
    host_id: str
    message: str
    hint: str
    since: datetime = field(default_factory=utc_now)


def alarm_of(host_id: str, finding: Finding) -> Alarm:
    """The alarm that a finding raises: the same one, wherever it is seen."""
    return Alarm(id=derived_id("alarm", finding.kind, finding.object_id), kind=finding.kind, noun=finding.noun,
                 object_id=finding.object_id, host_id=host_id, message=finding.message,
                 hint=finding.hint)  # fmt: skip
