"""`altus`: the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from altus.cli.command import General
from altus.cli.commands import here
from altus.cli.exits import EPILOG
from altus.cli.lazy import LazyGroup
from altus.cli.output import Output

NOUNS = {
    "config": "Which manager is used, and as whom.",
    "vm": "Virtual machines.",
    "image": "Images that VMs are made from.",
    "volume": "Disks of VMs.",
    "snapshot": "Snapshots: what the disks of a VM held at one instant.",
    "snapshot-schedule": "Snapshots that are taken by themselves, and which are kept.",
    "network": "Networks of VMs.",
    "security-group": "Security groups: who may speak with VMs, and with whom they may.",
    "floating-ip": "Floating addresses: addresses of the outside that lead to VMs.",
    "forward": "Port forwards: ports of the outside that lead to VMs.",
    "router": "Routers: networks on one reach each other.",
    "storage": "Storage repositories.",
    "host": "The servers that VMs run on.",
    "pool": "Pools: hosts that VMs may run on alike.",
    "placement": "On which host a VM would run, and why.",
    "project": "Projects: what rights are about.",
    "task": "What is being done, and was done.",
    "alarm": "What is not as it should be.",
    "event": "What happens, as it happens.",
    "user": "Accounts, passwords and API tokens.",
    "group": "Groups of accounts.",
    "grant": "Roles given to accounts and groups.",
    "role": "Roles: named sets of permissions.",
    "policy": "Password and session policies.",
    "session": "Your sessions.",
    "audit": "The audit trail.",
}


class Root(TyperGroup):
    """The nouns, read when they are needed."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands.update({noun: LazyGroup(noun, text, noun.replace("-", "_")) for noun, text in NOUNS.items()})


app = typer.Typer(name="altus", cls=Root, rich_markup_mode=None, no_args_is_help=True, epilog=EPILOG,
                  pretty_exceptions_enable=False, help="Altus: virtual machines, disks and networks.")  # fmt: skip
here.add_to(app)


@app.callback()
def root(
    ctx: typer.Context,
    output: Annotated[Output | None, typer.Option("--output", "-o", help="How results are written.")] = None,
    url: Annotated[str | None, typer.Option(help="The manager's address (or ALTUS_URL).")] = None,
    token_file: Annotated[Path | None, typer.Option(help="A file with the token (or ALTUS_TOKEN_FILE).")] = None,
    ca: Annotated[Path | None, typer.Option(help="The CA certificate's file (or ALTUS_CA).")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show all of an error.")] = False,
) -> None:
    """Options before the command hold for it as well as those after it."""
    ctx.obj = General(output=output, url=url, token_file=token_file, ca=ca, debug=debug)


def main() -> None:
    """The entry point."""
    app(prog_name="altus")
