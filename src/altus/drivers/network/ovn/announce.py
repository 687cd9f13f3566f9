"""Tells everybody on a network who answers for an address from now on."""

from __future__ import annotations

import logging
import socket
import struct
from ipaddress import IPv4Address
from pathlib import Path

_log = logging.getLogger(__name__)
_BROADCAST = b"\xff" * 6
_ARP, _ETHERNET, _IPV4, _REQUEST = 0x0806, 1, 0x0800, 1


def announcement(mac: bytes, address: str) -> bytes:
    """A gratuitous ARP request (RFC 5227): who knows the address already takes the new MAC."""
    own = IPv4Address(address).packed
    arp = struct.pack("!HHBBH", _ETHERNET, _IPV4, len(mac), len(own), _REQUEST) + mac + own + bytes(6) + own
    return _BROADCAST + mac + struct.pack("!H", _ARP) + arp


def announce(device: str, address: str) -> None:
    """Send it by the device. That it cannot be sent is no failure: neighbours ask again within a minute."""
    try:
        mac = bytes.fromhex(Path(f"/sys/class/net/{device}/address").read_text().strip().replace(":", ""))
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind((device, 0))
            sock.send(announcement(mac, address))
    except (OSError, ValueError) as error:
        _log.warning("%s could not be announced by %s: %s", address, device, error)
