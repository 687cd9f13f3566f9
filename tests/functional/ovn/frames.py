"""Ethernet frames made by hand, and sockets that send and hear them."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterable

from tests.functional.ovn.lab import Namespace

BROADCAST = "ff:ff:ff:ff:ff:ff"
_ALL = 0x0003  # ETH_P_ALL
_IPV4, _ARP, _IPV6 = 0x0800, 0x0806, 0x86DD


def udp(source: tuple[str, str, int], target: tuple[str, str, int], payload: bytes) -> bytes:
    """A UDP packet from (MAC, address, port) to (MAC, address, port); no UDP checksum, which IPv4 allows."""
    body = struct.pack("!HHHH", source[2], target[2], 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, 64, 17, 0,
                       socket.inet_aton(source[1]), socket.inet_aton(target[1]))  # fmt: skip
    head = head[:10] + struct.pack("!H", _checksum(head)) + head[12:]
    return _ethernet(source[0], target[0], _IPV4) + head + body


def arp_reply(sender: str, claimed: tuple[str, str], target: tuple[str, str]) -> bytes:
    """From MAC `sender`: "the address claimed[1] is at claimed[0]"."""
    body = struct.pack("!HHBBH6s4s6s4s", 1, _IPV4, 6, 4, 2, _mac(claimed[0]), socket.inet_aton(claimed[1]),
                       _mac(target[0]), socket.inet_aton(target[1]))  # fmt: skip
    return _ethernet(sender, target[0], _ARP) + body


def router_advertisement(sender: str) -> bytes:
    """IPv6: "I am your router", to all nodes."""
    source, target = socket.inet_pton(socket.AF_INET6, "fe80::bad"), socket.inet_pton(socket.AF_INET6, "ff02::1")
    body = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
    total = _checksum(source + target + struct.pack("!II", len(body), 58) + body)
    body = body[:2] + struct.pack("!H", total) + body[4:]
    head = struct.pack("!IHBB", 0x60000000, len(body), 58, 255) + source + target
    return _ethernet(sender, "33:33:00:00:00:01", _IPV6) + head + body


class Wire:
    """Raw access to a namespace's eth0. `foreign` frames only: what the namespace itself sends is not heard."""

    def __init__(self, where: Namespace) -> None:
        self._socket = where.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
        self._socket.bind(("eth0", _ALL))

    def send(self, frame: bytes) -> None:
        """Send one frame as it is."""
        self._socket.send(frame.ljust(60, b"\0"))

    async def heard_until(self, last: bytes, seconds: float = 5.0) -> list[bytes]:
        """Everything that came from others, up to and without the frame that contains `last`."""
        heard: list[bytes] = []
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(seconds):
            while True:
                await _readable(loop, self._socket)
                frame, origin = self._socket.recvfrom(65536)
                if origin[2] == socket.PACKET_OUTGOING:
                    continue
                if last in frame:
                    return heard
                heard.append(frame)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def containing(frames: Iterable[bytes], part: bytes) -> list[bytes]:
    """Those frames with these bytes in them."""
    return [frame for frame in frames if part in frame]


async def _readable(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
    ready = loop.create_future()
    loop.add_reader(sock, ready.set_result, None)
    try:
        await ready
    finally:
        loop.remove_reader(sock)


def _ethernet(source: str, target: str, kind: int) -> bytes:
    return _mac(target) + _mac(source) + struct.pack("!H", kind)


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def _checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
