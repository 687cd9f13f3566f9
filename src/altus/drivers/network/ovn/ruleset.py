"""The host's rules in nftables: our one table, from networks and translations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from altus.drivers.network.ovn.names import NatNetwork
from altus.model.translation import TranslationSpec

TABLE = "altus"


def ruleset(networks: Sequence[NatNetwork], uplink: str, translations: Sequence[TranslationSpec] = ()) -> str:
    """nftables' input that replaces our table, at once, by the one for these networks; none if there are none.

    VMs start connections to the outside; nobody but the host itself starts one to them, except to outside addresses
    that lead to them; networks do not meet but there.
    """
    start = f"table ip {TABLE}\ndelete table ip {TABLE}\n"
    if not networks:
        return start
    forward = [
        f'oifname "{uplink}" ct status dnat jump published',
        f'iifname "{uplink}" oifname "{uplink}" drop',
        f'iifname "{uplink}" ip saddr != @networks drop',
        f'oifname "{uplink}" ct state established,related accept',
        f'oifname "{uplink}" drop',
    ]
    leave = [  # between two VMs by an outside address the answer has to come back by the host, too
        f'oifname "{uplink}" ct status dnat snat to ip saddr map @leaving',
        f'oifname "{uplink}" ct status dnat ip saddr @networks masquerade',
        f'ip saddr @networks oifname != "{uplink}" snat to ip saddr map @leaving',
        f'ip saddr @networks oifname != "{uplink}" masquerade',
    ]
    parts = [
        _set("networks", "ipv4_addr", (str(network.cidr) for network in networks), flags="flags interval"),
        *_translated(translations),
        _chain("forward", "type filter hook forward priority filter; policy accept;", *forward),
        _chain("postrouting", "type nat hook postrouting priority srcnat; policy accept;", *leave),
    ]
    return f"{start}table ip {TABLE} {{\n{''.join(parts)}}}\n"


def _translated(translations: Sequence[TranslationSpec]) -> list[str]:
    """Where packets come in: ports first, then whole addresses, then ports of the host itself. `published` has the last
    word about each packet of a connection, so that one ends with the translation by which it came."""
    pairs = [(one.address, one.inside) for one in translations if one.protocol is None]
    ports = sorted((one for one in translations if one.protocol is not None), key=lambda one: one.claim)
    leaving = {inside: address for address, inside in reversed(pairs)}  # of several addresses, the first
    lead = [
        *(_port(one) for one in ports if one.address),
        "dnat to ip daddr map @arriving",
        *(_port(one) for one in ports if not one.address),
    ]
    return [
        _set("outside", "ipv4_addr", {one.address for one in translations} - {""}),
        _set("arriving", "ipv4_addr : ipv4_addr", (f"{address} : {inside}" for address, inside in pairs), "map"),
        _set("leaving", "ipv4_addr : ipv4_addr", (f"{inside} : {address}" for inside, address in leaving.items()),
             "map"),
        _set("pairs", "ipv4_addr . ipv4_addr", (f"{address} . {inside}" for address, inside in pairs)),
        _chain("prerouting", "type nat hook prerouting priority dstnat; policy accept;", *lead),
        _chain("output", "type nat hook output priority -100; policy accept;", *lead),
        _chain("published", "ct direction reply accept", "ct original ip daddr . ip daddr @pairs accept",
               *(_published(one) for one in ports), "drop"),
    ]  # fmt: skip


def _port(one: TranslationSpec) -> str:
    own = "ip daddr != @outside ip daddr != 127.0.0.0/8 fib daddr type local"
    to = f"ip daddr {one.address}" if one.address else own
    return f"{to} {one.protocol} dport {one.port} dnat to {one.inside}:{one.inside_port}"


def _published(one: TranslationSpec) -> str:
    by = f"ct original ip daddr {one.address or '!= @outside'} ct original proto-dst {one.port}"
    return f"meta l4proto {one.protocol} {by} ip daddr {one.inside} {one.protocol} dport {one.inside_port} accept"


def _set(name: str, kind: str, elements: Iterable[str], what: str = "set", flags: str = "") -> str:
    listed = ", ".join(sorted(elements))
    lines = [f"type {kind}", flags, f"elements = {{ {listed} }}" if listed else ""]
    return _block(f"{what} {name}", *filter(None, lines))


def _chain(name: str, *lines: str) -> str:
    return _block(f"chain {name}", *lines)


def _block(title: str, *lines: str) -> str:
    inside = "".join(f"    {line}\n" for line in lines)
    return f"  {title} {{\n{inside}  }}\n"
