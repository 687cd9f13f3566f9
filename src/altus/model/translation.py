"""Translations: what leads packets to an address of the outside to a NIC. Floating addresses and port forwards are both
made of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PortProtocol(StrEnum):
    """Those whose ports can be led elsewhere."""

    TCP = "tcp"
    UDP = "udp"


@dataclass(frozen=True, kw_only=True)
class TranslationSpec:
    """What the network driver needs to know: packets to `address` go to the NIC `port_id`, which has the address
    `inside` on the NAT network, and what it sends leaves with `address`.

    With a `protocol` it is only about packets to the port `port`, which go to `inside_port`, and what the NIC sends by
    itself leaves as before; then `address` may be empty: that of the host by which the network goes out.
    """

    id: str
    network_id: str
    port_id: str
    address: str
    inside: str
    protocol: PortProtocol | None = None
    port: int = 0
    inside_port: int = 0

    @property
    def claim(self) -> tuple[str, str, int]:
        """What no two may have: address, protocol, port."""
        return (self.address, self.protocol or "", self.port)

    @property
    def words(self) -> str:
        """What it does in words, to be compared with what an engine has."""
        if self.protocol is None:
            return f"{self.address} to {self.inside}"
        return f"{self.protocol} {self.address or 'host'}:{self.port} to {self.inside}:{self.inside_port}"
