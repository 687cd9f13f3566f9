"""Port forwards."""

from __future__ import annotations

from altus.sdk.changes import Change
from altus.sdk.resources import Resources
from altus.wire.forwards import ForwardCreate, ForwardView


class Forwards(Resources[ForwardView]):
    """`/forwards`."""

    path = "/forwards"
    view = ForwardView

    def create(self, body: ForwardCreate) -> Change:
        """Lead a port to a VM."""
        return self._change("POST", self.path, body)

    def delete(self, forward: str) -> Change:
        """Lead it nowhere."""
        return self._change("DELETE", self._one(forward))
