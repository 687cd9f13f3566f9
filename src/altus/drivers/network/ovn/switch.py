"""This host's Open vSwitch: its settings for ovn-controller and the two bridges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from altus.common.errors import Unavailable
from altus.common.ids import derived_id
from altus.drivers.network.ovn.names import BRIDGE, TRANSIT, OvnSettings, mac_for
from altus.drivers.network.ovn.remote import Tls
from altus.drivers.network.ovn.rows import Row, Rows

TABLES = {
    "Open_vSwitch": ("external_ids", "bridges", "next_cfg", "cur_cfg", "ssl"),
    "Bridge": ("name", "datapath_type", "fail_mode", "other_config", "external_ids", "ports"),
    "Port": ("name", "interfaces"),
    "Interface": ("name", "type", "ifindex", "mtu_request"),
    "SSL": ("private_key", "certificate", "ca_cert"),
}

SOUTHBOUND = "unix:/run/ovn/ovnsb_db.sock"
_ENCAP = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Chassis:
    """This host in OVN: its name and the address other hosts tunnel to."""

    name: str
    encap_address: str


def ensure_chassis(rows: Rows, settings: OvnSettings, machine_id: str, hostname: str, *, userspace: bool) -> Chassis:
    """Tell ovn-controller who and where it is. What an administrator chose and we were not told otherwise stays."""
    root = _root(rows)
    known: dict[str, str] = root.external_ids
    wanted = {
        "system-id": known.get("system-id") or derived_id("chassis", machine_id),
        "hostname": known.get("hostname") or hostname,
        "ovn-remote": settings.southbound or known.get("ovn-remote") or SOUTHBOUND,
        "ovn-encap-type": known.get("ovn-encap-type") or "geneve",
        "ovn-encap-ip": settings.encap_address or known.get("ovn-encap-ip") or _ENCAP,
        "ovn-bridge-datapath-type": _type(userspace),
    }
    if settings.tls is not None and wanted["ovn-remote"].startswith("ssl:"):
        _ensure_certificates(rows, root, settings.tls)
    rows.merge(root, "external_ids", wanted)
    _ensure_bridge(rows, root, BRIDGE, fail_mode=["secure"], datapath_type=_type(userspace))
    return Chassis(name=wanted["system-id"], encap_address=wanted["ovn-encap-ip"])


def ensure_uplink(rows: Rows, settings: OvnSettings, mtu: int, *, userspace: bool) -> None:
    """The bridge where OVN's routers meet this host's IP stack, known to ovn-controller; `mtu` in bytes."""
    root = _root(rows)
    _ensure_bridge(rows, root, settings.uplink, fail_mode=["standalone"], datapath_type=_type(userspace),
                   # routers remember this MAC, so it is the same on every host that may be their way out
                   other_config={"hwaddr": mac_for(TRANSIT, settings.uplink)})  # fmt: skip
    interface = rows.named("Interface", settings.uplink)
    if interface is not None:
        rows.put(interface, mtu_request=[mtu])
    mapping = f"{TRANSIT}:{settings.uplink}"
    others = [text for text in root.external_ids.get("ovn-bridge-mappings", "").split(",")
              if text and not text.startswith(f"{TRANSIT}:")]  # fmt: skip
    rows.merge(root, "external_ids", {"ovn-bridge-mappings": ",".join([*others, mapping])})


def remove_uplink(rows: Rows, settings: OvnSettings) -> None:
    """Take that bridge away again."""
    root = _root(rows)
    mappings = root.external_ids.get("ovn-bridge-mappings", "")
    others = [text for text in mappings.split(",") if text and not text.startswith(f"{TRANSIT}:")]
    if others and mappings != ",".join(others):
        rows.merge(root, "external_ids", {"ovn-bridge-mappings": ",".join(others)})
    elif mappings and not others:
        root.delkey("external_ids", "ovn-bridge-mappings")
    rows.remove(rows.named("Bridge", settings.uplink), root, "bridges")


def _ensure_certificates(rows: Rows, root: Row, tls: Tls) -> None:
    """By which ovn-controller knows the southbound database, and is known there."""
    columns = {"private_key": str(tls.key), "certificate": str(tls.certificate), "ca_cert": str(tls.ca)}
    if root.ssl:
        rows.put(root.ssl[0], **columns)
    else:
        root.ssl = [rows.add("SSL", **columns)]


def _ensure_bridge(rows: Rows, root: Row, name: str, **columns: Any) -> None:
    bridge = rows.named("Bridge", name)
    if bridge is not None:
        rows.put(bridge, **columns)
        return
    interface = rows.add("Interface", name=name, type="internal")
    port = rows.add("Port", name=name, interfaces=[interface])
    root.addvalue("bridges", rows.add("Bridge", name=name, ports=[port], **columns))


def _root(rows: Rows) -> Row:
    for row in rows.all("Open_vSwitch"):
        return row
    raise Unavailable("Open vSwitch's database is empty.", code="network.unavailable",
                      hint="Start Open vSwitch by its own service, which initialises it.")  # fmt: skip


def _type(userspace: bool) -> str:
    return "netdev" if userspace else "system"
