"""The fake repository's memory: two tables, and a file to which each change is appended as one JSON line.

The newest line about an id counts. A process killed while it writes leaves at most half a line at the end, which is a
change that did not happen.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from altus.model.image import ImageFacts, ImageFormat
from altus.model.volume import BaseKind, VolumeBase, VolumeFacts

_SLACK = 1000
"""Lines beyond twice the living ones before the file is written anew at opening."""


@dataclass(frozen=True, kw_only=True)
class FakeLayer:
    """What a volume once held; `below` is the layer it stands on."""

    id: str
    size: int
    allocation: int
    below: str = ""
    kept: bool = True


@dataclass(frozen=True, kw_only=True)
class FakeVolume:
    """A volume, and the image that it needs, directly or through linked volumes; empty for none. `below` is that one of
    its `layers` on which it stands."""

    facts: VolumeFacts
    image: str = ""
    below: str = ""
    layers: tuple[FakeLayer, ...] = ()

    @property
    def taken(self) -> int:
        """Bytes, with its layers."""
        return self.facts.allocation + sum(layer.allocation for layer in self.layers)


class Journal:
    """The tables `volumes` and `images`, the bytes they take (`used`), and the file."""

    def __init__(self, path: Path | None, keeper: tempfile.TemporaryDirectory[str] | None) -> None:
        self.volumes: dict[str, FakeVolume] = {}
        self.images: dict[str, ImageFacts] = {}
        self.used = 0
        self._keeper = keeper
        self._file = None
        if path is not None:
            lines = self._replay(path)
            if lines > 2 * (len(self.volumes) + len(self.images)) + _SLACK:
                self._rewrite(path)
            self._file = path.open("ab", buffering=0)

    def put_volume(self, volume: FakeVolume) -> None:
        """Add or replace."""
        self._apply_volume(volume.facts.id, volume)
        self._append(_volume_line(volume))

    def put_image(self, facts: ImageFacts) -> None:
        """Add or replace."""
        self._apply_image(facts.id, facts)
        self._append(_image_line(facts))

    def drop_volume(self, volume_id: str) -> None:
        """Remove; missing is fine."""
        if volume_id in self.volumes:
            self._apply_volume(volume_id, None)
            self._append({"volume": volume_id})

    def drop_image(self, image_id: str) -> None:
        """Remove; missing is fine."""
        if image_id in self.images:
            self._apply_image(image_id, None)
            self._append({"image": image_id})

    def _apply_volume(self, volume_id: str, volume: FakeVolume | None) -> None:
        if old := self.volumes.pop(volume_id, None):
            self.used -= old.taken
        if volume is not None:
            self.volumes[volume_id] = volume
            self.used += volume.taken

    def _apply_image(self, image_id: str, facts: ImageFacts | None) -> None:
        if old := self.images.pop(image_id, None):
            self.used -= old.file_size
        if facts is not None:
            self.images[image_id] = facts
            self.used += facts.file_size

    def _append(self, entry: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(_encode(entry))

    def _replay(self, path: Path) -> int:
        if not path.exists():
            return 0
        whole, end, _ = path.read_bytes().rpartition(b"\n")
        with path.open("r+b") as file:
            file.truncate(len(whole) + len(end))
        lines = whole.splitlines()
        for line in lines:
            self._apply(json.loads(line))
        return len(lines)

    def _apply(self, entry: dict[str, Any]) -> None:
        facts = entry.get("facts")
        if "image" in entry:
            kind = ImageFormat(facts["source_format"]) if facts else None
            self._apply_image(entry["image"], ImageFacts(**{**facts, "source_format": kind}) if facts else None)
            return
        if facts and (base := facts["base"]):
            facts["base"] = VolumeBase(**{**base, "kind": BaseKind(base["kind"])})
        volume = None
        if facts:
            layers = tuple(FakeLayer(**layer) for layer in entry.get("layers", ()))
            volume = FakeVolume(facts=VolumeFacts(**facts), image=entry["needs"], below=entry.get("below", ""),
                                layers=layers)  # fmt: skip
        self._apply_volume(entry["volume"], volume)

    def _rewrite(self, path: Path) -> None:
        draft = path.with_suffix(".new")
        entries = [*map(_image_line, self.images.values()), *map(_volume_line, self.volumes.values())]
        draft.write_bytes(b"".join(map(_encode, entries)))
        draft.rename(path)


def _volume_line(volume: FakeVolume) -> dict[str, Any]:
    line: dict[str, Any] = {"volume": volume.facts.id, "needs": volume.image, "facts": dataclasses.asdict(volume.facts)}
    if volume.layers:
        line |= {"below": volume.below, "layers": [dataclasses.asdict(layer) for layer in volume.layers]}
    return line


def _image_line(facts: ImageFacts) -> dict[str, Any]:
    return {"image": facts.id, "facts": dataclasses.asdict(facts)}


def _encode(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry).encode() + b"\n"
