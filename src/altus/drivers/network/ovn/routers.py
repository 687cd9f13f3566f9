"""Routers between networks in OVN's northbound database.

Each network has a logical router of its own already, or gets one while it is on a router. A router is one more logical
switch where those meet, and a route on each of them to each of the other networks. Who has no route to the outside does
not get there by a neighbour's.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from altus.drivers.network.ovn import networks
from altus.drivers.network.ovn.names import NETWORK_MARK, ROUTER_MARK, switch_name
from altus.drivers.network.ovn.rows import Row, Rows
from altus.drivers.network.rules import check_router
from altus.model.router import RouterSpec

_LINKS = IPv4Network("169.254.0.0/16")
"""Addresses where routers meet, the same on each switch: no network of VMs may have link-local ones."""
_WANTED = "altus-networks"
"""A switch's key of `external_ids`: the networks that shall meet there."""


def ensure_router(rows: Rows, router: RouterSpec) -> None:
    """Make it so; `NotFound` and `Conflict` as the driver says."""
    check_router(router, _cidrs(rows), routers(rows))
    switch, new = rows.ensure("Logical_Switch", _name(router.id))
    before = () if new else tuple(switch.external_ids.get(_WANTED, "").split())
    if not new:
        switch.verify("external_ids")
    rows.put(switch, external_ids={ROUTER_MARK: router.id, _WANTED: router.words})
    for network_id in before:
        if network_id not in router.networks:
            _take_off(rows, router.id, network_id, switch)
    present = dict(_links(rows, router.id, tuple(one for one in before if one in router.networks)))
    for network_id in sorted(router.networks):
        if network_id not in present:
            present[network_id] = next(host for host in _LINKS.hosts() if host not in set(present.values()))
    cidrs = _cidrs(rows)
    for network_id in sorted(router.networks):
        others = {cidrs[other]: str(present[other]) for other in present if other != network_id}
        _put_on(rows, router.id, network_id, (switch, present[network_id]), others)


def delete_router(rows: Rows, router_id: str) -> None:
    """Remove it; missing is fine."""
    switch = rows.named("Logical_Switch", _name(router_id))
    if switch is None:
        return
    for network_id in switch.external_ids.get(_WANTED, "").split():
        _take_off(rows, router_id, network_id, switch)
    rows.remove(switch)


def routers(rows: Rows) -> list[RouterSpec]:
    """All of them, with the networks that they shall lead to."""
    found = []
    for switch in rows.all("Logical_Switch"):
        if (router_id := switch.external_ids.get(ROUTER_MARK)) is not None:
            members = tuple(switch.external_ids.get(_WANTED, "").split())
            found.append(RouterSpec(id=router_id, networks=members))
    return sorted(found, key=lambda router: router.id)


def truth(rows: Rows) -> dict[str, str]:
    """The networks that each really leads to: with ports at both ends and routes to all others."""
    return {router.id: RouterSpec(id=router.id, networks=tuple(_led(rows, router))).words for router in routers(rows)}


def _led(rows: Rows, router: RouterSpec) -> Iterator[str]:
    switch = rows.named("Logical_Switch", _name(router.id))
    links, cidrs = dict(_links(rows, router.id, router.networks)), _cidrs(rows)
    for network_id in router.networks:
        own = rows.named("Logical_Router", switch_name(network_id))
        inside = rows.named("Logical_Switch_Port", f"{switch_name(network_id)}-router")
        joint = rows.named("Logical_Switch_Port", _joint(router.id, network_id))
        whole = own is not None and inside is not None and switch is not None and joint in switch.ports
        if whole and network_id in links and network_id in cidrs:
            others = [other for other in router.networks if other != network_id]
            wanted = {(cidrs.get(other, ""), str(links.get(other, ""))) for other in others}
            if {(route.ip_prefix, route.nexthop) for route in _routes(own)} == wanted:
                yield network_id


def _put_on(rows: Rows, router_id: str, network_id: str, meeting: tuple[Row, IPv4Address],
            others: dict[str, str]) -> None:  # fmt: skip
    switch, address = meeting
    own = networks.ensure_inner(rows, network_id)
    port = _link(router_id, network_id)
    marks = {NETWORK_MARK: network_id, ROUTER_MARK: router_id}
    joint = (switch, _joint(router_id, network_id))
    networks.ensure_link(rows, (own, port, f"{address}/{_LINKS.prefixlen}"), joint, marks)
    present = {(route.ip_prefix, route.nexthop): route for route in _routes(own)}
    for key in present.keys() - others.items():
        rows.remove(present[key], own, "static_routes")
    for prefix, hop in others.items() - present.keys():
        own.addvalue("static_routes", rows.add("Logical_Router_Static_Route", ip_prefix=prefix, nexthop=hop,
                                               output_port=port, external_ids=marks))  # fmt: skip


def _take_off(rows: Rows, router_id: str, network_id: str, switch: Row) -> None:
    joint = rows.named("Logical_Switch_Port", _joint(router_id, network_id))
    rows.remove(joint, switch if joint in switch.ports else None, "ports")
    own = rows.named("Logical_Router", switch_name(network_id))
    if own is None:
        return
    for route in _routes(own):
        rows.remove(route, own, "static_routes")
    rows.remove(rows.named("Logical_Router_Port", _link(router_id, network_id)), own, "ports")
    networks.remove_inner(rows, network_id)


def _routes(own: Row) -> list[Row]:
    """Those that lead by a router; a row of this same transaction has none yet."""
    return [route for route in getattr(own, "static_routes", ()) if ROUTER_MARK in route.external_ids]


def _links(rows: Rows, router_id: str, network_ids: tuple[str, ...]) -> Iterator[tuple[str, IPv4Address]]:
    for network_id in network_ids:
        port = rows.named("Logical_Router_Port", _link(router_id, network_id))
        if port is not None:
            yield network_id, IPv4Interface(port.networks[0]).ip


def _cidrs(rows: Rows) -> dict[str, str]:
    rows_of = rows.all("DHCP_Options")
    return {row.external_ids[NETWORK_MARK]: row.cidr for row in rows_of if NETWORK_MARK in row.external_ids}


def _name(router_id: str) -> str:
    return f"altus-router-{router_id}"


def _link(router_id: str, network_id: str) -> str:
    return f"{switch_name(network_id)}-by-{router_id}"


def _joint(router_id: str, network_id: str) -> str:
    return f"{_link(router_id, network_id)}-joint"
