"""Routes for uploads: bytes into an image's staging folder, resumable at any offset that is on disk."""

from __future__ import annotations

import asyncio
import errno
import os
from collections import OrderedDict
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from altus.agent.drivers import HostDrivers
from altus.agent.http import CORE, id_in, number
from altus.agent.lanes import Lanes
from altus.common.errors import Conflict, LimitExceeded, Unavailable
from altus.common.ids import check_id
from altus.wire.agent import UploadState

_CHUNK = 1 << 20
_SILENCE = 60.0
_REMEMBERED = 1000
"""Images whose latest turn is known; an upload that others of so many images have passed is long dead."""
_FILE = "upload"


class Uploads:
    """At most one upload per image: a new one takes over from an older one, whose sender may have died unnoticed.

    Which one is newer is told by `turn`, an id (UUIDv7) that the manager gives each upload when it is asked for: what
    is left of an old one may arrive at the host behind the new one, and must not write over it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._running: dict[str, asyncio.Task[None]] = {}
        self._latest: OrderedDict[str, str] = OrderedDict()
        self._lanes = Lanes()

    def routes(self) -> list[web.RouteDef]:
        """PUT, GET and DELETE of an upload."""
        path = "/v1/storages/{storage}/images/{image}/upload"
        return [web.put(path, self.put), web.get(path, self.state), web.delete(path, self.delete)]

    async def put(self, request: web.Request) -> web.StreamResponse:
        """Write the body from `offset` on; what was there beyond is dropped. Answers how much is on disk."""
        image, turn = id_in(request, "image"), check_id(request.query.get("turn", ""))
        offset = number(request.query.get("offset", "0"), "The offset")
        path = await self._path(request)
        await self._require_room(request.app[CORE].drivers, request, offset)
        self._take_over(image, turn)
        async with self._lanes.hold(image):
            self._require_latest(image, turn)
            work = asyncio.create_task(self._receive(request, path, offset))
            self._running[image] = work
            try:
                await asyncio.shield(work)
            except asyncio.CancelledError:
                if work.cancelled():
                    raise _taken_over() from None
                raise
            finally:
                if self._running.get(image) is work:
                    del self._running[image]
            return await self.state(request)

    async def state(self, request: web.Request) -> web.StreamResponse:
        """How much is on disk."""
        path = await self._path(request)
        return web.json_response(UploadState(offset=await asyncio.to_thread(_size, path)).model_dump())

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Drop it; missing is success."""
        image = id_in(request, "image")
        self._stop(image)
        async with self._lanes.hold(image):
            path = await self._path(request)
            await asyncio.to_thread(path.unlink, missing_ok=True)
        return web.json_response(UploadState(offset=0).model_dump())

    async def _path(self, request: web.Request) -> Path:
        storage = request.app[CORE].drivers.storage(id_in(request, "storage"))
        return await asyncio.to_thread(storage.staging, id_in(request, "image")) / _FILE

    async def _require_room(self, host: HostDrivers, request: web.Request, offset: int) -> None:
        coming = request.content_length or 0
        if offset + coming > self._limit:
            raise self._too_large()
        available = (await host.storage(request.match_info["storage"]).usage()).available
        if coming > available:
            raise LimitExceeded(f"The upload needs {coming} bytes and the storage has {available} left.",
                                code="storage.full", hint="Delete what is not needed.")  # fmt: skip

    def _take_over(self, image: str, turn: str) -> None:
        self._require_latest(image, turn)
        self._latest[image] = turn
        self._latest.move_to_end(image)
        while len(self._latest) > _REMEMBERED:
            self._latest.popitem(last=False)
        self._stop(image)

    def _require_latest(self, image: str, turn: str) -> None:
        if turn < self._latest.get(image, ""):
            raise _taken_over()

    def _stop(self, image: str) -> None:
        if (running := self._running.get(image)) is not None:
            running.cancel()

    async def _receive(self, request: web.Request, path: Path, offset: int) -> None:
        handle = await asyncio.to_thread(_open_at, path, offset)
        try:
            async for chunk in _chunks(request):
                offset += len(chunk)
                if offset > self._limit:
                    raise self._too_large()
                await asyncio.to_thread(_write_all, handle, chunk)
            await asyncio.to_thread(os.fsync, handle)
        finally:
            os.close(handle)

    def _too_large(self) -> LimitExceeded:
        return LimitExceeded(f"Uploads may have at most {self._limit} bytes.", code="upload.too_large")


async def _chunks(request: web.Request) -> AsyncIterator[bytes]:
    while not request.content.at_eof():
        try:
            chunk = await asyncio.wait_for(request.content.read(_CHUNK), _SILENCE)
        except (TimeoutError, ConnectionResetError) as error:
            raise Unavailable("The upload has stopped.", code="upload.stalled", hint="Go on with it.") from error
        if chunk:
            yield chunk


def _taken_over() -> Conflict:
    return Conflict("Another upload of this image has begun.", code="upload.taken_over")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _open_at(path: Path, offset: int) -> int:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    size = os.fstat(handle).st_size
    if offset > size:
        os.close(handle)
        raise Conflict(f"Only {size} bytes are there, so the upload cannot go on at {offset}.", code="upload.offset",
                       hint=f"Go on at {size}.", offset=size)  # fmt: skip
    os.ftruncate(handle, offset)
    os.lseek(handle, offset, os.SEEK_SET)
    return handle


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(handle, view) :]
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise LimitExceeded("The storage is full: the upload could not go on.", code="storage.full",
                            hint="Delete what is not needed, then go on with the upload.") from error  # fmt: skip
