"""What OVN would do to a packet, by `ovn-trace`.

Its lines are like these (ovn-trace(8)); an ACL's flow has the ACL's match at its end, and its priority plus 1000:

     4. ls_out_acl (northd.c:6445): reg0[7] == 1 && (outport == @pg && tcp.dst == 80), priority 1300, uuid e2e0b9d2
        /* output to "b", type "" */
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from altus.drivers.network.ovn.names import GROUP_MARK, RULE_MARK, mac_for, switch_name
from altus.drivers.network.ovn.rows import Rows
from altus.model.network_trace import Outcome, PacketSpec, TraceDecision, TraceFacts
from altus.model.security_group import Direction, Protocol

_ACL = re.compile(
    r"^ *\d+\. ls_(?P<way>in|out)_acl \(.*?\): (?P<match>.*), priority (?P<priority>\d+), uuid", re.MULTILINE
)
_SHIFT = 1000
_SOURCE_PORT = 49152
_DIRECTIONS = {"in": ("from-lport", Direction.OUT), "out": ("to-lport", Direction.IN)}
"""A switch's ingress is what its ports send."""


def command(packet: PacketSpec, southbound: str, certificates: Sequence[str]) -> list[str]:
    """The program with its arguments; every time it asks conntrack, the connection is new."""
    to_mac = packet.to_mac or mac_for(f"{switch_name(packet.network_id)}-inner")
    parts = [
        f'inport == "{packet.port_id}"', f"eth.src == {packet.mac}", f"eth.dst == {to_mac}",
        f"ip4.src == {packet.address}", f"ip4.dst == {packet.to_address}", "ip.ttl == 64",
    ]  # fmt: skip
    if packet.protocol is Protocol.ICMP:
        parts.append("icmp4.type == 8")
    else:
        parts += [f"{packet.protocol}.src == {_SOURCE_PORT}", f"{packet.protocol}.dst == {packet.port}"]
    new = ["--ct=new"] * 4
    options = [f"--db={southbound}", *certificates, "--no-friendly-names", *new]
    return ["ovn-trace", *options, " && ".join(parts)]  # the port tells the switch, whose name its router has, too


def facts(rows: Rows, packet: PacketSpec, text: str) -> TraceFacts:
    """What the trace says; ACLs are known by the northbound database."""
    before, rejected, _ = text.partition("reject {")
    decisions = [decision for found in _ACL.finditer(before) if (decision := _decision(rows, found)) is not None]
    if rejected:
        outcome = Outcome.REJECTED
    elif packet.to_port_id and f'output to "{packet.to_port_id}"' in text:
        outcome = Outcome.ARRIVES
    elif not packet.to_port_id and "lr_in_" in text:
        outcome = Outcome.LEAVES
    else:
        outcome = Outcome.DROPPED
    return TraceFacts(outcome=outcome, decisions=tuple(decisions), text=text)


def _decision(rows: Rows, found: re.Match[str]) -> TraceDecision | None:
    direction, seen = _DIRECTIONS[found["way"]]
    priority, match = int(found["priority"]) - _SHIFT, found["match"]
    for acl in rows.all("ACL"):
        ends = match.endswith((acl.match, f"({acl.match})"))
        if acl.priority == priority and acl.direction == direction and ends and GROUP_MARK in acl.external_ids:
            return TraceDecision(direction=seen, group_id=acl.external_ids[GROUP_MARK], key=acl.external_ids[RULE_MARK])
    return None
