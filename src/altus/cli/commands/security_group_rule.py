"""Rules of security groups."""

from __future__ import annotations

from typing import Annotated

import typer

from altus.cli import completion, options
from altus.cli.call import Call
from altus.cli.command import change, group
from altus.cli.commands.security_group_layout import SECURITY_GROUP
from altus.cli.finish import finish
from altus.common.errors import InvalidInput
from altus.model.security_group import DEFAULT_PRIORITY, MAX_PRIORITY, Direction, Protocol, RuleAction

app = group("Rules of security groups: what members may get and send.")


def parse_ports(text: str) -> tuple[int, int]:
    """`80`, or `8000-8080`; `InvalidInput` (`client.usage`)."""
    first, dash, last = text.partition("-")
    if not first.isdecimal() or (dash and not last.isdecimal()):
        raise InvalidInput(f"{text!r} are no ports.", code="client.usage", hint="Write 80, or 8000-8080.")
    return int(first), int(last or first)


@change(app, "add")
async def add(
    call: Call,
    security_group: options.SecurityGroup,
    direction: Annotated[Direction, typer.Argument(metavar="in|out", help="What members get, or what they send.")],
    protocol: Annotated[Protocol, typer.Option(help="Of packets.")] = Protocol.ANY,
    ports: Annotated[str | None, typer.Option(metavar="PORTS", help="Of the receiver: 80, or 8000-8080.")] = None,
    icmp_type: Annotated[int | None, typer.Option(metavar="NUMBER", help="Of ICMP, such as 8 for ping.")] = None,
    cidr: Annotated[
        str | None, typer.Option(metavar="CIDR", help="The other end's addresses; any if left out.")
    ] = None,
    remote: Annotated[
        str | None,
        typer.Option(
            "--group",
            metavar="GROUP",
            help="The other end is a member of this group.",
            autocompletion=completion.of("security_groups"),
        ),
    ] = None,
    action: Annotated[RuleAction, typer.Option(help="What happens to them.")] = RuleAction.ALLOW,
    priority: Annotated[
        int,
        typer.Option(metavar="NUMBER", min=1, max=MAX_PRIORITY, help="Of rules that apply the highest one decides."),
    ] = DEFAULT_PRIORITY,
    log: Annotated[bool, typer.Option("--log", help="Have hosts write down some of what it applies to.")] = False,
    description: Annotated[str, typer.Option(metavar="TEXT", help="For people.")] = "",
) -> None:
    """Add a rule, such as `altus security-group rule add web in --protocol tcp --ports 443`."""
    from altus.sdk.shapes import make
    from altus.wire.security_groups import SecurityGroupEdit, SecurityRuleCreate

    first, last = parse_ports(ports) if ports is not None else (None, None)
    rule = make(SecurityRuleCreate, direction=direction, action=action, protocol=protocol, first_port=first,
                last_port=last, icmp_type=icmp_type, cidr=cidr, group=remote, priority=priority, log=log,
                description=description)  # fmt: skip
    body = make(SecurityGroupEdit, add_rules=[rule])
    await finish(call, call.altus.security_groups.edit(security_group, body), call.altus.security_groups.get,
                 SECURITY_GROUP)  # fmt: skip


@change(app, "remove")
async def remove(
    call: Call,
    security_group: options.SecurityGroup,
    rules: Annotated[list[str], typer.Argument(metavar="RULE", help="Ids, as `altus security-group show` tells them.")],
) -> None:
    """Remove rules; connections that only they allowed end."""
    from altus.sdk.shapes import make
    from altus.wire.security_groups import SecurityGroupEdit

    body = make(SecurityGroupEdit, remove_rules=rules)
    await finish(call, call.altus.security_groups.edit(security_group, body), call.altus.security_groups.get,
                 SECURITY_GROUP)  # fmt: skip
