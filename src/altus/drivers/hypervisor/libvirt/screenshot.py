"""The display as a picture. Blocking: run it in a worker thread."""

from __future__ import annotations

import libvirt

from altus.drivers.hypervisor.libvirt.errors import not_running
from altus.drivers.hypervisor.png import png_from_ppm

_PNG = b"\x89PNG\r\n"
_CHUNK = 256 * 1024


def take(domain: libvirt.virDomain) -> bytes:
    """`virDomainScreenshot` of the first screen; QEMU gives PPM or, where it is newer, PNG."""
    if not domain.isActive():
        raise not_running(domain.UUIDString())
    stream = domain.connect().newStream(0)
    domain.screenshot(stream, 0, 0)
    data = bytearray()
    while chunk := stream.recv(_CHUNK):
        data += chunk
    stream.finish()
    return bytes(data) if data.startswith(_PNG) else png_from_ppm(bytes(data))
