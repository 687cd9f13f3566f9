"""Consoles: a one-time ticket, redeemed by a WebSocket that is joined to the host's."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp

from altus.common.errors import Conflict, Unauthenticated
from altus.manager.agents.pool import AgentPool
from altus.manager.services.access import digest_of
from altus.manager.services.audit import Act, AuditLog
from altus.manager.services.lookup import visible
from altus.manager.store.database import Database
from altus.manager.store.resources import VM
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.model.vm import Vm
from altus.model.vm_action import VmAction, require
from altus.wire.consoles import ConsoleKind, ConsoleTicket

TICKET_LIFE = 60.0
_MAX_TICKETS = 10_000


@dataclass(frozen=True)
class _Ticket:
    host_id: str
    vm_id: str
    kind: ConsoleKind
    expires: float


class ConsoleService:
    """Tickets live in this manager's memory: a console is opened where its ticket was made."""

    def __init__(self, db: Database, pool: AgentPool, audit: AuditLog) -> None:
        self._db = db
        self._pool = pool
        self._audit = audit
        self._tickets: dict[str, _Ticket] = {}

    async def open(self, actor: Actor, reference: str, kind: ConsoleKind) -> ConsoleTicket:
        """A ticket for the console of a running VM. Only its digest is kept."""
        vm, host_id = await self._console(actor, reference, Act("vm.console", object_name=reference,
                                                               details={"kind": kind.value}))  # fmt: skip
        now = time.monotonic()
        self._tickets = {digest: ticket for digest, ticket in self._tickets.items() if ticket.expires > now}
        if len(self._tickets) >= _MAX_TICKETS:
            raise Conflict("Too many consoles are being opened.", code="console.busy", hint="Try again in a minute.")
        text = secrets.token_urlsafe(32)
        self._tickets[digest_of(text)] = _Ticket(host_id, vm.id, kind, now + TICKET_LIFE)
        expires = datetime.fromtimestamp(time.time() + TICKET_LIFE, UTC)
        return ConsoleTicket(kind=kind, path=f"/api/v1/consoles/{text}", expires_at=expires)

    async def redeem(self, text: str) -> aiohttp.ClientWebSocketResponse:
        """The host's end of the console; `Unauthenticated` (`console.ticket`) for a ticket that is used or over."""
        ticket = self._tickets.pop(digest_of(text), None)
        if ticket is None or ticket.expires <= time.monotonic():
            raise Unauthenticated("The console ticket is used or has ended.", code="console.ticket",
                                  hint="Open the console again.")  # fmt: skip
        return await self._pool.console(ticket.host_id, ticket.vm_id, ticket.kind)

    async def screenshot(self, actor: Actor, reference: str) -> bytes:
        """The VM's screen as PNG."""
        vm, host_id = await self._console(actor, reference, Act("vm.screenshot", object_name=reference))
        return await self._pool.screenshot(host_id, vm.id)

    async def _console(self, actor: Actor, reference: str, act: Act) -> tuple[Vm, str]:
        vm = await self._db.read(lambda tx: visible(tx, actor, VM, reference, Permission.VM_READ))
        act.about(vm)

        def allowed(_tx: object) -> str:
            actor.require(Permission.VM_CONSOLE, project_id=vm.project_id, object_id=vm.id)
            require(vm, VmAction.CONSOLE)
            if vm.host_id is None:
                raise Conflict(f"VM {vm.name} is on no host.", code="vm.no_host")
            return vm.host_id

        return vm, await self._audit.change(actor, act, allowed)
