"""What is on disk: volumes, what they stand on and who stands on what, read from qcow2 headers, never from memory.

A header is parsed again only when its file has changed, so that listing thousands of volumes costs a `stat` each.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from altus.common.errors import AltusError, Failed
from altus.common.ids import is_id
from altus.drivers.storage.directory.layout import Layout
from altus.drivers.storage.formats.qcow2 import DATA_FILE_BIT, Qcow2Header, read_header
from altus.drivers.storage.formats.reader import Reader, corrupt
from altus.model.volume import BaseKind, LayerFacts, VolumeBase, VolumeFacts

_log = logging.getLogger(__name__)

_MAX_CHAIN = 200
"""As deep as libvirt goes."""
_MAX_L1 = 4 * 1024 * 1024
"""Entries, as many as QEMU takes."""


@dataclass(frozen=True, kw_only=True)
class Disk:
    """One qcow2 file: its header, whether nothing was ever written to it, and the bytes it takes."""

    header: Qcow2Header
    untouched: bool
    allocation: int


class Catalog:
    """Reads the repository at `layout`; all calls block."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._seen: dict[str, tuple[tuple[int, ...], Qcow2Header, bool]] = {}

    def disk(self, path: Path) -> Disk | None:
        """A qcow2 file's facts, None if there is no such file; `Failed` (`volume.damaged`) if it is not readable."""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            self._seen.pop(str(path), None)
            return None
        try:
            info = os.fstat(fd)
            stamp = (info.st_dev, info.st_ino, info.st_mtime_ns, info.st_ctime_ns, info.st_size)
            known = self._seen.get(str(path))
            if known is None or known[0] != stamp:
                known = (stamp, *_parse(fd, info.st_size))
                self._seen[str(path)] = known
        except AltusError as error:
            raise Failed(
                f"{path} is damaged: {error.message}",
                code="volume.damaged",
                hint="Restore it from a backup, or delete it.",
            ) from error
        finally:
            os.close(fd)
        return Disk(header=known[1], untouched=known[2], allocation=info.st_blocks * 512)

    def volume(self, volume_id: str) -> VolumeFacts | None:
        """One volume's facts."""
        disk = self.disk(self._layout.volume(volume_id))
        if disk is None:
            return None
        base = origin_base(disk.header.origin)
        return VolumeFacts(id=volume_id, size=disk.header.size, allocation=disk.allocation, base=base,
                           layer=self._kept_below(self._layout.volume(volume_id), volume_id))  # fmt: skip

    def layer(self, volume_id: str, layer_id: str) -> LayerFacts | None:
        """A kept layer's facts."""
        path = self._layout.kept(volume_id, layer_id)
        disk = self.disk(path) if self._layout.pin(volume_id, layer_id).exists() else None
        if disk is None:
            return None
        return LayerFacts(volume_id=volume_id, id=layer_id, size=disk.header.size, allocation=disk.allocation,
                          parent=self._kept_below(path, volume_id))  # fmt: skip

    def layers(self) -> list[LayerFacts]:
        """Every kept layer; one whose header cannot be read is logged and left out."""
        found = []
        for path in self.kept():
            try:
                facts = self.layer(*path.stem.split("."))
            except Failed as error:
                _log.error("a layer is left out of the list: %s", error)
                continue
            if facts is not None:
                found.append(facts)
        return found

    def kept(self) -> list[Path]:
        """Where the files of layers are that are kept, in order; one may be missing."""
        names = sorted(pin.name for pin in self._layout.pins.glob("*.*"))
        paths = (self._layout.layers / f"{name}.qcow2" for name in names)
        return [path for path in paths if self._layout.kept_at(path) is not None]

    def children(self, layer: Path) -> list[Path]:
        """The files that stand directly on this one."""
        files = [*map(self._layout.volume, self.volume_ids()), *sorted(self._layout.layers.glob("*.qcow2"))]
        return [path for path in files if self.backing(path) == layer]

    def _kept_below(self, path: Path, volume_id: str) -> str:
        """The nearest kept layer of this volume below the file."""
        try:
            below = self.backing(path)
            chain = self.chain(path) if below is not None and below.parent == self._layout.layers else []
        except Failed:
            return ""  # whoever uses the volume is told
        for file in chain:
            found = self._layout.kept_at(file)
            if found is not None and found[0] == volume_id and self._layout.pin(*found).exists():
                return found[1]
        return ""

    def volumes(self) -> list[VolumeFacts]:
        """Every volume; one whose header cannot be read is logged and left out."""
        found = []
        for volume_id in self.volume_ids():
            try:
                facts = self.volume(volume_id)
            except Failed as error:
                _log.error("a volume is left out of the list: %s", error)
                continue
            if facts is not None:
                found.append(facts)
        return found

    def volume_ids(self) -> list[str]:
        """The ids of the volume files, in order."""
        return [path.stem for path in sorted(self._layout.volumes.glob("*.qcow2")) if is_id(path.stem)]

    def backing(self, path: Path) -> Path | None:
        """The file that a volume or layer stands on."""
        disk = self.disk(path)
        if disk is None or not disk.header.backing_file:
            return None
        return Path(os.path.normpath(path.parent / disk.header.backing_file))

    def chain(self, path: Path) -> list[Path]:
        """What a volume stands on, nearest first.

        `Failed` (`volume.damaged`) if it leads out of the repository: a QEMU that a guest took over can write such a
        name into its own volume, and we read as root.
        """
        found: list[Path] = []
        below = self.backing(path)
        while below is not None:
            found.append(below)
            if len(found) > _MAX_CHAIN or not self._may_stand_on(below):
                raise Failed(f"{path} stands on {below}, which cannot be.", code="volume.damaged")
            below = self.backing(below)
        return found

    def _may_stand_on(self, path: Path) -> bool:
        inside = path.is_relative_to(self._layout.layers) or path.is_relative_to(self._layout.images)
        return inside and not path.is_symlink()

    def dependents(self, target: Path) -> list[str]:
        """The volumes that need this file, also those of which only a kept layer does."""
        found = [name for name in self.volume_ids() if target in self.chain(self._layout.volume(name))]
        layers = {path.stem.partition(".")[0] for path in self.kept() if target in self.chain(path)}
        return [*found, *sorted(layers - set(found))]

    def idle_layers(self) -> list[Path]:
        """The layers that are not kept and that no volume or kept layer needs."""
        layers = set(self._layout.layers.glob("*.qcow2"))
        if not layers:
            return []
        for path in [*map(self._layout.volume, self.volume_ids()), *self.kept()]:
            layers.difference_update(self.chain(path))
        layers.difference_update(self.kept())
        return sorted(layers)


def origin_text(base: VolumeBase | None) -> str:
    """A base as it is noted in a volume's header."""
    return f"{base.kind}:{base.id}:{'linked' if base.linked else 'copied'}" if base else ""


def origin_base(text: str) -> VolumeBase | None:
    """The base that `origin_text` noted."""
    parts = text.split(":")
    if len(parts) != 3 or parts[0] not in list(BaseKind):
        return None
    return VolumeBase(kind=BaseKind(parts[0]), id=parts[1], linked=parts[2] == "linked")


def _parse(fd: int, size: int) -> tuple[Qcow2Header, bool]:
    reader = Reader(fd=fd, size=size)
    header = read_header(reader)
    if header.incompatible & DATA_FILE_BIT:
        raise corrupt("it keeps its data elsewhere")
    if header.l1_size > _MAX_L1:
        raise corrupt("its first table is too large")
    table = reader.peek(header.l1_table_offset, header.l1_size * 8)
    return header, not any(table) and not header.nb_snapshots
