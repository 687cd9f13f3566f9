"""Volumes."""

from __future__ import annotations

from altus.sdk.changes import Change
from altus.sdk.resources import Resources
from altus.wire.resources import VolumeCreate, VolumeResize, VolumeView


class Volumes(Resources[VolumeView]):
    """`/volumes`."""

    path = "/volumes"
    view = VolumeView

    def create(self, body: VolumeCreate) -> Change:
        """A new volume, empty or from an image."""
        return self._change("POST", self.path, body)

    def resize(self, volume: str, body: VolumeResize) -> Change:
        """Grow it."""
        return self._change("POST", self._one(volume, "resize"), body)

    def delete(self, volume: str) -> Change:
        """Remove one that no VM has."""
        return self._change("DELETE", self._one(volume))
