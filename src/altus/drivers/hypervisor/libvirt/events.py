"""Libvirt's domain events as ours, with a fresh observation in each."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import libvirt

from altus.common.errors import AltusError, NotFound, Unavailable
from altus.drivers.hypervisor.libvirt.observe import is_ours
from altus.model.vm import GuestFacts, VmEvent, VmEventKind, VmObservation

_REASONS = {
    libvirt.VIR_DOMAIN_EVENT_DEFINED: "defined",
    libvirt.VIR_DOMAIN_EVENT_UNDEFINED: "undefined",
    libvirt.VIR_DOMAIN_EVENT_STARTED: "started",
    libvirt.VIR_DOMAIN_EVENT_SUSPENDED: "paused",
    libvirt.VIR_DOMAIN_EVENT_RESUMED: "resumed",
    libvirt.VIR_DOMAIN_EVENT_STOPPED: "stopped",
    libvirt.VIR_DOMAIN_EVENT_SHUTDOWN: "shutting down",
    libvirt.VIR_DOMAIN_EVENT_PMSUSPENDED: "put itself to sleep",
    libvirt.VIR_DOMAIN_EVENT_CRASHED: "guest crashed",
}
_STOP_REASONS = {
    libvirt.VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN: "powered off by its guest",
    libvirt.VIR_DOMAIN_EVENT_STOPPED_DESTROYED: "power cut",
    libvirt.VIR_DOMAIN_EVENT_STOPPED_CRASHED: "crashed",
    libvirt.VIR_DOMAIN_EVENT_STOPPED_SAVED: "suspended",
    libvirt.VIR_DOMAIN_EVENT_STOPPED_FAILED: "crashed",
}
_AGENT_REASONS = {
    libvirt.VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED: "guest agent connected",
    libvirt.VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_DISCONNECTED: "guest agent gone",
}
AGENT_CONNECTED = _AGENT_REASONS[libvirt.VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED]

Happened = tuple[str, str, GuestFacts | None]
"""VM id, reason, guest facts if they were asked for."""


class EventHub:
    """Takes libvirt's callbacks and hands them to all subscribers."""

    def __init__(
        self,
        *,
        connect: Callable[[], Awaitable[object]],
        observe: Callable[[str], Awaitable[VmObservation | None]],
        ask_guest: Callable[[str], Awaitable[GuestFacts | None]],
        started: Callable[[str], object],
    ) -> None:
        self._connect = connect
        self._observe = observe
        self._ask_guest = ask_guest
        self._started = started
        self._subscribers: set[asyncio.Queue[Happened | None]] = set()
        self._asking: set[asyncio.Task[None]] = set()
        self.heard = 0
        """Events of all domains, whoever's."""

    def register(self, connection: libvirt.virConnect, loop: asyncio.AbstractEventLoop) -> None:
        """In a worker thread: ask libvirt for events of all domains."""

        def happened(domain: libvirt.virDomain, reason: str, *, started: bool = False) -> None:
            self.heard += 1
            if is_ours(domain):
                with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens
                    loop.call_soon_threadsafe(self._arrived, str(domain.UUIDString()), reason, started)

        def lifecycle(_conn: Any, domain: libvirt.virDomain, event: int, detail: int, _opaque: Any) -> None:
            stopped = event == libvirt.VIR_DOMAIN_EVENT_STOPPED
            reason = _STOP_REASONS.get(detail, "stopped") if stopped else _REASONS.get(event, "changed")
            happened(domain, reason, started=event == libvirt.VIR_DOMAIN_EVENT_STARTED)

        def agent(_conn: Any, domain: libvirt.virDomain, state: int, _reason: int, _opaque: Any) -> None:
            happened(domain, _AGENT_REASONS.get(state, "guest agent changed"))

        def reboot(_conn: Any, domain: libvirt.virDomain, _opaque: Any) -> None:
            happened(domain, "restarted by its guest")

        for event, callback in (
            (libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lifecycle),
            (libvirt.VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, agent),
            (libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, reboot),
        ):
            connection.domainEventRegisterAny(None, event, callback, None)

    def subscribe(self) -> AsyncIterator[VmEvent]:
        """Events from now on, until `end`."""
        queue: asyncio.Queue[Happened | None] = asyncio.Queue()
        self._subscribers.add(queue)
        return self._events(queue)

    def end(self) -> None:
        """The connection is gone: every subscription ends after what it has already."""
        for queue in self._subscribers:
            queue.put_nowait(None)
        self._subscribers.clear()
        for task in self._asking:
            task.cancel()

    def tell(self, vm_id: str, reason: str) -> None:
        """Something happened that libvirt itself does not tell."""
        self._tell((vm_id, reason, None))

    def _arrived(self, vm_id: str, reason: str, started: bool) -> None:
        if started:
            self._started(vm_id)
        self._tell((vm_id, reason, None))
        if reason == AGENT_CONNECTED and self._subscribers:
            task = asyncio.ensure_future(self._tell_guest(vm_id))  # it takes its time; other events must not wait
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    def _tell(self, happened: Happened) -> None:
        for queue in self._subscribers:
            queue.put_nowait(happened)

    async def _tell_guest(self, vm_id: str) -> None:
        with contextlib.suppress(AltusError):  # it is gone again: its own event says so
            facts = await self._ask_guest(vm_id)
            if facts is not None:
                self._tell((vm_id, "guest facts", facts))

    async def _events(self, queue: asyncio.Queue[Happened | None]) -> AsyncIterator[VmEvent]:
        try:
            await self._connect()
            while (happened := await queue.get()) is not None:
                try:
                    event = await self._event(*happened)
                except Unavailable:  # lost in this moment
                    return
                yield event
        finally:
            self._subscribers.discard(queue)

    async def _event(self, vm_id: str, reason: str, guest: GuestFacts | None) -> VmEvent:
        try:
            seen = await self._observe(vm_id)
        except NotFound:
            seen = None
        if seen is None:
            return VmEvent(kind=VmEventKind.REMOVED, vm_id=vm_id, reason=reason)
        if guest is not None:
            seen = dataclasses.replace(seen, guest=guest)
        return VmEvent(kind=VmEventKind.CHANGED, vm_id=vm_id, reason=reason, observation=seen)
