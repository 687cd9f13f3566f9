"""Translations in OVN's northbound database: load balancers that no router and no switch has, so that OVN itself does
nothing with them. Hosts by which their networks go out do what they say (`host.py`)."""

from __future__ import annotations

import re

from altus.common.errors import NotFound
from altus.drivers.network.ovn.names import NETWORK_MARK, PORT_MARK, TRANSLATION_MARK, switch_name
from altus.drivers.network.ovn.rows import Row, Rows
from altus.drivers.network.rules import check_translation
from altus.model.network import NetworkKind
from altus.model.translation import PortProtocol, TranslationSpec

_PLAIN = re.compile(r"\d+(\.\d+){3}")
_WITH_PORT = re.compile(_PLAIN.pattern + r":\d+")
TABLE = "Load_Balancer"
TABLES = {TABLE: ("name", "vips", "protocol", "external_ids")}
_ANY = "0.0.0.0"  # noqa: S104  nobody listens there: OVN wants an address
"""Instead of the host's own address, which OVN does not know."""


def ensure_translation(rows: Rows, translation: TranslationSpec) -> None:
    """Make it so; `NotFound` and `Conflict` as the driver says."""
    network, port = translation.network_id, rows.named("Logical_Switch_Port", translation.port_id)
    if rows.named("Logical_Switch", switch_name(network)) is None:
        raise NotFound(f"There is no network {network}.", code="network.not_found", hint="Create it first.")
    if port is None or port.external_ids.get(NETWORK_MARK) != network:
        raise NotFound(f"There is no port {translation.port_id}.", code="port.not_found", hint="Make the port first.")
    port.verify("external_ids")  # one that is deleted meanwhile takes its translations along
    routed = rows.named("Logical_Router", switch_name(network)) is not None
    check_translation(translation, NetworkKind.NAT if routed else NetworkKind.ISOLATED, translations(rows))
    marks = {TRANSLATION_MARK: translation.id, NETWORK_MARK: network, PORT_MARK: translation.port_id}
    outer, inner = translation.address or _ANY, translation.inside
    if translation.protocol is not None:
        outer, inner = f"{outer}:{translation.port}", f"{inner}:{translation.inside_port}"
    protocol = [] if translation.protocol is None else [translation.protocol.value]
    rows.ensure(TABLE, _name(translation.id), vips={outer: inner}, protocol=protocol, external_ids=marks)


def delete_translation(rows: Rows, translation_id: str) -> None:
    """Remove it; missing is fine."""
    rows.remove(rows.named(TABLE, _name(translation_id)))


def delete_all(rows: Rows, mark: str, object_id: str) -> bool:
    """Remove those of a network or a port, by the mark of its noun. Whether there were any."""
    marked = (row for row in rows.all(TABLE) if TRANSLATION_MARK in row.external_ids)
    found = [row for row in marked if row.external_ids.get(mark) == object_id]
    for row in found:
        rows.remove(row)
    return bool(found)


def translations(rows: Rows) -> list[TranslationSpec]:
    """All of them, by id."""
    found = []
    for row in _ours(rows):
        marks, ((outer, inner),) = row.external_ids, row.vips.items()
        (address, _, port), (inside, _, inside_port) = outer.partition(":"), inner.partition(":")
        found.append(TranslationSpec(
            id=marks[TRANSLATION_MARK], network_id=marks.get(NETWORK_MARK, ""), port_id=marks.get(PORT_MARK, ""),
            address="" if address == _ANY else address, inside=inside,
            protocol=PortProtocol(row.protocol[0]) if port else None, port=int(port or 0),
            inside_port=int(inside_port or 0),
        ))  # fmt: skip
    return sorted(found, key=lambda one: one.id)


def _ours(rows: Rows) -> list[Row]:
    """What somebody else wrote into one makes it none of ours any more: the next repair writes it whole."""
    return [row for row in rows.all(TABLE) if TRANSLATION_MARK in row.external_ids and _is_sound(row)]


def _is_sound(row: Row) -> bool:
    parts = [end for pair in row.vips.items() for end in pair]
    with_port = [bool(_WITH_PORT.fullmatch(end)) for end in parts]
    known = row.protocol and row.protocol[0] in set(PortProtocol)
    whole = all(_PLAIN.fullmatch(end) for end in parts)
    return len(parts) == 2 and (bool(known) if all(with_port) else whole)


def _name(translation_id: str) -> str:
    return f"altus-{translation_id}"
