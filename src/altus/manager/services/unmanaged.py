"""What runs on hosts without Altus: domains that others made, and those of VMs that the database does not know."""

from __future__ import annotations

from altus.manager.services.lookup import visible
from altus.manager.store.database import Tx
from altus.manager.store.resources import HOST, VM
from altus.manager.tasks.run import World
from altus.model.actor import Actor
from altus.model.domain import DomainFacts
from altus.model.host import Host
from altus.model.permission import Permission
from altus.wire.operations import HOST_DOMAINS, Nothing


class UnmanagedService:
    """Asks the host itself, so that the answer is never old."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def list(self, actor: Actor, reference: str) -> tuple[Host, list[DomainFacts]]:
        """A host and its unmanaged domains, by name; `Unavailable` (`host.unreachable`)."""

        def look(tx: Tx) -> tuple[Host, set[str]]:
            return visible(tx, actor, HOST, reference, Permission.HOST_READ), {vm.id for vm in VM.all(tx)}

        host, _ = await self.world.db.read(look)
        told = await self.world.agents.call(host.id, HOST_DOMAINS, Nothing())
        _, known = await self.world.db.read(look)  # read afterwards: a VM has a row before it has a domain
        unmanaged = [domain for domain in told.domains if domain.id not in known]
        return host, sorted(unmanaged, key=lambda domain: domain.name)
