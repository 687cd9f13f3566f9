"""Floating addresses."""

from __future__ import annotations

from altus.sdk.changes import Change
from altus.sdk.resources import Resources
from altus.wire.floating_ips import FloatingIpAttach, FloatingIpCreate, FloatingIpView


class FloatingIps(Resources[FloatingIpView]):
    """`/floating-ips`."""

    path = "/floating-ips"
    view = FloatingIpView

    def create(self, body: FloatingIpCreate) -> Change:
        """An address of the outside."""
        return self._change("POST", self.path, body)

    def attach(self, floating_ip: str, body: FloatingIpAttach) -> Change:
        """Lead it to a NIC of a VM."""
        return self._change("POST", f"{self._one(floating_ip)}/attach", body)

    def detach(self, floating_ip: str) -> Change:
        """Lead it nowhere."""
        return self._change("POST", f"{self._one(floating_ip)}/detach")

    def delete(self, floating_ip: str) -> Change:
        """Give one back that leads nowhere."""
        return self._change("DELETE", self._one(floating_ip))
