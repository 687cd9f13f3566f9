"""Networks in OVN's northbound database: switch, DHCP, and for NAT a router to the transit switch.

Every function runs inside one transaction, sets only what differs and may be run again.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from altus.common.errors import Conflict, LimitExceeded, NotFound
from altus.drivers.network.ovn import translations
from altus.drivers.network.ovn.names import (
    NETWORK_MARK,
    ROUTER_MARK,
    TRANSIT,
    NatNetwork,
    OvnSettings,
    key_for,
    mac_for,
    switch_name,
)
from altus.drivers.network.ovn.rows import Row, Rows
from altus.drivers.network.rules import check_overlap
from altus.model.network import NetworkKind, NetworkSpec

TABLES = {
    "Logical_Switch": ("name", "ports", "acls", "qos_rules", "external_ids"),
    "Logical_Switch_Port": ("name", "type", "addresses", "port_security", "options", "dhcpv4_options", "up",
                            "external_ids"),
    "ACL": ("name", "direction", "priority", "match", "action", "external_ids"),
    "DHCP_Options": ("cidr", "options", "external_ids"),
    "Logical_Router": ("name", "ports", "static_routes", "external_ids"),
    "Logical_Router_Port": ("name", "mac", "networks", "gateway_chassis", "options", "external_ids"),
    "Logical_Router_Static_Route": ("ip_prefix", "nexthop", "output_port", "external_ids"),
    "Gateway_Chassis": ("name", "chassis_name", "priority", "external_ids"),
    **translations.TABLES,
}  # fmt: skip

_LEASE_SECONDS = 86400
_KEY = "requested-tnl-key"
"""An option of ports: their number on their switch or router."""
_WAYS = "altus-ways-out"
"""A router's key of `external_ids`: the chassis of all hosts that may be its way out."""
_HIGHEST, _ENOUGH = 32767, 3
"""The priority of the host by which a network goes out first; so many hosts watch one another."""
_DEFAULT_ROUTE = "0.0.0.0/0"
_DHCP_SERVER = "udp.src == 67"


def ensure_network(rows: Rows, network: NetworkSpec, dns: tuple[str, ...] | None, settings: OvnSettings,
                   chassis: str) -> None:  # fmt: skip
    """Make the network so. `dns` None leaves the servers as they are. `chassis` is this host's name in OVN, by which a
    NAT network goes out when all hosts that were there before it are dead."""
    nats = nat_networks(rows)
    if network.kind is NetworkKind.NAT:
        check_overlap(network.id, IPv4Network(network.cidr), {nat.id: nat.cidr for nat in nats})
    marks = {NETWORK_MARK: network.id}
    switch, new = rows.ensure("Logical_Switch", switch_name(network.id), external_ids=marks)
    if new or all(acl.match != _DHCP_SERVER for acl in switch.acls):
        # nobody on a network but OVN itself answers DHCP
        switch.addvalue("acls", rows.add("ACL", name="altus-dhcp", direction="from-lport", priority=2000,
                                         match=_DHCP_SERVER, action="drop", external_ids=marks))  # fmt: skip
    _ensure_dhcp(rows, network, dns, marks)
    if network.kind is NetworkKind.NAT:
        taken = {settings.transit.ip, *(nat.router for nat in nats)}
        _ensure_router(rows, network, switch, settings, chassis, taken)
    elif is_routed(rows, network.id):
        ensure_inner(rows, network.id)
    else:
        _remove_router(rows, network.id, switch)


def delete_network(rows: Rows, network_id: str) -> None:
    """Remove all of it; refuses (`network.in_use`) while it has ports."""
    switch = rows.named("Logical_Switch", switch_name(network_id))
    if switch is not None:
        # a port that is plugged in meanwhile makes this transaction start again
        switch.verify("ports")
        if is_routed(rows, network_id):
            raise Conflict(f"Network {network_id} is on a router.", code="network.in_use",
                           hint="Take it off the router first.")  # fmt: skip
        members = [port for port in switch.ports if port.type == ""]
        if members:
            raise Conflict(f"Network {network_id} still has {len(members)} ports.", code="network.in_use",
                           hint="Delete the VMs on it, or their NICs, first.")  # fmt: skip
    translations.delete_all(rows, NETWORK_MARK, network_id)
    _remove_router(rows, network_id, switch)
    rows.remove(dhcp_row(rows, network_id))
    rows.remove(switch)


def nat_networks(rows: Rows, chassis: str = "") -> list[NatNetwork]:
    """All NAT networks, or those which may go out by a chassis; read from their routers."""
    found = []
    for router in rows.all("Logical_Router"):
        network_id = router.external_ids.get(NETWORK_MARK)
        ports = {port.name: port for port in router.ports}
        inner, outer = ports.get(f"{router.name}-inner"), ports.get(f"{router.name}-outer")
        dhcp = dhcp_row(rows, network_id) if network_id else None
        if network_id and inner and outer and dhcp and (not chassis or chassis in ways_out(rows, network_id)):
            found.append(NatNetwork(id=network_id, cidr=IPv4Network(dhcp.cidr), router=_address(outer),
                                    mtu=int(dhcp.options["mtu"])))  # fmt: skip
    return sorted(found, key=lambda nat: nat.router)


