"""Where things are in a repository's folder, and the marker that tells the folder from an empty mount point.

altus-repository.json               version and id
volumes/<volume>.qcow2              backing files are named by relative paths, so that the folder can be moved
layers/<volume>.<n>.qcow2           frozen content of a volume that others were linked to
layers/<volume>.<layer>.qcow2       content that a volume once had, for a snapshot
pins/<volume>.<layer>               that layer is kept, though no volume may stand on it
images/<image>/manifest.json        with disk.qcow2 or disk.iso, perhaps kernel and initrd
staging/<image>/                    uploads and built files
work/<token>/                       of running operations
lock                                held for the moment in which something becomes visible or goes
"""

from __future__ import annotations

import json
from pathlib import Path

from altus.common.errors import Conflict, Failed, Unavailable
from altus.common.ids import check_id, is_id
from altus.drivers.storage.directory.files import FOLDER_MODE, sync

MARKER = "altus-repository.json"
VERSION = 1

_FOREIGN_OK = {"lost+found", f".{MARKER}"}


class Layout:
    """Paths below `root`, which is absolute."""

    def __init__(self, root: Path, storage_id: str) -> None:
        self.root = root.absolute()
        self.storage_id = check_id(storage_id)
        self.volumes = self.root / "volumes"
        self.layers = self.root / "layers"
        self.pins = self.root / "pins"
        self.images = self.root / "images"
        self.stagings = self.root / "staging"
        self.work = self.root / "work"
        self.lock = self.root / "lock"

    def volume(self, volume_id: str) -> Path:
        """A volume's file."""
        return self.volumes / f"{check_id(volume_id)}.qcow2"

    def volume_at(self, path: Path) -> str | None:
        """Of which volume this would be the file; None for other paths."""
        if path.parent != self.volumes or path.suffix != ".qcow2" or not is_id(path.stem):
            return None
        return path.stem

    def sign(self) -> str:
        """When a file of a volume or an image came or went; the folder may be away."""
        return " ".join(_changed(folder) for folder in (self.volumes, self.layers, self.images))

    def layer(self, volume_id: str, number: int) -> Path:
        """The n-th layer that was frozen to link this volume."""
        return self.layers / f"{check_id(volume_id)}.{number}.qcow2"

    def kept(self, volume_id: str, layer_id: str) -> Path:
        """A layer of a volume that is there for a snapshot."""
        return self.layers / f"{check_id(volume_id)}.{check_id(layer_id)}.qcow2"

    def pin(self, volume_id: str, layer_id: str) -> Path:
        """What keeps that layer."""
        return self.pins / f"{check_id(volume_id)}.{check_id(layer_id)}"

    def kept_at(self, path: Path) -> tuple[str, str] | None:
        """Volume and id of the layer of which this would be the file; None for other paths."""
        volume_id, _, layer_id = path.stem.partition(".")
        fits = path.parent == self.layers and path.suffix == ".qcow2" and is_id(volume_id) and is_id(layer_id)
        return (volume_id, layer_id) if fits else None

    def image(self, image_id: str) -> Path:
        """An image's folder."""
        return self.images / check_id(image_id)

    def disk(self, image_id: str) -> Path:
        """An image's disk."""
        return self.image(image_id) / "disk.qcow2"

    def iso(self, image_id: str) -> Path:
        """An image's file if it is an ISO."""
        return self.image(image_id) / "disk.iso"

    def manifest(self, image_id: str) -> Path:
        """What makes an image's folder an image."""
        return self.image(image_id) / "manifest.json"

    def staging(self, image_id: str) -> Path:
        """The folder of files staged for an image."""
        return self.stagings / check_id(image_id)

    def initialise(self) -> None:
        """Make the folder be this repository; it must be empty or be so already (`Conflict`, `storage.not_empty`)."""
        self.root.mkdir(parents=True, exist_ok=True)
        marker = self.root / MARKER
        if not marker.exists():
            if foreign := {path.name for path in self.root.iterdir()} - _FOREIGN_OK:
                raise Conflict(
                    f"The folder {self.root} is not empty: {', '.join(sorted(foreign)[:5])}.",
                    code="storage.not_empty",
                    hint="Give the repository a folder of its own.",
                )
            draft = self.root / f".{MARKER}"
            draft.write_text(json.dumps({"version": VERSION, "id": self.storage_id}) + "\n")
            sync(draft)
            draft.rename(marker)
            sync(self.root)
        self.check()

    def check(self) -> None:
        """`Unavailable` (`storage.unavailable`) unless this very repository is what the folder holds."""
        marker = self.root / MARKER
        try:
            found = json.loads(marker.read_text())
            version, owner = found["version"], found["id"]
        except FileNotFoundError as error:
            raise Unavailable(
                f"There is no repository in {self.root}.",
                code="storage.unavailable",
                hint="Is its file system mounted?",
            ) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Unavailable(f"{marker} cannot be read: {error}", code="storage.unavailable") from error
        if owner != self.storage_id:
            raise Unavailable(
                f"The folder {self.root} holds repository {owner}, not {self.storage_id}.",
                code="storage.unavailable",
                hint="Is the right file system mounted?",
            )
        if version != VERSION:
            raise Failed(f"Repository version {version!r} is not known here.", code="storage.version")

    def prepare(self) -> None:
        """Make the folders that are missing, with their permissions."""
        self.root.chmod(FOLDER_MODE)
        for folder in (self.volumes, self.layers, self.images):
            folder.mkdir(exist_ok=True)
            folder.chmod(FOLDER_MODE)
        for folder in (self.pins, self.stagings, self.work):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700)

    def relative(self, path: Path) -> str:
        """How a file in `volumes` or `layers` names `path` as its backing file."""
        return f"../{path.relative_to(self.root)}"


def _changed(folder: Path) -> str:
    try:
        return str(folder.stat().st_mtime_ns)
    except OSError:
        return "away"
