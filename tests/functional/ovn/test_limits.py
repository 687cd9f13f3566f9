"""How fast NICs may be, by what arrives (row N7)."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import replace

import pytest

from altus.model.network import NetworkKind, NicLimit
from tests.functional.ovn.lab import Guest, Lab, until

pytestmark = pytest.mark.functional

_PORT, _SIZE = 9, 1200
_SECONDS = 2.0


async def _arrives(sender: Guest, receiver: Guest, offered: int) -> float:
    """Send UDP at the rate `offered` (kbit/s) for a while; how much arrived, in kbit/s of whole frames."""
    ear = receiver.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ear.bind((receiver.port.address, _PORT))
    mouth = sender.socket(socket.AF_INET, socket.SOCK_DGRAM)
    mouth.connect((receiver.port.address, _PORT))
    heard = sent = 0
    began = time.monotonic()
    while (now := time.monotonic() - began) < _SECONDS:
        while sent * _bits() < offered * now:
            mouth.send(bytes(_SIZE))
            sent += 1
        heard += _drain(ear)
        await asyncio.sleep(0.002)
    await asyncio.sleep(0.1)
    heard += _drain(ear)
    mouth.close()
    ear.close()
    return heard * _bits() / _SECONDS


def _bits() -> float:
    """Of a frame, in kbit: data, UDP, IPv4, Ethernet."""
    return (_SIZE + 8 + 20 + 14) * 8 / 1000


def _drain(ear: socket.socket) -> int:
    count = 0
    while True:
        try:
            ear.recv(2048)
        except BlockingIOError:
            return count
        count += 1


@pytest.mark.parametrize("way", ["limit_in", "limit_out"])
async def test_a_nic_is_as_fast_as_its_limit_while_it_runs(lab: Lab, way: str) -> None:
    network = await lab.network("10.30.0.0/24", NetworkKind.ISOLATED)
    sender, receiver = await lab.guest(network, 2), await lab.guest(network, 3)
    await sender.reaches(receiver.port.address)
    limited = receiver if way == "limit_in" else sender
    for rate in (2_000, 5_000):
        limit = NicLimit(rate=rate, burst=rate // 10)
        await lab.driver.ensure_port(replace(limited.port, **{way: limit}))  # type: ignore[arg-type]

        async def held(rate: int = rate) -> bool:
            return abs(await _arrives(sender, receiver, 2 * rate) / rate - 1) < 0.1

        await until(held, f"{rate} kbit/s arrive", 60)
    await lab.driver.ensure_port(limited.port)

    async def free() -> bool:
        return await _arrives(sender, receiver, 10_000) > 9_000

    await until(free, "all arrives again", 60)
