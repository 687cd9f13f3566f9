"""Translations: what leads packets to an address of the outside to a NIC. Floating addresses and port forwards are both
made of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TranslationSpec:
    """What the network driver needs to know: packets to `address` go to the NIC `port_id`, which has the address
    `inside` on the NAT network, and what it sends leaves with `address`."""

    id: str
    network_id: str
    port_id: str
    address: str
    inside: str

    @property
    def words(self) -> str:
        """What it does in words, to be compared with what an engine has."""
        return f"{self.address} to {self.inside}"
