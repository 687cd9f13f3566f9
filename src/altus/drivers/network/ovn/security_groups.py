"""Security groups in OVN's northbound database: a port group each, whose ACLs are the rules.

OVN keeps the addresses of a port group's members in address sets of its own, by which rules name other groups. Only
what differs is written, so a rule more costs the same however many there are. ACLs of all groups are in one order:

| OVN's priority | What |
|---|---|
| 2000 | nobody answers DHCP but OVN (`networks.py`) |
| 1900 | members may ask for an address |
| 203 … 1702 | rules: three steps for each of their priorities, so that among equals drop comes first |
| 50 | members talk to one another |
| 40 | other packets to members are dropped, from members let through |
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Iterable, Iterator
from typing import Any

from altus.common.errors import Conflict, NotFound
from altus.drivers.network.ovn.names import GROUP_MARK, RULE_MARK, group_name
from altus.drivers.network.ovn.rows import Row, Rows
from altus.model.security_group import Direction, Protocol, RuleAction, SecurityGroupSpec, SecurityRule

TABLES = {
    "Port_Group": ("name", "ports", "acls", "external_ids"),
    "ACL": ("name", "direction", "priority", "match", "action", "log", "severity", "meter", "external_ids"),
    "Meter": ("name", "unit", "fair", "bands", "external_ids"),
    "Meter_Band": ("action", "rate", "burst_size"),
}

_METER = "altus-log"
_LOGGED_A_SECOND = 10
"""Packets that a host writes down of each rule: without a limit a flood fills its disk within minutes."""
_DIGEST, _ACLS = "altus-digest", "altus-acls"
"""Keys of a port group's `external_ids`: what it was asked to be, and what was written for it."""
_ACTIONS = {RuleAction.ALLOW: ("allow-related", 0), RuleAction.REJECT: ("reject", 1), RuleAction.DROP: ("drop", 2)}
_DIRECTIONS = {Direction.IN: "to-lport", Direction.OUT: "from-lport"}


def ensure_group(rows: Rows, group: SecurityGroupSpec) -> None:
    """Make the group so. Ports which say that they are members are taken in again if somebody removed it."""
    for remote_id in sorted(group.remote_ids):
        found_group(rows, remote_id)
    if any(rule.log for rule in group.rules):
        _ensure_meter(rows)
    name = group_name(group.id)
    row, present = rows.named("Port_Group", name), {}
    if row is None:
        members = [port for port in rows.all("Logical_Switch_Port") if group.id in claimed(port)]
        row = rows.add("Port_Group", name=name, ports=members)
    else:
        row.verify("acls")
        present = {acl.external_ids.get(RULE_MARK, str(acl.uuid)): acl for acl in row.acls}
    wanted = dict(_acls(group))
    for key in present.keys() - wanted.keys():
        rows.remove(present[key], row, "acls")
    for key, columns in wanted.items():
        if key in present:
            rows.put(present[key], **columns)
        else:
            row.addvalue("acls", rows.add("ACL", **columns, external_ids={GROUP_MARK: group.id, RULE_MARK: key}))
    rows.put(row, external_ids={GROUP_MARK: group.id, _DIGEST: group.digest, _ACLS: _written(wanted.values())})


def delete_group(rows: Rows, group_id: str) -> None:
    """Remove it; missing is fine. Refuses (`security_group.in_use`) while it has members or rules name it."""
    row = rows.named("Port_Group", group_name(group_id))
    if row is None:
        return
    row.verify("ports")
    remote = f"${group_name(group_id)}_ip4"
    others = [acl for acl in rows.all("ACL") if remote in acl.match and acl.external_ids.get(GROUP_MARK) != group_id]
    if row.ports or others:
        raise Conflict(f"Security group {group_id} has {len(row.ports)} members, and {len(others)} rules name it.",
                       code="security_group.in_use", hint="Take NICs out of it, and remove those rules.")  # fmt: skip
    rows.remove(row)


def join(rows: Rows, port: Row, group_ids: Iterable[str], *, new: bool) -> None:
    """Let the port be a member of these groups and no others. `NotFound` (`security_group.not_found`)."""
    wanted = {group_id: found_group(rows, group_id) for group_id in group_ids}
    for row in wanted.values():
        row.verify("external_ids")  # a group that is deleted meanwhile makes this transaction start again
        if new or port not in row.ports:
            row.addvalue("ports", port)
    for row in () if new else rows.all("Port_Group"):
        group_id = row.external_ids.get(GROUP_MARK)
        if group_id and group_id not in wanted and port in row.ports:
            row.delvalue("ports", port)


def found_group(rows: Rows, group_id: str) -> Row:
    """Its port group."""
    row = rows.named("Port_Group", group_name(group_id))
    if row is None:
        raise NotFound(f"There is no security group {group_id}.", code="security_group.not_found",
                       hint="Create the group before its members.")  # fmt: skip
    return row


