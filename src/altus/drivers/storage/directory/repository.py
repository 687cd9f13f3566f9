"""What the parts of the directory driver share: the folder, its lock, its catalog, its room and `qemu-img`."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from altus.common.errors import Failed
from altus.drivers.storage.directory.catalog import Catalog
from altus.drivers.storage.directory.files import SHARED_MODE, locked, reflink, remove_tree, storage_error
from altus.drivers.storage.directory.layout import Layout
from altus.drivers.storage.directory.room import Room
from altus.drivers.storage.directory.work import WorkFolder, sweep
from altus.drivers.storage.keylocks import KeyLocks
from altus.drivers.storage.qemu_img import QemuImg
from altus.drivers.storage.threads import in_thread

_log = logging.getLogger(__name__)

T = TypeVar("T")


class Repository:
    """One opened folder."""

    def __init__(self, layout: Layout, qemu_img: QemuImg, reserve: int | None) -> None:
        self.layout = layout
        self.qemu_img = qemu_img
        self.catalog = Catalog(layout)
        self.room = Room(layout.root, reserve)
        self.reflink = False
        self._keys = KeyLocks()

    @asynccontextmanager
    async def operation(self, *keys: str) -> AsyncIterator[None]:
        """Around every call: the folder is the right one, calls about the same `keys` follow one another, and the file
        system's errors become ours."""
        async with self._keys.hold(*keys):
            try:
                await in_thread(self.layout.check)
                yield
            except OSError as error:
                raise storage_error(error) from error

    @asynccontextmanager
    async def work(self) -> AsyncIterator[Path]:
        """A folder for temporary files, gone afterwards; and so is what the dead left, which `clear` may have found
        still locked: a child forked by a killed agent holds its locks until it becomes another program."""
        folder = WorkFolder(self.layout.work)
        try:
            await in_thread(sweep, self.layout.work)
            await in_thread(folder.make)
            yield folder.path
        finally:
            await in_thread(folder.remove)

    async def commit(self, change: Callable[[], T]) -> T:
        """Run a short change of what is visible under the repository's lock, which holds against other processes."""

        def alone() -> T:
            with locked(self.layout.lock):
                return change()

        return await in_thread(alone)

    def clear(self) -> None:
        """Remove what dead operations left, and find out about reflinks. Blocks; called when the driver opens."""
        self.layout.prepare()
        sweep(self.layout.work)
        with locked(self.layout.lock):
            self._finish_deletions()
            self._settle_pins()
            self.drop_idle_layers()
            for layer in self.layout.layers.glob("*.qcow2"):
                layer.chmod(SHARED_MODE)
        self.reflink = self._probe_reflink()

    def drop_idle_layers(self) -> None:
        """Remove the layers that no volume needs, under the lock."""
        try:
            idle = self.catalog.idle_layers()
        except Failed as error:
            _log.error("layers stay until the damaged volume is gone: %s", error)
            return
        for layer in idle:
            layer.unlink(missing_ok=True)

    def drop_pins(self, volume_id: str) -> None:
        """Let go of all layers of a volume that is gone, under the lock."""
        for pin in list(self.layout.pins.glob(f"{volume_id}.*")):
            pin.unlink(missing_ok=True)

    def _settle_pins(self) -> None:
        """A layer that is a second name of its volume's file was never finished, and a pin keeps nothing without one;
        whoever asked asks again."""
        for layer in self.catalog.kept():
            volume_id, layer_id = layer.stem.split(".")
            volume = self.layout.volume(volume_id)
            unfinished = layer.exists() and volume.exists() and layer.samefile(volume)
            if unfinished or not layer.exists():
                self.layout.pin(volume_id, layer_id).unlink(missing_ok=True)
                layer.unlink(missing_ok=True)

    def _finish_deletions(self) -> None:
        for folder in self.layout.images.iterdir():
            if folder.is_dir() and not (folder / "manifest.json").exists():
                remove_tree(folder)

    def _probe_reflink(self) -> bool:
        work = WorkFolder(self.layout.work)
        try:
            work.make()
            source = work.path / "source"
            source.write_bytes(bytes(4096))
            return reflink(source, work.path / "target")
        except OSError as error:
            # a full disk must not keep the repository from opening: deleting is what it needs
            _log.warning("reflink could not be probed: %s", storage_error(error))
            return False
        finally:
            work.remove()
