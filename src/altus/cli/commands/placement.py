"""Placement explained."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from altus.cli import completion, options
from altus.cli.call import Call
from altus.cli.command import group, query
from altus.cli.output import Output, write_data, write_line
from altus.cli.plan import placement_lines
from altus.model.label import Label

app = group("On which host a VM would run, and why.")
RequireTags = Annotated[
    list[str], typer.Option("--require-tag", metavar="TAG", help="Only on hosts with this tag; repeatable.")
]
ForbidTags = Annotated[
    list[str], typer.Option("--forbid-tag", metavar="TAG", help="Not on hosts with this tag; repeatable.")
]
Together = Annotated[
    list[str], typer.Option("--together", metavar="GROUP", help="On one host with all of this group; repeatable.")
]
Apart = Annotated[
    list[str], typer.Option("--apart", metavar="GROUP", help="On a host without others of this group; repeatable.")
]
Prefer = Annotated[bool, typer.Option("--prefer", help="Groups are only preferences.")]


def rules(require: list[str], forbid: list[str], together: list[str], apart: list[str], *, prefer: bool) -> Any:
    """The options as the API takes them."""
    from altus.sdk.shapes import make
    from altus.wire.vms import PlacementShape

    pairs = [*((name, "together") for name in together), *((name, "apart") for name in apart)]
    groups = [{"group": name, "relation": relation, "must": not prefer} for name, relation in pairs]
    return make(PlacementShape, required_tags=require, forbidden_tags=forbid, groups=groups)


@query(app, "explain")
async def explain(
    call: Call,
    vm: Annotated[
        str | None,
        typer.Argument(metavar="[VM]", help="A VM that is there, by name or id.", autocompletion=completion.of("vms")),
    ] = None,
    vcpus: Annotated[int | None, typer.Option(metavar="NUMBER", help="How many vCPUs one would have.", min=1)] = None,
    memory: Annotated[int | None, typer.Option(parser=options.SIZE, metavar="SIZE", help="Such as 2G.")] = None,
    cpu: Annotated[
        str | None, typer.Option("--cpu", metavar="MODEL", help="A CPU model instead of the pool's.")
    ] = None,
    storage: options.OnStorage = None,
    project: options.InProject = None,
    label: options.WithLabel = Label.OPEN,
    require: RequireTags = options.NONE,
    forbid: ForbidTags = options.NONE,
    together: Together = options.NONE,
    apart: Apart = options.NONE,
    prefer: Prefer = False,
) -> None:
    """Show what is thought of every host: for a VM that is there, or for one with these options."""
    from altus.sdk.shapes import make
    from altus.wire.placement import PlacementQuestion

    asked = {"vcpus": vcpus, "memory": memory, "cpu_model": cpu}
    given = {name: value for name, value in asked.items() if value is not None}
    body = make(PlacementQuestion, vm=vm, storage=storage, project=project, label=label,
                placement=rules(require, forbid, together, apart, prefer=prefer), **given)  # fmt: skip
    found = await call.altus.placement.explain(body)
    if call.output is not Output.TABLE:
        write_data(call.output, found.model_dump(mode="json"))
        return
    for line in placement_lines([verdict.model_dump() for verdict in found.verdicts]):
        write_line(line)
