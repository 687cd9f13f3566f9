"""How fast ports may be: OVN's QoS rules, which are meters of OpenFlow and so work on every datapath."""

from __future__ import annotations

from altus.drivers.network.ovn.names import NETWORK_MARK, PORT_MARK
from altus.drivers.network.ovn.rows import Row, Rows
from altus.model.network import NicLimit, PortSpec

TABLES = {"QoS": ("direction", "priority", "match", "bandwidth", "external_ids")}

_PRIORITY = 100
_WAYS = {"in": ("to-lport", "outport"), "out": ("from-lport", "inport")}


def ensure_limits(rows: Rows, switch: Row, port: PortSpec) -> None:
    """Make the port's limits so, on the switch it is on."""
    present = {rule.direction: rule for rule in _rules(switch, port.id)}
    for way, limit in (("in", port.limit_in), ("out", port.limit_out)):
        direction, end = _WAYS[way]
        rule = present.get(direction)
        if limit is None:
            rows.remove(rule, switch, "qos_rules")
            continue
        columns = {"priority": _PRIORITY, "match": f'{end} == "{port.id}"', "bandwidth": _bandwidth(limit)}
        if rule is not None:
            rows.put(rule, **columns)
        else:
            marks = {NETWORK_MARK: port.network_id, PORT_MARK: port.id}
            switch.addvalue("qos_rules", rows.add("QoS", direction=direction, external_ids=marks, **columns))


def remove_limits(rows: Rows, switch: Row | None, port_id: str) -> None:
    """Of a port that leaves the switch."""
    for rule in _rules(switch, port_id) if switch is not None else ():
        rows.remove(rule, switch, "qos_rules")


def truth(rows: Rows) -> dict[str, str]:
    """Port id → its limits, as `PortSpec.limits` tells them; only of ports that have some."""
    found: dict[str, dict[str, str]] = {}
    for switch in rows.all("Logical_Switch"):
        for rule in switch.qos_rules:
            port_id = rule.external_ids.get(PORT_MARK)
            for way, (direction, end) in _WAYS.items():
                if port_id and rule.direction == direction and rule.match == f'{end} == "{port_id}"':
                    limit = NicLimit(rate=rule.bandwidth.get("rate", 0), burst=rule.bandwidth.get("burst", 0))
                    found.setdefault(port_id, {})[way] = f"{way} {limit}"
    return {port_id: "; ".join(told[way] for way in _WAYS if way in told) for port_id, told in found.items()}


def _rules(switch: Row, port_id: str) -> list[Row]:
    return [rule for rule in switch.qos_rules if rule.external_ids.get(PORT_MARK) == port_id]


def _bandwidth(limit: NicLimit) -> dict[str, int]:
    return {"rate": limit.rate, "burst": limit.burst or limit.rate}
