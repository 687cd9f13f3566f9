"""Where an OVSDB server is reached, and the certificates for it where that is another machine.

A remote is `unix:PATH`, or `ssl:ADDRESS:PORT` (also `tcp:`, for networks that need no protection), as Open vSwitch
writes them.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from ovs.stream import Stream

from altus.common.pki import client_context


@dataclass(frozen=True, kw_only=True)
class Tls:
    """Files (PEM) by which this host shows who it is and knows who may answer."""

    key: Path
    certificate: Path
    ca: Path

    def use(self) -> None:
        """For all connections of this process: the library has one setting for all."""
        Stream.ssl_set_private_key_file(str(self.key))
        Stream.ssl_set_certificate_file(str(self.certificate))
        Stream.ssl_set_ca_cert_file(str(self.ca))


async def connect(remote: str, tls: Tls | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection of our own; `OSError` if nobody answers. With TLS the server must have the name it is called by."""
    kind, _, place = remote.partition(":")
    if kind == "unix":
        return await asyncio.open_unix_connection(place)
    host, _, port = place.rpartition(":")
    context = None
    if kind == "ssl":
        if tls is None:
            raise OSError("there is no certificate for it: give key, certificate and CA")
        context = await asyncio.to_thread(client_context, tls.ca, tls.certificate, tls.key)
    return await asyncio.open_connection(host.strip("[]"), int(port), ssl=context)
