"""Alarms."""

from __future__ import annotations

from altus.cli import options
from altus.cli.call import Call
from altus.cli.command import group, query
from altus.cli.layout import AnyLayout, Layout, Ref
from altus.cli.listing import list_things
from altus.cli.text import ago

app = group("What is not as it should be.")
ALARM: AnyLayout = Layout(
    columns=(
        ("KIND", lambda alarm: alarm.kind),
        ("SINCE", lambda alarm: ago(alarm.since)),
        ("HOST", lambda alarm: Ref("host", alarm.host_id)),
        ("WHAT IS SO", lambda alarm: alarm.message),
        ("WHAT TO DO", lambda alarm: alarm.hint),
    ),
)


@query(app, "list")
async def list_alarms(
    call: Call,
    filters: options.Filters = options.NONE,
    sort: options.Sort = "since",
    limit: options.Limit = 100,
    everything: options.All = False,
) -> None:
    """List alarms; each goes away by itself when it is right again."""
    await list_things(call, call.altus.alarms, ALARM, filters, sort, limit, everything)
