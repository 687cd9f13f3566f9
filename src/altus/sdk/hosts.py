"""Hosts and how they come into the pool."""

from __future__ import annotations

from altus.model.label import Label
from altus.sdk.changes import Change
from altus.sdk.resources import Resources
from altus.sdk.shapes import make, read, read_page
from altus.wire.agent import EnrolledAs, EnrolRequest
from altus.wire.alarms import UnmanagedView
from altus.wire.base import ListView
from altus.wire.hosts import HostEnrol, HostToken
from altus.wire.resources import HostEdit, HostView


class Hosts(Resources[HostView]):
    """`/hosts`."""

    path = "/hosts"
    view = HostView

    async def enrol_token(self, name: str, label: Label = Label.OPEN) -> HostToken:
        """A one-time token for the host that will have this name."""
        body = make(HostEnrol, name=name, label=label)
        return read(HostToken, (await self._transport.call("POST", "/hosts/enrol", body=body)).body)

    async def edit(self, host: str, body: HostEdit) -> HostView:
        """Change what `body` has set."""
        answer = await self._transport.call("PATCH", self._one(host), body=body, repeat=True)
        return read(HostView, answer.body)

    def maintain(self, host: str) -> Change:
        """Maintenance on: it takes no VMs any more, and those that run on it move to other hosts."""
        return self._change("POST", self._one(host, "maintain"))

    def activate(self, host: str) -> Change:
        """Maintenance off."""
        return self._change("POST", self._one(host, "activate"))

    def renew(self, host: str) -> Change:
        """A new key and certificate for the host; its old one is revoked."""
        return self._change("POST", self._one(host, "renew"))

    def remove(self, host: str) -> Change:
        """Take an empty host in maintenance out of the pool."""
        return self._change("DELETE", self._one(host))

    def forget(self, host: str) -> Change:
        """Give up a dead host with all that only it reached."""
        return self._change("POST", self._one(host, "forget"))

    async def unmanaged(self, host: str) -> ListView[UnmanagedView]:
        """Domains there that are no VMs of Altus."""
        return read_page(UnmanagedView, (await self._transport.call("GET", self._one(host, "unmanaged"))).body)

    async def redeem(self, request: EnrolRequest) -> EnrolledAs:
        """What a host does with its token; the same request may be repeated."""
        answer = await self._transport.call("POST", "/enrolments", body=request, repeat=True)
        return read(EnrolledAs, answer.body)
