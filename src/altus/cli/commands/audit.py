"""The audit trail."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from altus.cli import options
from altus.cli.call import Call
from altus.cli.command import group, query
from altus.cli.exits import ExitCode
from altus.cli.layout import AnyLayout, Layout
from altus.cli.listing import list_things
from altus.cli.text import yes_no

app = group("The audit trail.")
RECORD: AnyLayout = Layout(
    columns=(
        ("SEQ", lambda record: record.seq),
        ("AT", lambda record: f"{record.at:%Y-%m-%d %H:%M:%S}"),
        ("WHO", lambda record: record.actor_name),
        ("FROM", lambda record: record.source),
        ("DID", lambda record: record.action),
        ("OBJECT", lambda record: record.object_name or record.object_id),
        ("OUTCOME", lambda record: record.outcome.value),
        ("CODE", lambda record: record.error_code),
    ),
)
VERDICT: AnyLayout = Layout(
    columns=(
        ("INTACT", lambda verdict: yes_no(verdict.intact)),
        ("RECORDS", lambda verdict: verdict.records),
        ("FIRST BROKEN", lambda verdict: verdict.first_broken),
        ("WHAT WAS DONE", lambda verdict: verdict.tampering.value if verdict.tampering else ""),
        ("EXPLANATION", lambda verdict: verdict.explanation),
    ),
)
Moment = Annotated[
    datetime | None, typer.Option(metavar="TIME", help="UTC, such as 2026-03-01 or 2026-03-01T12:00:00.")
]


@query(app, "list")
async def list_audit(
    call: Call,
    filters: options.Filters = options.NONE,
    sort: options.Sort = "-seq",
    limit: options.Limit = 50,
    everything: options.All = False,
    since: Moment = None,
    until: Moment = None,
) -> None:
    """List audit records, the newest first."""
    await list_things(call, call.altus.audit, RECORD, filters, sort, limit, everything, since=_utc(since),
                      until=_utc(until))  # fmt: skip


@query(app, "verify")
async def verify(call: Call) -> None:
    """Verify the whole trail; fails if anything was done to it, and says what."""
    verdict = await call.altus.audit.verify()
    await call.show(verdict, VERDICT)
    if not verdict.intact:
        raise typer.Exit(ExitCode.FAILED)


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
