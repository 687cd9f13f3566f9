"""Which datapath this host has: asked of the kernel, not of files."""

from __future__ import annotations

import socket
import struct

_NETLINK_GENERIC = 16
_CONTROLLER = 0x10
_GET_FAMILY = 3
_ATTRIBUTE_NAME = 2
_REQUEST = 1
_ERROR = 2
_HEADER = struct.Struct("=IHHIIBBH")


def kernel_datapath() -> bool:
    """Whether the kernel forwards for Open vSwitch. `/sys/module` would miss a built-in module."""
    return generic_netlink_family("ovs_datapath")


def generic_netlink_family(name: str) -> bool:
    """Whether the kernel knows this family (linux/genetlink.h); to ask loads the module that has it, if any."""
    text = name.encode() + b"\0"
    payload = struct.pack("=HH", 4 + len(text), _ATTRIBUTE_NAME) + text
    payload += bytes(-len(payload) % 4)
    request = _HEADER.pack(_HEADER.size + len(payload), _CONTROLLER, _REQUEST, 1, 0, _GET_FAMILY, 1, 0) + payload
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_GENERIC) as netlink:
        netlink.settimeout(5)
        netlink.bind((0, 0))
        netlink.send(request)
        answer = netlink.recv(65536)
    kind: int = struct.unpack_from("=H", answer, 4)[0]
    return kind != _ERROR
