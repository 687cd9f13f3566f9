"""Networks."""

from __future__ import annotations

from altus.sdk.changes import Change
from altus.sdk.resources import Resources
from altus.wire.resources import NetworkCreate, NetworkView


class Networks(Resources[NetworkView]):
    """`/networks`."""

    path = "/networks"
    view = NetworkView

    def create(self, body: NetworkCreate) -> Change:
        """A network with DHCP."""
        return self._change("POST", self.path, body)

    def delete(self, network: str) -> Change:
        """Remove one that nobody uses."""
        return self._change("DELETE", self._one(network))