def ways_out(rows: Rows, network_id: str) -> list[str]:
    """The chassis by which a NAT network may go out, in the order in which they joined."""
    router = rows.named("Logical_Router", switch_name(network_id))
    return [] if router is None else router.external_ids.get(_WAYS, "").split()


def join(rows: Rows, network_id: str, chassis: str) -> None:
    """Let a NAT network that is there go out by this chassis too, if no other one lives."""
    router = rows.named("Logical_Router", switch_name(network_id))
    outer = rows.named("Logical_Router_Port", f"{switch_name(network_id)}-outer")
    known = ways_out(rows, network_id)
    if router is not None and outer is not None and chassis not in known:
        router.verify("external_ids")  # two hosts may join at once
        rows.merge(router, "external_ids", {_WAYS: " ".join([*known, chassis])})
        _bind(rows, outer, [*known, chassis])


def of_way_out(port: str) -> str:
    """The network of whose router this is the port to the outside, as OVN calls the one that it binds to a host; empty
    for others."""
    name, outer, rest = port.removeprefix("cr-").rpartition("-outer")
    return name.removeprefix(switch_name("")) if outer and not rest and name.startswith(switch_name("")) else ""


def dhcp_row(rows: Rows, network_id: str) -> Row | None:
    """The network's DHCP options."""
    return next((row for row in rows.all("DHCP_Options") if row.external_ids.get(NETWORK_MARK) == network_id), None)


def _ensure_dhcp(rows: Rows, network: NetworkSpec, dns: tuple[str, ...] | None, marks: dict[str, str]) -> None:
    row = dhcp_row(rows, network.id)
    options = {
        "server_id": network.gateway,
        "server_mac": mac_for(f"{switch_name(network.id)}-inner"),
        "lease_time": str(_LEASE_SECONDS),
        "mtu": str(network.mtu),
    }
    if network.kind is NetworkKind.NAT or is_routed(rows, network.id):
        options["router"] = network.gateway
    if dns:
        options["dns_server"] = "{" + ", ".join(dns) + "}"
    elif dns is None and row is not None and "dns_server" in row.options:
        options["dns_server"] = row.options["dns_server"]
    if row is None:
        rows.add("DHCP_Options", cidr=network.cidr, options=options, external_ids=marks)
    else:
        rows.put(row, cidr=network.cidr, options=options)


def _ensure_router(rows: Rows, network: NetworkSpec, switch: Row, settings: OvnSettings, chassis: str,
                   taken: Collection[IPv4Address]) -> None:  # fmt: skip
    name, marks = switch_name(network.id), {NETWORK_MARK: network.id}
    transit = _ensure_transit(rows, settings)
    known = ways_out(rows, network.id)
    ways = [chassis] if settings.sole else known if chassis in known else [*known, chassis]
    if (present := rows.named("Logical_Router", name)) is not None:
        present.verify("external_ids")  # two hosts may join at once
    router, new = rows.ensure("Logical_Router", name, external_ids=marks | {_WAYS: " ".join(ways)})
    outer = rows.named("Logical_Router_Port", f"{name}-outer")
    address = _address(outer) if outer is not None else _free_address(transit, settings.transit.network, taken)
    inner_network = f"{network.gateway}/{IPv4Network(network.cidr).prefixlen}"
    ensure_link(rows, (router, f"{name}-inner", inner_network), (switch, f"{name}-router"), marks)
    outer = ensure_link(rows, (router, f"{name}-outer", f"{address}/{settings.transit.network.prefixlen}"),
                         (transit, f"{name}-transit"), marks)  # fmt: skip
    _bind(rows, outer, ways)
    hop = str(settings.transit.ip)
    routes = [] if new else list(router.static_routes)
    between = [route for route in routes if ROUTER_MARK in route.external_ids]
    if [(route.ip_prefix, route.nexthop) for route in routes if route not in between] != [(_DEFAULT_ROUTE, hop)]:
        router.static_routes = [*between, rows.add("Logical_Router_Static_Route", ip_prefix=_DEFAULT_ROUTE, nexthop=hop,
                                         output_port=f"{name}-outer", external_ids=marks)]  # fmt: skip


def is_routed(rows: Rows, network_id: str) -> bool:
    """Whether the network is on a router, with others."""
    router = rows.named("Logical_Router", switch_name(network_id))
    return router is not None and any(ROUTER_MARK in port.external_ids for port in getattr(router, "ports", ()))


