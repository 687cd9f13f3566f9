"""Questions about a packet on the public API, and the answers."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from altus.model.network_trace import Outcome
from altus.model.security_group import Direction, Protocol, RuleAction
from altus.wire.base import Reference, Shape, View, example


class NetworkQuestion(Shape):
    """Would the first packet of a connection arrive? It is sent by a VM (by its NIC `nic`, an id or a MAC; else by one
    on a network that both have), to a VM or an IPv4 address. `icmp` is a ping."""

    model_config = example(sender="web1", receiver="db1", protocol="tcp", port=5432)

    sender: Reference
    nic: Reference | None = None
    receiver: Reference
    protocol: Protocol = Protocol.TCP
    port: Annotated[int, Field(ge=1, le=65535, strict=True)] | None = None

    @model_validator(mode="after")
    def _port_of_protocol(self) -> Self:
        if self.protocol is Protocol.ANY:
            raise ValueError("a packet is of tcp, udp or icmp")
        if (self.port is None) != (self.protocol is Protocol.ICMP):
            raise ValueError("tcp and udp need a port, icmp has none")
        return self


class NetworkDecision(View):
    """What a security group says to the packet: `out` as it leaves the sender's NIC, `in` as it comes to the
    receiver's. `rule_id` is empty where no rule decides."""

    direction: Direction
    security_group_id: str
    rule_id: str
    action: RuleAction
    reason: str


class NetworkAnswer(View):
    """`passes`: whether it gets where it is sent to; `reasons` are sentences, what decides last. `decisions` are those
    of security groups, in the packet's way; a NIC in no group has none. `trace` is what the network engine wrote about
    it."""

    passes: bool
    outcome: Outcome
    network_id: str
    reasons: list[str]
    decisions: list[NetworkDecision]
    trace: str
