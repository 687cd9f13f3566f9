"""NICs of VMs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from altus.cli import completion, options
from altus.cli.call import Call
from altus.cli.command import change, group
from altus.cli.commands.vm_layout import VM
from altus.cli.finish import finish
from altus.common.errors import InvalidInput

app = group("NICs of VMs.")
Nic = Annotated[str, typer.Argument(metavar="NIC", help="Its id or MAC, as `altus vm show` tells them.")]
SecurityGroups = Annotated[
    list[str],
    typer.Option(
        "--security-group",
        metavar="GROUP",
        help="A security group that it is in; repeatable.",
        autocompletion=completion.of("security_groups"),
    ),
]


def nic_words(text: str) -> dict[str, str]:
    """`lan`, or `lan=10.20.0.9` for a NIC with this address."""
    network, equals, address = text.partition("=")
    return {"network": network, "address": address} if equals else {"network": network}


@change(app, "edit")
async def edit(
    call: Call,
    vm: options.Vm,
    nic: Nic,
    security_groups: SecurityGroups = options.NONE,
    no_security_groups: Annotated[
        bool, typer.Option("--no-security-groups", help="Take it out of all of them: it is not filtered then.")
    ] = False,
) -> None:
    """Change a NIC, at once: a running guest goes on."""
    from altus.sdk.shapes import make
    from altus.wire.vms import NicEdit

    given: dict[str, Any] = {}
    if security_groups or no_security_groups:
        given["security_groups"] = [] if no_security_groups else security_groups
    if not given:
        raise InvalidInput("Nothing to change was given.", code="client.usage", hint="See `altus vm nic edit --help`.")
    await finish(call, call.altus.vms.edit_nic(vm, nic, make(NicEdit, **given)), call.altus.vms.get, VM)