def claimed(port: Row) -> list[str]:
    """The groups that a port says it is a member of."""
    told: str = port.external_ids.get(GROUP_MARK, "")
    return told.split()


def truth(rows: Rows) -> dict[str, str]:
    """Group id → the digest of what it was asked to be, empty if its ACLs are not what was written then."""
    found = {}
    for row in rows.all("Port_Group"):
        group_id = row.external_ids.get(GROUP_MARK)
        if group_id is not None:
            intact = row.external_ids.get(_ACLS) == _written(_columns(acl) for acl in row.acls)
            found[group_id] = row.external_ids.get(_DIGEST, "") if intact else ""
    return found


def memberships(rows: Rows) -> dict[str, list[str]]:
    """Port's name → the ids of the groups that it is really a member of, sorted."""
    found: dict[str, list[str]] = {}
    for row in rows.all("Port_Group"):
        group_id = row.external_ids.get(GROUP_MARK)
        for port in row.ports if group_id is not None else ():
            found.setdefault(port.name, []).append(group_id)
    return {name: sorted(group_ids) for name, group_ids in found.items()}


def _acls(group: SecurityGroupSpec) -> Iterator[tuple[str, dict[str, Any]]]:
    """Key of an ACL → its columns; a rule's key is its id."""
    name = group_name(group.id)
    yield "default-in", _acl(Direction.IN, 40, f"outport == @{name} && ip", "drop")
    yield "default-out", _acl(Direction.OUT, 40, f"inport == @{name} && ip", "allow-related")
    yield "members", _acl(Direction.IN, 50, f"outport == @{name} && {_members('src', name)}", "allow-related")
    asks = "udp.src == 68 && udp.dst == 67"
    yield "dhcp", _acl(Direction.OUT, 1900, f"inport == @{name} && ip4 && {asks}", "allow-related")
    for rule in group.rules:
        action, rank = _ACTIONS[rule.action]
        columns = _acl(rule.direction, 200 + 3 * rule.priority + rank, _match(rule, name), action)
        if rule.log:
            columns |= {"log": True, "severity": ["info"], "meter": [_METER]}
        yield rule.id, columns | {"name": [rule.id]}


def _acl(direction: Direction, priority: int, match: str, action: str) -> dict[str, Any]:
    return {"direction": _DIRECTIONS[direction], "priority": priority, "match": match, "action": action,
            "name": [], "log": False, "severity": [], "meter": []}  # fmt: skip


def _match(rule: SecurityRule, name: str) -> str:
    """In OVN's language (ovn-sb(5), Logical_Flow)."""
    inwards = rule.direction is Direction.IN
    end = "src" if inwards else "dst"
    parts = [f"{'outport' if inwards else 'inport'} == @{name}"]
    version = ""
    if rule.cidr:
        network = ipaddress.ip_network(rule.cidr)
        version = str(network.version)
        parts.append(f"ip{version}.{end} == {network}" if network.prefixlen else f"ip{version}")
    if rule.remote_group_id:
        parts.append(_members(end, group_name(rule.remote_group_id)))
    parts.append(_protocol(rule, version))
    return " && ".join(parts)


def _members(end: str, name: str) -> str:
    return f"(ip4.{end} == ${name}_ip4 || ip6.{end} == ${name}_ip6)"


def _protocol(rule: SecurityRule, version: str) -> str:
    if rule.protocol is Protocol.ANY:
        return "ip"
    if rule.protocol is Protocol.ICMP:
        if rule.icmp_type is not None:
            return f"icmp{version or '4'}.type == {rule.icmp_type}"
        return f"icmp{version}" if version else "(icmp4 || icmp6)"
    if rule.first_port is None:
        return rule.protocol.value
    if rule.first_port == rule.last_port:
        return f"{rule.protocol}.dst == {rule.first_port}"
    return f"{rule.protocol}.dst >= {rule.first_port} && {rule.protocol}.dst <= {rule.last_port}"


def _columns(acl: Row) -> dict[str, Any]:
    return {"direction": acl.direction, "priority": acl.priority, "match": acl.match, "action": acl.action,
            "log": acl.log}  # fmt: skip


def _written(acls: Iterable[dict[str, Any]]) -> str:
    """A digest of what decides in ACLs."""
    told = sorted([acl["direction"], acl["priority"], acl["match"], acl["action"], acl["log"]] for acl in acls)
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _ensure_meter(rows: Rows) -> None:
    """Each rule has the rate for itself (`fair`)."""
    if rows.named("Meter", _METER) is None:
        band = rows.add("Meter_Band", action="drop", rate=_LOGGED_A_SECOND, burst_size=_LOGGED_A_SECOND)
        rows.add("Meter", name=_METER, unit="pktps", fair=[True], bands=[band], external_ids={GROUP_MARK: "log"})
