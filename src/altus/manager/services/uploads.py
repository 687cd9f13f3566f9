"""Image files on their way from a client to the host that stores them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from altus.common.ids import new_id
from altus.manager.agents.pool import AgentPool
from altus.manager.services.images import ImageService
from altus.model.actor import Actor


class UploadService:
    """Streams: nothing of a file stays in the manager."""

    def __init__(self, pool: AgentPool, images: ImageService) -> None:
        self._pool = pool
        self._images = images

    async def offset(self, actor: Actor, reference: str) -> int:
        """How many bytes of the file the host has."""
        image, host_id = await self._images.upload_target(actor, reference)
        return await self._pool.host(host_id).uploaded(image.storage_id, image.id)

    async def send(self, actor: Actor, reference: str, data: AsyncIterator[bytes], offset: int) -> int:
        """Pass on the file, or the rest of it from `offset`; returns how many bytes the host has then."""
        turn = new_id()
        image, host_id = await self._images.upload_target(actor, reference)
        return await self._pool.upload(host_id, image.storage_id, image.id, data, turn=turn, offset=offset)
