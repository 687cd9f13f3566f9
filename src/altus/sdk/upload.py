"""Uploads that survive lost connections: what has arrived is asked for, and sent is only the rest."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import BinaryIO

import aiohttp

from altus.common.errors import Conflict, InvalidInput, Unavailable
from altus.sdk.shapes import read
from altus.sdk.transport import Transport, connection_error
from altus.wire.agent import UploadState

OnBytes = Callable[[int, int], None]
_CHUNK = 1024 * 1024
_PAUSE = 0.5
_SILENCE = 600.0


async def upload(transport: Transport, path: str, source: Path, on_bytes: OnBytes | None = None) -> int:
    """Send a file. It is given up when nothing more arrives for as long as the transport is patient; `InvalidInput`
    (`upload.file`) if the file cannot be read, `Conflict` (`upload.differs`) if more is there than the file has."""
    with _opened(source) as file:
        size = os.fstat(file.fileno()).st_size
        offset, progress = await arrived(transport, path), time.monotonic()
        while True:
            if offset > size:
                raise Conflict(f"{offset} bytes have arrived, but {source} has only {size}.", code="upload.differs",
                               hint="Delete the image and begin again.")  # fmt: skip
            if on_bytes is not None:
                on_bytes(offset, size)
            if offset == size:
                return size
            try:
                offset = await _send(transport, path, file, offset, on_bytes)
                progress = time.monotonic()
            except (Unavailable, aiohttp.ClientError, TimeoutError) as trouble:
                error = connection_error(trouble, transport.url)
                transport.tell(error)
                await asyncio.sleep(_PAUSE)
                before, offset = offset, await arrived(transport, path)
                progress = time.monotonic() if offset > before else progress
                if time.monotonic() - progress > transport.patience:
                    raise error from trouble


async def arrived(transport: Transport, path: str) -> int:
    """How many bytes the host has."""
    return read(UploadState, (await transport.call("GET", path)).body).offset


async def _send(transport: Transport, path: str, file: BinaryIO, offset: int, on_bytes: OnBytes | None) -> int:
    data = _chunks(file, offset, on_bytes)
    headers = {"Content-Type": "application/octet-stream"}
    async with transport.open("PUT", path, query=[("offset", offset)], data=data, headers=headers,
                              silence=_SILENCE) as response:  # fmt: skip
        return read(UploadState, await response.read()).offset


async def _chunks(file: BinaryIO, offset: int, on_bytes: OnBytes | None) -> AsyncGenerator[bytes, None]:
    size = os.fstat(file.fileno()).st_size
    while chunk := await asyncio.to_thread(os.pread, file.fileno(), _CHUNK, offset):
        yield chunk
        offset += len(chunk)
        if on_bytes is not None:
            on_bytes(offset, size)


def _opened(source: Path) -> BinaryIO:
    try:
        return source.open("rb")
    except OSError as error:
        raise InvalidInput(f"{source} cannot be read: {error.strerror}.", code="upload.file",
                           hint="Give the path of an image file.") from error  # fmt: skip
