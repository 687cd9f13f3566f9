"""Images: built, uploaded, deleted."""

from __future__ import annotations

from pathlib import Path

from altus.sdk.changes import Change
from altus.sdk.resources import Resources
from altus.sdk.shapes import read
from altus.sdk.upload import OnBytes, arrived, upload
from altus.wire.resources import ImageBuild, ImageCreate, ImageView


class Images(Resources[ImageView]):
    """`/images`."""

    path = "/images"
    view = ImageView

    async def begin(self, body: ImageCreate) -> ImageView:
        """Reserve the name of an image whose file is to be uploaded."""
        return read(ImageView, (await self._transport.call("POST", self.path, body=body)).body)

    async def arrived(self, image: str) -> int:
        """How many bytes of an upload the host has."""
        return await arrived(self._transport, self._one(image, "upload"))

    async def upload(self, image: str, source: Path, on_bytes: OnBytes | None = None) -> int:
        """Send the file of an image that was begun, going on where an earlier attempt ended; returns how many bytes
        there are then. `on_bytes(sent, size)` is told how far it is."""
        return await upload(self._transport, self._one(image, "upload"), source, on_bytes)

    def finish(self, image: str) -> Change:
        """The file is complete: have it checked, converted and stored."""
        return self._change("POST", self._one(image, "finish"))

    def build(self, body: ImageBuild) -> Change:
        """Build one of Altus' own images."""
        return self._change("POST", f"{self.path}/build", body)

    def delete(self, image: str) -> Change:
        """Remove one that nobody needs, or an upload that was begun."""
        return self._change("DELETE", self._one(image))
