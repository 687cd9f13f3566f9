"""Storage repositories: where volumes and images are kept (row T1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from altus.model.resource import Resource


class StorageKind(StrEnum):
    """The kinds there are drivers for."""

    DIRECTORY = "directory"


@dataclass(frozen=True, kw_only=True)
class StorageUsage:
    """Bytes: what the repository holds in all, what is used, what may still be written."""

    capacity: int
    used: int
    available: int


@dataclass(frozen=True, kw_only=True)
class Storage(Resource):
    """A repository, local to one host (`host_id`) or shared (None)."""

    kind: StorageKind = StorageKind.DIRECTORY
    host_id: str | None = None
    usage: StorageUsage | None = None


def public_name(name: str, host_name: str) -> str:
    """What a repository is called in the pool that only this host reaches, which calls it `name`."""
    return f"{host_name}-{name}"


def local_name(storage: Storage, host_name: str) -> str:
    """What the host calls its own repository."""
    return storage.name.removeprefix(f"{host_name}-")
