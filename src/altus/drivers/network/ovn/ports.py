"""Ports in OVN's northbound database. A logical port is named by the id of our port, which is the `interfaceid`
libvirt plugs a NIC in with."""

from __future__ import annotations

from ipaddress import IPv4Network

from altus.common.errors import NotFound
from altus.drivers.network.base import NetworkTruth
from altus.drivers.network.ovn import limits, routers, security_groups, translations
from altus.drivers.network.ovn.names import GROUP_MARK, NETWORK_MARK, PORT_MARK, switch_name
from altus.drivers.network.ovn.networks import dhcp_row
from altus.drivers.network.ovn.rows import Row, Rows
from altus.drivers.network.rules import check_port
from altus.model.network import PortSpec

_CHASSIS = "requested-chassis"


def ensure_port(rows: Rows, port: PortSpec) -> None:
    """Make the port so, a member of its groups in the same transaction; one that was in another network moves."""
    switch = rows.named("Logical_Switch", switch_name(port.network_id))
    dhcp = dhcp_row(rows, port.network_id)
    if switch is None or dhcp is None:
        raise _no_network(port.network_id)
    present = rows.named("Logical_Switch_Port", port.id)
    check_port(port, IPv4Network(dhcp.cidr), dhcp.options["server_id"], _others(switch, present))
    if present is not None and present.external_ids.get(NETWORK_MARK) != port.network_id:
        _take_off(rows, present)
        present = None
    speech = [f"{port.mac} {port.address}"]
    columns = {"addresses": speech, "port_security": speech, "dhcpv4_options": [dhcp],
               "external_ids": {NETWORK_MARK: port.network_id, PORT_MARK: port.id,
                                GROUP_MARK: " ".join(port.security_groups)}}  # fmt: skip
    if present is None:
        row = rows.add("Logical_Switch_Port", name=port.id, **columns)
        switch.addvalue("ports", row)
        security_groups.join(rows, row, port.security_groups, new=True)
    else:
        rows.put(present, **columns)
        security_groups.join(rows, present, port.security_groups, new=False)
    limits.ensure_limits(rows, switch, port)


def delete_port(rows: Rows, port_id: str) -> bool:
    """Remove it, with what leads to it from outside; missing is fine. Whether there was any of the latter."""
    translated = translations.delete_all(rows, PORT_MARK, port_id)
    port = _ours(rows, port_id)
    if port is not None:
        _take_off(rows, port)
    return translated


def bind_port(rows: Rows, port_id: str, chassis: str) -> None:
    """Let only this chassis claim it; empty: let any."""
    port = _found(rows, port_id)
    others = {name: value for name, value in port.options.items() if name != _CHASSIS}
    rows.put(port, options=others | ({_CHASSIS: chassis} if chassis else {}))


def require_known(rows: Rows, network_id: str, *port_ids: str) -> None:
    """`NotFound` (`network.not_found`, `port.not_found`) unless they are there; empty ids are nobody's."""
    if rows.named("Logical_Switch", switch_name(network_id)) is None:
        raise _no_network(network_id)
    for port_id in port_ids:
        if port_id:
            _found(rows, port_id)


def port_mtu(rows: Rows, port_id: str) -> int:
    """The MTU of the port's network, in bytes."""
    options = _found(rows, port_id).dhcpv4_options[0].options
    return int(options["mtu"])


def port_up(rows: Rows, port_id: str) -> bool:
    """OVN sets this when the flows of a plugged port are in place."""
    return True in _found(rows, port_id).up


def truth(rows: Rows) -> NetworkTruth:
    """All that bears our marks."""
    networks: set[str] = set()
    ports: dict[str, str] = {}
    for switch in rows.all("Logical_Switch"):
        network_id = switch.external_ids.get(NETWORK_MARK)
        if network_id is None:
            continue
        networks.add(network_id)
        ports |= {port.external_ids[PORT_MARK]: network_id for port in switch.ports if PORT_MARK in port.external_ids}
    return NetworkTruth(networks=frozenset(networks), ports=ports, security_groups=security_groups.truth(rows),
                        memberships=security_groups.memberships(rows), limits=limits.truth(rows),
                        routers=routers.truth(rows),
                        translations={one.id: one.words for one in translations.translations(rows)})  # fmt: skip


def _others(switch: Row, port: Row | None) -> list[tuple[str, str]]:
    """MAC and address of the switch's ports for VMs but this one."""
    # one column of each row only: this is what a port costs on a network of thousands
    texts = [address for row in switch.ports if row != port for address in row.addresses]
    return [(mac, address) for mac, _, address in (text.partition(" ") for text in texts) if address]


def _no_network(network_id: str) -> NotFound:
    return NotFound(f"There is no network {network_id}.", code="network.not_found",
                    hint="Create the network before its ports.")  # fmt: skip


def _ours(rows: Rows, port_id: str) -> Row | None:
    port = rows.named("Logical_Switch_Port", port_id)
    return port if port is not None and PORT_MARK in port.external_ids else None


def _found(rows: Rows, port_id: str) -> Row:
    port = _ours(rows, port_id)
    if port is None:
        raise NotFound(f"There is no port {port_id}.", code="port.not_found", hint="Make the port first.")
    return port


def _take_off(rows: Rows, port: Row) -> None:
    """Off its switch, with its limits."""
    switch = _switch_of(rows, port)
    limits.remove_limits(rows, switch, port.name)
    rows.remove(port, switch, "ports")


def _switch_of(rows: Rows, port: Row) -> Row | None:
    return next((switch for switch in rows.all("Logical_Switch") if port in switch.ports), None)
