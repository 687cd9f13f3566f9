"""How snapshot schedules are shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from altus.cli.layout import AnyLayout, Layout, Ref
from altus.cli.text import ago, listed, yes_no

_KEPT = ("last", "hourly", "daily", "weekly", "monthly")


def _keep(schedule: Any) -> str:
    return listed(f"{getattr(schedule.keep, name)} {name}" for name in _KEPT if getattr(schedule.keep, name))


def _came_to(schedule: Any) -> str:
    """The last run in a few words."""
    run = schedule.last_run
    if run is None:
        return "never"
    failed = sum(bool(one.errors) for one in run.results)
    how = run.error or (f"failed for {failed} of {len(run.results)} VMs" if failed else f"{len(run.results)} VMs")
    return f"{ago(run.ended_at)}: {how}"


def _results(schedule: Any) -> Iterator[str]:
    for one in schedule.last_run.results if schedule.last_run is not None else ():
        parts = [one.snapshot or "no snapshot"]
        parts += [f"deleted: {listed(one.deleted)}"] if one.deleted else []
        parts += [f"to be deleted later: {listed(one.waiting)} ({one.why})"] if one.waiting else []
        yield f"{one.vm_name}  {'; '.join([*parts, *one.errors])}"


SNAPSHOT_SCHEDULE: AnyLayout = Layout(
    columns=(
        ("NAME", lambda schedule: schedule.name),
        ("CRON", lambda schedule: schedule.cron),
        ("TIME ZONE", lambda schedule: schedule.timezone),
        ("KEEPS", _keep),
        ("ENABLED", lambda schedule: yes_no(schedule.enabled)),
        ("NEXT", lambda schedule: ago(schedule.next_at)),
        ("LAST RUN", _came_to),
    ),
    details=(
        ("ID", lambda schedule: schedule.id),
        ("PROJECT", lambda schedule: Ref("project", schedule.project_id)),
        ("DESCRIPTION", lambda schedule: schedule.description),
        ("TAGS OF VMS", lambda schedule: listed(schedule.tags)),
        ("IDS OF VMS", lambda schedule: "\n".join(schedule.vm_ids)),
        ("QUIESCED", lambda schedule: yes_no(schedule.quiesce)),
        ("NEXT TIME", lambda schedule: f"{schedule.next_at:%Y-%m-%d %H:%M} UTC" if schedule.next_at else ""),
        ("LAST TASK", lambda schedule: schedule.last_run.task_id if schedule.last_run else ""),
        ("RESULTS", lambda schedule: "\n".join(_results(schedule))),
        ("SKIPPED", lambda schedule: f"{schedule.skipped.due_at:%Y-%m-%d %H:%M} UTC: {schedule.skipped.reason}"
         if schedule.skipped else ""),
    ),
)  # fmt: skip
