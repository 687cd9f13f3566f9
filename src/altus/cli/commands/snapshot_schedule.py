"""Snapshot schedules."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from altus.cli import completion, options
from altus.cli.call import Call
from altus.cli.command import change, group, query
from altus.cli.commands.snapshot_schedule_layout import SNAPSHOT_SCHEDULE
from altus.cli.finish import confirm, finish
from altus.cli.listing import list_things
from altus.common.errors import InvalidInput

app = group("Snapshots that are taken by themselves, and which are kept.")
Schedule = Annotated[
    str,
    typer.Argument(metavar="SCHEDULE", help="Name or id.", autocompletion=completion.of("snapshot_schedules")),
]
Cron = typer.Option("--cron", metavar="TIMES", help="Minute, hour, day, month, weekday: '30 2 * * *' is 2:30 each day.")
Zone = typer.Option("--timezone", metavar="ZONE", help="Where that is counted, such as Europe/Berlin.")
Vms = Annotated[
    list[str],
    typer.Option("--vm", metavar="VM", help="A VM; repeatable.", autocompletion=completion.of("vms")),
]
Tags = Annotated[list[str], typer.Option("--tag", metavar="TAG", help="All VMs with this tag; repeatable.")]
KeepLast = Annotated[int, typer.Option("--keep-last", metavar="NUMBER", help="Keep the last so many.", min=0)]
KeepHourly = Annotated[
    int, typer.Option("--keep-hourly", metavar="NUMBER", help="Keep the last of each of so many hours.", min=0)
]
KeepDaily = Annotated[
    int, typer.Option("--keep-daily", metavar="NUMBER", help="Keep the last of each of so many days.", min=0)
]
KeepWeekly = Annotated[
    int, typer.Option("--keep-weekly", metavar="NUMBER", help="Keep the last of each of so many weeks.", min=0)
]
KeepMonthly = Annotated[
    int, typer.Option("--keep-monthly", metavar="NUMBER", help="Keep the last of each of so many months.", min=0)
]
Quiesce = typer.Option("--quiesce/--no-quiesce", help="Have running guests' agents write file systems out before.")
Description = typer.Option("--description", metavar="TEXT", help="For people.")


@query(app, "list")
async def list_snapshot_schedules(
    call: Call,
    filters: options.Filters = options.NONE,
    sort: options.Sort = "name",
    limit: options.Limit = 100,
    everything: options.All = False,
) -> None:
    """List snapshot schedules."""
    await list_things(call, call.altus.snapshot_schedules, SNAPSHOT_SCHEDULE, filters, sort, limit, everything)


@query(app, "show")
async def show(call: Call, schedule: Schedule) -> None:
    """Show a snapshot schedule, and what its last run did for each VM."""
    await call.show(await call.altus.snapshot_schedules.get(schedule), SNAPSHOT_SCHEDULE)


@change(app, "create")
async def create(
    call: Call,
    name: options.NewName,
    cron: Annotated[str, Cron],
    timezone: Annotated[str, Zone] = "UTC",
    vms: Vms = options.NONE,
    tags: Tags = options.NONE,
    keep_last: KeepLast = 0,
    keep_hourly: KeepHourly = 0,
    keep_daily: KeepDaily = 0,
    keep_weekly: KeepWeekly = 0,
    keep_monthly: KeepMonthly = 0,
    quiesce: Annotated[bool, Quiesce] = False,
    description: Annotated[str, Description] = "",
    project: options.InProject = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="Let it not come by itself yet.")] = False,
) -> None:
    """Have snapshots of VMs taken by themselves, and deleted when they are not to be kept. With --plan the next times
    and the VMs are shown. What people take is never deleted."""
    from altus.sdk.shapes import make
    from altus.wire.snapshot_schedules import SnapshotScheduleCreate

    keep = {"last": keep_last, "hourly": keep_hourly, "daily": keep_daily, "weekly": keep_weekly,
            "monthly": keep_monthly}  # fmt: skip
    body = make(SnapshotScheduleCreate, name=name, project=project, description=description, cron=cron,
                timezone=timezone, vms=vms, tags=tags, quiesce=quiesce, keep=keep, enabled=not disabled)  # fmt: skip
    await finish(call, call.altus.snapshot_schedules.create(body), call.altus.snapshot_schedules.get,
                 SNAPSHOT_SCHEDULE)  # fmt: skip


@change(app, "edit")
async def edit(
    call: Call,
    schedule: Schedule,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Another name.")] = None,
    cron: Annotated[str | None, Cron] = None,
    timezone: Annotated[str | None, Zone] = None,
    vms: Vms = options.NONE,
    no_vms: Annotated[bool, typer.Option("--no-vms", help="Name no VMs any more.")] = False,
    tags: Tags = options.NONE,
    no_tags: Annotated[bool, typer.Option("--no-tags", help="Name no tags any more.")] = False,
    keep_last: KeepLast = 0,
    keep_hourly: KeepHourly = 0,
    keep_daily: KeepDaily = 0,
    keep_weekly: KeepWeekly = 0,
    keep_monthly: KeepMonthly = 0,
    quiesce: Annotated[bool | None, Quiesce] = None,
    description: Annotated[str | None, Description] = None,
) -> None:
    """Change a snapshot schedule. VMs, tags and numbers that are given take the place of all that were there. What is
    not to be kept any more goes with the next run; --plan shows it."""
    keep = {"last": keep_last, "hourly": keep_hourly, "daily": keep_daily, "weekly": keep_weekly,
            "monthly": keep_monthly}  # fmt: skip
    every = {"name": name, "description": description, "cron": cron, "timezone": timezone, "quiesce": quiesce,
             "vms": [] if no_vms else vms or None, "tags": [] if no_tags else tags or None,
             "keep": keep if any(keep.values()) else None}  # fmt: skip
    given = {field: value for field, value in every.items() if value is not None}
    if not given:
        raise InvalidInput("Nothing to change was given.", code="client.usage",
                           hint="See `altus snapshot-schedule edit --help`.")  # fmt: skip
    await _edit(call, schedule, given)


@change(app, "enable")
async def enable(call: Call, schedule: Schedule) -> None:
    """Let a snapshot schedule come by itself. Times that passed meanwhile are not made up for."""
    await _edit(call, schedule, {"enabled": True})


@change(app, "disable")
async def disable(call: Call, schedule: Schedule) -> None:
    """Let a snapshot schedule not come by itself: nothing is taken, and nothing is deleted."""
    await _edit(call, schedule, {"enabled": False})


@change(app, "run")
async def run(call: Call, schedule: Schedule) -> None:
    """Have a snapshot schedule done now, whether it is enabled or not. With --plan it is shown which snapshots would be
    deleted."""
    await finish(call, call.altus.snapshot_schedules.run(schedule), call.altus.snapshot_schedules.get,
                 SNAPSHOT_SCHEDULE)  # fmt: skip


@change(app, "delete", asks=True)
async def delete(call: Call, schedule: Schedule) -> None:
    """Delete a snapshot schedule. The snapshots that it has taken stay, and nobody deletes them any more."""
    confirm(call, f"Delete snapshot schedule {schedule}, and keep its snapshots?")
    await finish(call, call.altus.snapshot_schedules.delete(schedule))


async def _edit(call: Call, schedule: str, given: dict[str, Any]) -> None:
    from altus.sdk.shapes import make
    from altus.wire.snapshot_schedules import SnapshotScheduleEdit

    body = make(SnapshotScheduleEdit, **given)
    await finish(call, call.altus.snapshot_schedules.edit(schedule, body), call.altus.snapshot_schedules.get,
                 SNAPSHOT_SCHEDULE)  # fmt: skip
