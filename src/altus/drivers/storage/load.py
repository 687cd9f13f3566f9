"""Which storage drivers there are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from altus.common.errors import InvalidInput
from altus.drivers.storage.base import StorageDriver
from altus.drivers.storage.directory.driver import DirectoryStorage
from altus.drivers.storage.fake import FakeStorage
from altus.model.storage import StorageKind

FAKE = "fake"


@dataclass(frozen=True, kw_only=True)
class StorageOptions:
    """How to open a repository: its id and its folder; `create` makes it if it is not there yet, and belongs only to
    the operation that adds a repository (see `DirectoryStorage.open`); `reserve` is the free space to keep in bytes
    (None: the driver's own rule); `shared` says that several hosts use it."""

    storage_id: str
    path: Path
    create: bool = False
    shared: bool = False
    reserve: int | None = None


async def _directory(options: StorageOptions) -> StorageDriver:
    return await DirectoryStorage.open(
        options.path, options.storage_id, create=options.create, shared=options.shared, reserve=options.reserve
    )


async def _fake(options: StorageOptions) -> StorageDriver:
    reserve = {} if options.reserve is None else {"reserve": options.reserve}
    return await FakeStorage.open(options.path, options.storage_id, **reserve)


_DRIVERS: dict[str, Callable[[StorageOptions], Awaitable[StorageDriver]]] = {
    StorageKind.DIRECTORY: _directory,
    FAKE: _fake,
}


async def open_storage(kind: str, options: StorageOptions) -> StorageDriver:
    """Open a repository with the driver of its kind; `InvalidInput` (`storage.kind_unknown`) if there is none."""
    driver = _DRIVERS.get(kind)
    if driver is None:
        raise InvalidInput(
            f"There is no storage driver {kind[:32]!r}.",
            code="storage.kind_unknown",
            hint=f"There are: {', '.join(_DRIVERS)}.",
        )
    return await driver(options)
