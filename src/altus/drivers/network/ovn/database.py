"""A connection to an OVSDB server that never hangs and comes back by itself.

ovsdbapp keeps a copy of the database in a thread of its own; this wraps it for asyncio. While the server is away,
calls wait a moment for it and then raise `Unavailable` (`network.unavailable`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from ovs.db.idl import SchemaHelper
from ovsdbapp.backend.ovs_idl.command import BaseCommand
from ovsdbapp.backend.ovs_idl.connection import Connection, OvsdbIdl
from ovsdbapp.backend.ovs_idl.transaction import Transaction
from ovsdbapp.exceptions import TimeoutException

from altus.common.errors import AltusError, Failed, Unavailable
from altus.drivers.network.ovn.remote import Tls, connect
from altus.drivers.network.ovn.rows import Row, Rows

T = TypeVar("T")
Listener = Callable[[str, Row, frozenset[str]], None]
"""Told table, row and changed columns, from the connection's thread: must be quick."""

_log = logging.getLogger(__name__)
_BACKOFF_MS = (100, 1000)
_PROBE_MS = 5000
_PATIENCE = 1.5


class _Replica(OvsdbIdl):  # type: ignore[misc]  # ovsdbapp publishes no types
    """The copy of the database: reconnects within a second and notices a frozen server also on a unix socket."""

    def __init__(self, remote: str, helper: Any, listener: Listener | None) -> None:
        super().__init__(remote, helper, probe_interval=_PROBE_MS, leader_only=True)
        self._listener = listener
        self._session.reconnect.set_backoff(*_BACKOFF_MS)
        for table in self.tables.values():
            if "name" in table.columns:
                table.rows.index_create("name").add_column("name")

    @property
    def connected(self) -> bool:
        return bool(self._session.is_connected()) and self.state == self.IDL_S_MONITORING

    def notify(self, event: str, row: Row, updates: Any = None) -> None:
        if self._listener is not None:
            changed = frozenset(updates._data) if updates is not None else frozenset((event,))  # noqa: SLF001
            self._listener(row._table.name, row, changed)  # noqa: SLF001


class _Work(BaseCommand):  # type: ignore[misc]  # ovsdbapp publishes no types
    """Runs a function inside the transaction; ovsdbapp runs it again when somebody else changed what it verified."""

    def __init__(self, idl: _Replica, work: Callable[[Rows], Any]) -> None:
        super().__init__(None)
        self._idl = idl
        self._work = work

    def run_idl(self, txn: Any) -> None:
        self.result = self._work(Rows(self._idl, txn))


class _Api:
    """What ovsdbapp's `Transaction` wants to know of its API object: ours is not shared between connections."""

    def __init__(self, idl: _Replica) -> None:
        self.idl = idl


class Database:
    """One database of one server at `remote` (see `remote.py`), copied in the `tables` and columns named.

    `timeout` (seconds) bounds every call; `tls` is for a server on another machine. Of tables in `only` no rows are
    copied but those that meet one of its conditions (column, function, value), such as ("type", "==", "router").
    """

    def __init__(self, remote: str, schema: str, tables: Mapping[str, Sequence[str]], *, timeout: float = 10.0,
                 listener: Listener | None = None, tls: Tls | None = None,
                 only: Mapping[str, Sequence[Sequence[str]]] | None = None) -> None:  # fmt: skip
        self.remote = remote
        self._schema = schema
        self._tables = tables
        self._timeout = timeout
        self._listener = listener
        self._tls = tls
        self._only = only or {}
        self._connection: Any = None
        self._opening = asyncio.Lock()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"altus-{schema}")

    async def run(self, work: Callable[[Rows], T]) -> T:
        """Run `work` as one transaction and return its result. An `AltusError` it raises undoes all it did."""
        try:
            async with asyncio.timeout(self._timeout + _PATIENCE):
                connection = await self._connected()
                result: T = await asyncio.get_running_loop().run_in_executor(
                    self._executor, self._commit, connection, work
                )
                return result
        except (TimeoutError, TimeoutException, OSError) as error:
            raise self._unavailable(str(error) or "no answer in time") from error

    @property
    def changes(self) -> int:
        """Counts what changed in the copy; 0 before there is one."""
        return 0 if self._connection is None else int(self._connection.idl.change_seqno)

    async def close(self) -> None:
        """Let go of the connection; twice is fine."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                async with asyncio.timeout(self._timeout):
                    await asyncio.get_running_loop().run_in_executor(None, connection.stop, self._timeout)
            except TimeoutError:
                _log.warning("the connection to %s is busy and ends by itself later", self.remote)
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _connected(self) -> Any:
        async with self._opening:
            if self._connection is None:
                self._connection = await self._open()
        connection = self._connection
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                # the copy tells of changes only, not of being connected again
                while not connection.idl.connected:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        if not connection.idl.connected:
            raise self._unavailable("not connected")
        return connection

    async def _open(self) -> Any:
        helper = SchemaHelper(None, await self._fetch_schema())
        if self._tls is not None:
            self._tls.use()
        for table, columns in self._tables.items():
            helper.register_columns(table, list(columns))
        replica = _Replica(self.remote, helper, self._listener)
        for table, conditions in self._only.items():
            replica.cond_change(table, [list(condition) for condition in conditions])
        connection = Connection(replica, self._timeout)
        await asyncio.get_running_loop().run_in_executor(self._executor, connection.start)
        return connection

    async def _fetch_schema(self) -> dict[str, Any]:
        """Asks itself: ovsdbapp's own way of asking waits without end for a server that is frozen."""
        reader, writer = await connect(self.remote, self._tls)
        answer: dict[str, Any] | None = None
        try:
            writer.write(json.dumps({"method": "get_schema", "params": [self._schema], "id": 0}).encode())
            text = b""
            while answer is None and (chunk := await reader.read(65536)):
                text += chunk
                with contextlib.suppress(ValueError):  # not all of it yet
                    answer = json.loads(text)
        finally:
            writer.close()
        if answer is None:
            raise self._unavailable("it hung up")
        if not isinstance(answer.get("result"), dict):
            raise Failed(f"{self.remote} serves no database {self._schema}.", code="network.schema_missing",
                         hint="Check that OVN and Open vSwitch are installed and this is their socket.")  # fmt: skip
        return dict(answer["result"])

    def _commit(self, connection: Any, work: Callable[[Rows], T]) -> T:
        transaction = Transaction(_Api(connection.idl), connection, self._timeout, check_error=True, log_errors=False)
        command = _Work(connection.idl, work)
        transaction.add(command)
        try:
            transaction.commit()
        except (AltusError, TimeoutException):
            raise
        except RuntimeError as error:
            # ovsdbapp raises this both when the server refuses and when its own clock ran out
            if "timed out" in str(error):
                raise TimeoutError(str(error)) from error
            raise Failed(f"{self._schema} refused a change: {error}", code="network.refused",
                         hint="Look into the log of ovsdb-server.") from error  # fmt: skip
        result: T = command.result
        return result

    def _unavailable(self, why: str) -> Unavailable:
        return Unavailable(f"The database {self._schema} at {self.remote} does not answer: {why}.",
                           code="network.unavailable",
                           hint="Check that ovsdb-server runs there; it is tried again by itself.")  # fmt: skip
