"""Opening the host's repositories. One that cannot be opened is shown as a warning and tried again and again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from altus.agent.drivers import Repository
from altus.agent.settings import StorageSettings
from altus.common.errors import AltusError
from altus.common.files import write_whole
from altus.common.ids import derived_id
from altus.drivers.storage.load import StorageOptions, open_storage
from altus.model.storage import StorageKind

_TRY_AGAIN = 5.0
_log = structlog.get_logger(__name__)


class Opener:
    """Fills `opened`. A folder is made a repository once in the host's life, which `made` remembers: later a folder
    that is none must be a file system that is not mounted."""

    def __init__(self, host_id: str, wanted: Sequence[StorageSettings], made: Path) -> None:
        self._host_id = host_id
        self._waiting = list(wanted)
        self._made = made
        self.opened: list[Repository] = []

    async def open_all(self, warn: Callable[[str, str], None]) -> bool:
        """Open what is not open yet; whether everything is."""
        for wanted in list(self._waiting):
            topic = f"storage {wanted.name}"
            try:
                self.opened.append(await self._open(wanted))
            except AltusError as error:
                _log.warning("storage cannot be opened", name=wanted.name, error=error.message)
                warn(topic, f"Storage {wanted.name} cannot be opened: {error.message}")
            else:
                self._waiting.remove(wanted)
                warn(topic, "")
        return not self._waiting

    async def keep_trying(self, warn: Callable[[str, str], None]) -> None:
        """Until everything is open."""
        while True:
            if await self.open_all(warn):
                return
            await asyncio.sleep(_TRY_AGAIN)

    async def _open(self, wanted: StorageSettings) -> Repository:
        storage_id = wanted.id or derived_id("storage", self._host_id, wanted.name)
        known = await asyncio.to_thread(self._read_made)
        options = StorageOptions(storage_id=storage_id, path=wanted.path, create=storage_id not in known,
                                 shared=wanted.shared, reserve=wanted.reserve)  # fmt: skip
        driver = await open_storage(wanted.kind, options)
        if storage_id not in known:
            content = json.dumps(sorted({*known, storage_id})).encode()
            await asyncio.to_thread(write_whole, self._made, content)
        return Repository(id=storage_id, name=wanted.name, kind=StorageKind.DIRECTORY, driver=driver)

    def _read_made(self) -> list[str]:
        return list(json.loads(self._made.read_text())) if self._made.exists() else []