def ensure_inner(rows: Rows, network_id: str) -> Row:
    """The network's own router, with its gateway; VMs are told of that by DHCP."""
    name, marks = switch_name(network_id), {NETWORK_MARK: network_id}
    switch, dhcp = rows.named("Logical_Switch", name), dhcp_row(rows, network_id)
    router = rows.named("Logical_Router", name)
    if switch is None or dhcp is None:
        raise NotFound(f"There is no network {network_id}.", code="network.not_found", hint="Create it first.")
    if router is None:
        router = rows.add("Logical_Router", name=name, external_ids=marks)
    gateway = dhcp.options["server_id"]
    inner = f"{gateway}/{IPv4Network(dhcp.cidr).prefixlen}"
    ensure_link(rows, (router, f"{name}-inner", inner), (switch, f"{name}-router"), marks)
    rows.put(dhcp, options=dhcp.options | {"router": gateway})
    return router


def remove_inner(rows: Rows, network_id: str) -> None:
    """The network's own router goes with the router between networks that it was on, if there is no way out."""
    name, dhcp = switch_name(network_id), dhcp_row(rows, network_id)
    if rows.named("Logical_Router_Port", f"{name}-outer") is not None:
        return
    _remove_router(rows, network_id, rows.named("Logical_Switch", name))
    if dhcp is not None:
        rows.put(dhcp, options={key: value for key, value in dhcp.options.items() if key != "router"})


def ensure_link(rows: Rows, inside: tuple[Row, str, str], outside: tuple[Row, str], marks: dict[str, str]) -> Row:
    """A router's port (router, name, address) and the switch's port (switch, name) that leads to it.

    Their numbers are ours: where one is made anew with another number, ovn-controller (23.03) can go on sending from
    the other one to the former number, until something has it compute all flows."""
    router, port, address = inside
    switch, switch_port = outside
    end, new = rows.ensure("Logical_Router_Port", port, mac=mac_for(port), networks=[address],
                           options={_KEY: key_for(port)}, external_ids=marks)  # fmt: skip
    if new or end not in getattr(router, "ports", ()):
        router.addvalue("ports", end)
    options = {"router-port": port, _KEY: key_for(switch_port)}
    columns = {"type": "router", "addresses": ["router"], "options": options, "external_ids": marks}
    other, new = rows.ensure("Logical_Switch_Port", switch_port, **columns)
    if new:
        switch.addvalue("ports", other)
    return end


def _bind(rows: Rows, outer: Row, ways: list[str]) -> None:
    """Bind a router's way out to hosts. OVN watches them by the packets between them (BFD), and the living one of
    highest priority is the way out. But one that hears no other takes itself for cut off and is none: so of two hosts
    only the first is bound."""
    bound = ways if len(ways) >= _ENOUGH else ways[:1]
    wanted = {f"{outer.name}-{chassis}": _HIGHEST - number for number, chassis in enumerate(bound)}
    found = {one.name: one.priority for one in getattr(outer, "gateway_chassis", ())}
    if found != wanted:
        outer.gateway_chassis = [
            rows.ensure("Gateway_Chassis", name, chassis_name=chassis, priority=priority,
                        external_ids=dict(outer.external_ids))[0]
            for chassis, (name, priority) in zip(bound, wanted.items(), strict=True)
        ]  # fmt: skip


def _ensure_transit(rows: Rows, settings: OvnSettings) -> Row:
    """The switch where all routers meet the host; it lives as long as there is a router."""
    switch = rows.named("Logical_Switch", TRANSIT)
    if switch is not None:
        return switch
    columns = {"type": "localnet", "addresses": ["unknown"], "options": {"network_name": TRANSIT}}
    marks = {"altus-uplink": settings.uplink}
    port = rows.add("Logical_Switch_Port", name=f"{TRANSIT}-uplink", external_ids=marks, **columns)
    return rows.add("Logical_Switch", name=TRANSIT, ports=[port], external_ids=marks)


def _free_address(transit: Row, network: IPv4Network, taken: Collection[IPv4Address]) -> IPv4Address:
    """The lowest free address of the transit network. Two agents that choose at once cannot both commit, since each
    adds a port to the switch that the other has verified."""
    transit.verify("ports")
    for address in network.hosts():
        if address not in taken:
            return address
    raise LimitExceeded(f"All addresses of {network} are taken.", code="network.transit_exhausted",
                        hint="Delete NAT networks which are not needed.")  # fmt: skip


def _remove_router(rows: Rows, network_id: str, switch: Row | None) -> None:
    name = switch_name(network_id)
    inside = rows.named("Logical_Switch_Port", f"{name}-router")
    rows.remove(inside, switch if inside in getattr(switch, "ports", ()) else None, "ports")
    router = rows.named("Logical_Router", name)
    if router is None:
        return
    rows.remove(router)
    transit = rows.named("Logical_Switch", TRANSIT)
    link = rows.named("Logical_Switch_Port", f"{name}-transit")
    if transit is None or link is None:
        return
    transit.verify("ports")
    if {port.name for port in transit.ports} <= {f"{TRANSIT}-uplink", link.name}:
        rows.remove(transit)
    else:
        rows.remove(link, transit, "ports")


def _address(port: Row) -> IPv4Address:
    return IPv4Interface(port.networks[0]).ip
