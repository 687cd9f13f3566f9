"""The alarms that stand: raised and cleared, each with an event."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from altus.manager.store.database import Tx
from altus.manager.store.events import emit
from altus.manager.store.rows import Rows
from altus.manager.store.tables import ALARMS, Event
from altus.model.alarm import Alarm

ALARM = Rows[Alarm]("alarm", ALARMS, "altus alarm list")


def differ(tx: Tx, host_id: str, wanted: Iterable[Alarm]) -> bool:
    """Whether `settle` would change anything."""
    raised, cleared = _changes(tx, host_id, wanted)
    return bool(raised or cleared)


def settle(tx: Tx, host_id: str, wanted: Iterable[Alarm]) -> None:
    """Let just these alarms stand of those seen on a host. One that stands already keeps its time, and its host if it
    is another one."""
    raised, cleared = _changes(tx, host_id, wanted)
    for alarm in cleared:
        ALARM.delete(tx, ALARM.table.c.id == alarm.id)
        _emit(tx, "cleared", alarm)
    for alarm in raised:
        there = ALARM.peek(tx, alarm.id)
        if there is None:
            ALARM.insert(tx, alarm)
        else:
            ALARM.set(tx, alarm.id, message=alarm.message, hint=alarm.hint)
        _emit(tx, "raised" if there is None else "updated", alarm)


def raise_one(tx: Tx, alarm: Alarm) -> None:
    """Let an alarm stand that no host tells of (`host_id` is empty); one that stands keeps its time."""
    there = ALARM.peek(tx, alarm.id)
    if there is None:
        ALARM.insert(tx, alarm)
    elif not _same(there, alarm):
        ALARM.set(tx, alarm.id, message=alarm.message, hint=alarm.hint)
    else:
        return
    _emit(tx, "raised" if there is None else "updated", alarm)


def clear_one(tx: Tx, alarm_id: str) -> None:
    """It is right again; fine if no such alarm stands."""
    if (there := ALARM.peek(tx, alarm_id)) is not None:
        ALARM.delete(tx, ALARM.table.c.id == alarm_id)
        _emit(tx, "cleared", there)


def forget_hosts(tx: Tx, known: Iterable[str]) -> None:
    """Clear those of hosts that are not known any more."""
    for alarm in ALARM.all(tx, ALARM.table.c.host_id.not_in(["", *known])):
        ALARM.delete(tx, ALARM.table.c.id == alarm.id)
        _emit(tx, "cleared", alarm)


def _changes(tx: Tx, host_id: str, wanted: Iterable[Alarm]) -> tuple[list[Alarm], list[Alarm]]:
    """What is to be raised or told anew, and what is to be cleared."""
    all_wanted = {alarm.id: alarm for alarm in wanted}
    there = {alarm.id: alarm for alarm in ALARM.all(tx)}
    raised = [alarm for alarm in all_wanted.values() if not _same(there.get(alarm.id), alarm)]
    cleared = [alarm for alarm in there.values() if alarm.host_id == host_id and alarm.id not in all_wanted]
    return raised, cleared


def _same(there: Alarm | None, alarm: Alarm) -> bool:
    return there is not None and dataclasses.replace(alarm, since=there.since, host_id=there.host_id) == there


def _emit(tx: Tx, verb: str, alarm: Alarm) -> None:
    data = {"kind": alarm.kind, "noun": alarm.noun, "object_id": alarm.object_id, "message": alarm.message}
    emit(tx, Event(kind=f"alarm.{verb}", noun="alarm", object_id=alarm.id, data=data))
