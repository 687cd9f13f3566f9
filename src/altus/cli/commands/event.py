"""The event stream."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from altus.cli import options
from altus.cli.call import Call
from altus.cli.command import group, query
from altus.cli.output import Output, write_line
from altus.cli.text import listed

app = group("What happens, as it happens.")


@query(app, "watch")
async def watch(
    call: Call,
    nouns: Annotated[
        list[str], typer.Option("--noun", metavar="NOUN", help="Only about these, such as vm; repeatable.")
    ] = options.NONE,
    after: Annotated[
        int | None, typer.Option(metavar="SEQ", help="Begin after this event; with what comes now if left out.")
    ] = None,
    count: Annotated[int, typer.Option(metavar="NUMBER", help="End after so many; 0 goes on until ctrl-C.", min=0)] = 0,
) -> None:
    """Show events as they come, one per line; with `-o json` one JSON object per line."""
    call.interrupted = lambda: "No longer watching."
    shown = 0
    async for event in call.altus.events.follow(after, nouns):
        if call.output is Output.TABLE:
            data = listed(f"{key}={value}" for key, value in event.data.items())
            write_line(f"{event.at:%H:%M:%S}  {event.seq}  {event.kind}  {event.object_id}  {data}")
        else:
            sys.stdout.write(event.model_dump_json() + "\n")
            sys.stdout.flush()
        shown += 1
        if shown == count:
            return
