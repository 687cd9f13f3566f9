"""Storage repositories."""

from __future__ import annotations

from altus.sdk.resources import Resources
from altus.wire.resources import StorageView


class Storages(Resources[StorageView]):
    """`/storages`."""

    path = "/storages"
    view = StorageView
