"""NICs of VMs."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from altus.cli import completion, options
from altus.cli.call import Call
from altus.cli.command import change, group
from altus.cli.commands.vm_layout import VM
from altus.cli.finish import finish
from altus.common.errors import InvalidInput
from altus.model.vm import NicLink, NicModel

app = group("NICs of VMs.")
Nic = Annotated[str, typer.Argument(metavar="NIC", help="Its id or MAC, as `altus vm show` tells them.")]
_KILOBITS = re.compile(r"(\d+(?:\.\d+)?)([kMG])")
_UNITS = {"k": 1, "M": 1_000, "G": 1_000_000}
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


def limit_words(text: str) -> dict[str, int]:
    """`50M`, or `50M/5M` with a burst, in kbit; `InvalidInput` (`client.usage`)."""
    rate, slash, burst = text.partition("/")
    return {"rate": kilobits(rate), "burst": kilobits(burst)} if slash else {"rate": kilobits(rate)}


def kilobits(text: str) -> int:
    """`500k`, `50M`, `2.5G`, or 0; `InvalidInput` (`client.usage`)."""
    found = _KILOBITS.fullmatch(text)
    if found is None and text != "0":
        raise InvalidInput(f"{text!r} is no rate.", code="client.usage", hint="Write 500k, 50M, 2.5G, or 0.")
    return 0 if found is None else round(float(found[1]) * _UNITS[found[2]])


@change(app, "edit")
async def edit(
    call: Call,
    vm: options.Vm,
    nic: Nic,
    security_groups: SecurityGroups = options.NONE,
    no_security_groups: Annotated[
        bool, typer.Option("--no-security-groups", help="Take it out of all of them: it is not filtered then.")
    ] = False,
    limit_in: Annotated[str | None, typer.Option(metavar="RATE[/BURST]", help="Of what the VM gets.")] = None,
    limit_out: Annotated[
        str | None,
        typer.Option(metavar="RATE[/BURST]", help="Of what the VM sends: 50M is 50 Mbit/s, 50M/5M with less at once."),
    ] = None,
    link: Annotated[NicLink | None, typer.Option(help="Plug its cable in, or out.")] = None,
    model: Annotated[
        NicModel | None, typer.Option(help="What the guest sees; a running one sees it at its next start.")
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            metavar="NETWORK[=ADDRESS]",
            help="Move it there; it keeps its MAC, and its link is down meanwhile.",
            autocompletion=completion.of("networks"),
        ),
    ] = None,
) -> None:
    """Change a NIC, at once: a running guest goes on. A limit of 0 is none."""
    from altus.sdk.shapes import make
    from altus.wire.vms import NicEdit, NicLimitShape

    limits = {"limit_in": limit_in, "limit_out": limit_out}
    given: dict[str, Any] = {way: make(NicLimitShape, **limit_words(text)) for way, text in limits.items() if text}
    given |= {name: value for name, value in (("link", link), ("model", model)) if value is not None}
    given |= nic_words(network) if network else {}
    if security_groups or no_security_groups:
        given["security_groups"] = [] if no_security_groups else security_groups
    if not given:
        raise InvalidInput("Nothing to change was given.", code="client.usage", hint="See `altus vm nic edit --help`.")
    await finish(call, call.altus.vms.edit_nic(vm, nic, make(NicEdit, **given)), call.altus.vms.get, VM)
