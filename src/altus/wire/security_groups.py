"""Security groups on the public API."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from altus.model.label import Label
from altus.model.security_group import (
    DEFAULT_PRIORITY,
    MAX_PRIORITY,
    MAX_RULES,
    Direction,
    Protocol,
    RuleAction,
    SecurityGroupState,
)
from altus.wire.base import ActionView, Flag, Name, Reference, ResourceView, Shape, Text, View, example

Port = Annotated[int, Field(ge=1, le=65535, strict=True)]
Rules = Annotated[list["SecurityRuleCreate"], Field(max_length=MAX_RULES)]


class SecurityRuleCreate(Shape):
    """A rule. What is left out applies to all; the other end is a network (`cidr`, IPv4 or IPv6) or the members of a
    `group`. Without `last_port` it is one port. The highest `priority` decides."""

    model_config = example(direction="in", protocol="tcp", first_port=80, last_port=90, cidr="10.0.0.0/8")

    direction: Direction
    action: RuleAction = RuleAction.ALLOW
    protocol: Protocol = Protocol.ANY
    first_port: Port | None = None
    last_port: Port | None = None
    icmp_type: Annotated[int, Field(ge=0, le=255, strict=True)] | None = None
    cidr: Annotated[str, StringConstraints(min_length=1, max_length=43)] | None = None
    group: Reference | None = None
    priority: Annotated[int, Field(ge=1, le=MAX_PRIORITY, strict=True)] = DEFAULT_PRIORITY
    log: Flag = False
    description: Text = ""


class SecurityGroupCreate(Shape):
    """A new security group."""

    model_config = example(name="web", rules=[{"direction": "in", "protocol": "tcp", "first_port": 443}])

    name: Name
    project: Reference | None = None
    label: Label = Label.OPEN
    description: Text = ""
    rules: Rules = []


class SecurityGroupEdit(Shape):
    """Fields to change; what is left out stays. Rules are removed by their ids. It is effective at once, for
    connections that are there, too."""

    model_config = example(add_rules=[{"direction": "in", "protocol": "icmp"}])

    name: Name | None = None
    description: Text | None = None
    add_rules: Rules = []
    remove_rules: Annotated[list[Reference], Field(max_length=MAX_RULES)] = []


class SecurityRuleView(View):
    """A rule of a group."""

    id: str
    direction: Direction
    action: RuleAction
    protocol: Protocol
    first_port: int | None
    last_port: int | None
    icmp_type: int | None
    cidr: str
    remote_group_id: str
    priority: int
    log: bool
    description: str


class SecurityGroupView(ResourceView):
    """A security group."""

    state: SecurityGroupState
    description: str
    rules: list[SecurityRuleView]
    allowed_actions: dict[str, ActionView]
