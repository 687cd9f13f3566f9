"""A database server that is not there, says nothing or something else."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from altus.common.errors import AltusError, Failed, Unavailable
from altus.drivers.network.ovn.database import Database

_TABLES = {"Logical_Switch": ("name",)}


@contextlib.asynccontextmanager
async def _server(path: Path, answer: bytes | None) -> AsyncIterator[None]:
    """Answers every request by `answer` and hangs up, or never if that is None."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if answer is None:
            await reader.read()
        else:
            await reader.readuntil(b"}")
            writer.write(answer)
        writer.close()

    async with await asyncio.start_unix_server(serve, path):
        yield


async def _error(path: Path) -> tuple[AltusError, float]:
    database = Database(f"unix:{path}", "OVN_Northbound", _TABLES, timeout=0.5)
    start = time.monotonic()
    with pytest.raises(AltusError) as error:
        await database.run(lambda rows: list(rows.all("Logical_Switch")))
    await database.close()
    await database.close()
    return error.value, time.monotonic() - start


async def test_nobody_there(tmp_path: Path) -> None:
    error, seconds = await _error(tmp_path / "missing.sock")
    assert isinstance(error, Unavailable)
    assert error.code == "network.unavailable"
    assert seconds < 1


async def test_a_dead_socket(tmp_path: Path) -> None:
    async with _server(tmp_path / "s", b""):
        pass
    error, _ = await _error(tmp_path / "s")
    assert isinstance(error, Unavailable)


async def test_a_mute_server(tmp_path: Path) -> None:
    async with _server(tmp_path / "s", None):
        error, seconds = await _error(tmp_path / "s")
    assert isinstance(error, Unavailable)
    assert seconds < 5


@pytest.mark.parametrize("answer", [b"", b'{"result": {"na'])
async def test_a_server_that_hangs_up(tmp_path: Path, answer: bytes) -> None:
    async with _server(tmp_path / "s", answer):
        error, _ = await _error(tmp_path / "s")
    assert isinstance(error, Unavailable)


async def test_a_server_of_other_databases(tmp_path: Path) -> None:
    async with _server(tmp_path / "s", b'{"id":0,"result":null,"error":{"error":"unknown database"}}'):
        error, _ = await _error(tmp_path / "s")
    assert isinstance(error, Failed)
    assert error.code == "network.schema_missing"
