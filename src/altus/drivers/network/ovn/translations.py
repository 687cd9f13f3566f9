"""Translations in OVN's northbound database: load balancers that no router and no switch has, so that OVN itself does
nothing with them. Hosts by which their networks go out do what they say (`host.py`)."""

from __future__ import annotations

from altus.common.errors import NotFound
from altus.drivers.network.ovn.names import NETWORK_MARK, PORT_MARK, TRANSLATION_MARK, switch_name
from altus.drivers.network.ovn.rows import Row, Rows
from altus.drivers.network.rules import check_translation
from altus.model.network import NetworkKind
from altus.model.translation import TranslationSpec

TABLE = "Load_Balancer"
TABLES = {TABLE: ("name", "vips", "external_ids")}


def ensure_translation(rows: Rows, translation: TranslationSpec) -> None:
    """Make it so; `NotFound` and `Conflict` as the driver says."""
    network, port = translation.network_id, rows.named("Logical_Switch_Port", translation.port_id)
    if rows.named("Logical_Switch", switch_name(network)) is None:
        raise NotFound(f"There is no network {network}.", code="network.not_found", hint="Create it first.")
    if port is None or port.external_ids.get(NETWORK_MARK) != network:
        raise NotFound(f"There is no port {translation.port_id}.", code="port.not_found", hint="Make the port first.")
    port.verify("external_ids")  # one that is deleted meanwhile takes its translations along
    routed = rows.named("Logical_Router", switch_name(network)) is not None
    others = {one.address: one.id for one in translations(rows) if one.id != translation.id}
    check_translation(translation, NetworkKind.NAT if routed else NetworkKind.ISOLATED, others)
    marks = {TRANSLATION_MARK: translation.id, NETWORK_MARK: network, PORT_MARK: translation.port_id}
    rows.ensure(TABLE, _name(translation.id), vips={translation.address: translation.inside}, external_ids=marks)


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
        marks, ((address, inside),) = row.external_ids, row.vips.items()
        found.append(TranslationSpec(id=marks[TRANSLATION_MARK], network_id=marks.get(NETWORK_MARK, ""),
                                     port_id=marks.get(PORT_MARK, ""), address=address, inside=inside))  # fmt: skip
    return sorted(found, key=lambda one: one.id)


def _ours(rows: Rows) -> list[Row]:
    """One that somebody else emptied is none of ours any more: the next repair writes it whole."""
    return [row for row in rows.all(TABLE) if TRANSLATION_MARK in row.external_ids and len(row.vips) == 1]


def _name(translation_id: str) -> str:
    return f"altus-{translation_id}"
