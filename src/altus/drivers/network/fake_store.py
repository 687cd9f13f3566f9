"""Where the fake keeps its networks and ports, so that they survive the agent as real ones do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec

from altus.model.network import NetworkSpec, PortSpec
from altus.model.router import RouterSpec
from altus.model.security_group import SecurityGroupSpec
from altus.model.translation import TranslationSpec

_SCHEMA = """
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = OFF;
    CREATE TABLE IF NOT EXISTS network (id TEXT PRIMARY KEY, data BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS port (id TEXT PRIMARY KEY, network_id TEXT NOT NULL, mac TEXT NOT NULL COLLATE NOCASE,
                                     address TEXT NOT NULL, data BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS security_group (id TEXT PRIMARY KEY, data BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS member (port_id TEXT NOT NULL, group_id TEXT NOT NULL, PRIMARY KEY (port_id, group_id));
    CREATE TABLE IF NOT EXISTS translation (id TEXT PRIMARY KEY, network_id TEXT NOT NULL, port_id TEXT NOT NULL,
                                            data BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS router (id TEXT PRIMARY KEY, data BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS bound (port_id TEXT PRIMARY KEY, place TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS port_mac ON port (network_id, mac);
    CREATE INDEX IF NOT EXISTS port_address ON port (network_id, address);
"""


class FakeStore:
    """Rows in SQLite, which cost the same however many there are (no fsync: a killed process loses nothing by that).
    Without a path they are kept in memory."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        self._database = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._database.executescript(_SCHEMA).close()

    @property
    def sign(self) -> str:
        """Another one after each change."""
        return str(self._database.total_changes)

    def network(self, network_id: str) -> NetworkSpec | None:
        """One of them, if it is there."""
        row = self._database.execute("SELECT data FROM network WHERE id = ?", (network_id,)).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=NetworkSpec)

    def networks(self) -> Iterator[NetworkSpec]:
        """All of them."""
        for (data,) in self._database.execute("SELECT data FROM network ORDER BY id").fetchall():
            yield msgspec.json.decode(data, type=NetworkSpec)

    def save_network(self, network: NetworkSpec) -> None:
        """Add or replace."""
        row = (network.id, msgspec.json.encode(network))
        self._database.execute("INSERT OR REPLACE INTO network VALUES (?, ?)", row).close()

    def remove_network(self, network_id: str) -> None:
        """Forget one; missing is success."""
        self._database.execute("DELETE FROM network WHERE id = ?", (network_id,)).close()
        self._database.execute("DELETE FROM translation WHERE network_id = ?", (network_id,)).close()

    def port(self, port_id: str) -> PortSpec | None:
        """One of them, if it is there."""
        row = self._database.execute("SELECT data FROM port WHERE id = ?", (port_id,)).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=PortSpec)

    def ports(self) -> dict[str, str]:
        """The network of every port, by the port's id."""
        return dict(self._database.execute("SELECT id, network_id FROM port ORDER BY id").fetchall())

    def limits(self) -> dict[str, str]:
        """Those of ports that have some, by the port's id."""
        rows = self._database.execute("SELECT data FROM port ORDER BY id").fetchall()
        ports = (msgspec.json.decode(data, type=PortSpec) for (data,) in rows)
        return {port.id: port.limits for port in ports if port.limits}

    def rivals(self, port: PortSpec) -> list[tuple[str, str]]:
        """MAC and address of other ports of the network which have one of those of `port`."""
        query = """SELECT mac, address FROM port
                   WHERE network_id = :network AND id <> :id AND (mac = :mac OR address = :address)"""
        values = {"network": port.network_id, "mac": port.mac, "address": port.address, "id": port.id}
        return self._database.execute(query, values).fetchall()

    def save_port(self, port: PortSpec) -> None:
        """Add or replace."""
        row = (port.id, port.network_id, port.mac, port.address, msgspec.json.encode(port))
        self._database.execute("INSERT OR REPLACE INTO port VALUES (?, ?, ?, ?, ?)", row).close()
        self._database.execute("DELETE FROM member WHERE port_id = ?", (port.id,)).close()
        members = [(port.id, group_id) for group_id in port.security_groups]
        self._database.executemany("INSERT INTO member VALUES (?, ?)", members).close()

    def remove_port(self, port_id: str) -> None:
        """Forget one; missing is success."""
        self._database.execute("DELETE FROM port WHERE id = ?", (port_id,)).close()
        self._database.execute("DELETE FROM bound WHERE port_id = ?", (port_id,)).close()
        self._database.execute("DELETE FROM member WHERE port_id = ?", (port_id,)).close()
        self._database.execute("DELETE FROM translation WHERE port_id = ?", (port_id,)).close()

    def translations(self) -> list[TranslationSpec]:
        """All of them."""
        rows = self._database.execute("SELECT data FROM translation ORDER BY id").fetchall()
        return [msgspec.json.decode(data, type=TranslationSpec) for (data,) in rows]

    def save_translation(self, translation: TranslationSpec) -> None:
        """Add or replace."""
        row = (translation.id, translation.network_id, translation.port_id, msgspec.json.encode(translation))
        self._database.execute("INSERT OR REPLACE INTO translation VALUES (?, ?, ?, ?)", row).close()

    def remove_translation(self, translation_id: str) -> None:
        """Forget one; missing is success."""
        self._database.execute("DELETE FROM translation WHERE id = ?", (translation_id,)).close()

    def routers(self) -> list[RouterSpec]:
        """All of them."""
        rows = self._database.execute("SELECT data FROM router ORDER BY id").fetchall()
        return [msgspec.json.decode(data, type=RouterSpec) for (data,) in rows]

    def save_router(self, router: RouterSpec) -> None:
        """Add or replace."""
        row = (router.id, msgspec.json.encode(router))
        self._database.execute("INSERT OR REPLACE INTO router VALUES (?, ?)", row).close()

    def remove_router(self, router_id: str) -> None:
        """Forget one; missing is success."""
        self._database.execute("DELETE FROM router WHERE id = ?", (router_id,)).close()

    def groups(self) -> Iterator[SecurityGroupSpec]:
        """All security groups."""
        for (data,) in self._database.execute("SELECT data FROM security_group ORDER BY id").fetchall():
            yield msgspec.json.decode(data, type=SecurityGroupSpec)

    def save_group(self, group: SecurityGroupSpec) -> None:
        """Add or replace."""
        row = (group.id, msgspec.json.encode(group))
        self._database.execute("INSERT OR REPLACE INTO security_group VALUES (?, ?)", row).close()

    def remove_group(self, group_id: str) -> None:
        """Forget one, not who says to be a member; missing is success."""
        self._database.execute("DELETE FROM security_group WHERE id = ?", (group_id,)).close()

    def memberships(self) -> dict[str, set[str]]:
        """The groups of every port that is in one, by the port's id."""
        found: dict[str, set[str]] = {}
        for port_id, group_id in self._database.execute("SELECT port_id, group_id FROM member").fetchall():
            found.setdefault(port_id, set()).add(group_id)
        return found

    def bind_port(self, port_id: str, place: str) -> None:
        """Remember where the port may be plugged into; empty: anywhere."""
        self._database.execute("INSERT OR REPLACE INTO bound VALUES (?, ?)", (port_id, place)).close()

    def bound_to(self, port_id: str) -> str:
        """Where the port may be plugged into; empty: anywhere."""
        row = self._database.execute("SELECT place FROM bound WHERE port_id = ?", (port_id,)).fetchone()
        return "" if row is None else str(row[0])

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()
