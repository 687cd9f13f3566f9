"""Routers between networks."""

from __future__ import annotations

from altus.sdk.changes import Change
from altus.sdk.resources import Resources
from altus.wire.routers import RouterCreate, RouterMember, RouterView


class Routers(Resources[RouterView]):
    """`/routers`."""

    path = "/routers"
    view = RouterView

    def create(self, body: RouterCreate) -> Change:
        """One without networks."""
        return self._change("POST", self.path, body)

    def attach(self, router: str, network: str) -> Change:
        """Put a network on it."""
        return self._change("POST", f"{self._one(router)}/attach", RouterMember(network=network))

    def detach(self, router: str, network: str) -> Change:
        """Take a network off it."""
        return self._change("POST", f"{self._one(router)}/detach", RouterMember(network=network))

    def delete(self, router: str) -> Change:
        """Remove one without networks."""
        return self._change("DELETE", self._one(router))
