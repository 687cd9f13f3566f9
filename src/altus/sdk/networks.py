"""Networks."""

from __future__ import annotations

from altus.sdk.changes import Change
from altus.sdk.resources import Resources
from altus.sdk.shapes import read
from altus.wire.network_trace import NetworkAnswer, NetworkQuestion
from altus.wire.resources import NetworkCreate, NetworkView


class Networks(Resources[NetworkView]):
    """`/networks`."""

    path = "/networks"
    view = NetworkView

    def create(self, body: NetworkCreate) -> Change:
        """A network with DHCP."""
        return self._change("POST", self.path, body)

    async def explain(self, question: NetworkQuestion) -> NetworkAnswer:
        """Whether a packet would pass, and what decides it."""
        answer = await self._transport.call("POST", f"{self.path}/explain", body=question, repeat=True)
        return read(NetworkAnswer, answer.body)

    def delete(self, network: str) -> Change:
        """Remove one that nobody uses."""
        return self._change("DELETE", self._one(network))
