"""What every host has its share of: networks and security groups."""

from __future__ import annotations

from typing import Any, TypeVar

from altus.manager.store.resources import HOST
from altus.manager.tasks.run import Run
from altus.model.host import HostState
from altus.wire.operations import Operation

Q = TypeVar("Q")
S = TypeVar("S")


async def joined_hosts(run: Run[Any]) -> list[str]:
    """Ids of all hosts that have joined."""
    return await run.db.read(lambda tx: [h.id for h in HOST.all(tx) if h.state is not HostState.ENROLLING])


async def on_hosts_that_answer(run: Run[Any], operation: Operation[Q, S], request: Q) -> None:
    """Ask every host that answers; at least one must. Hosts of a pool write into the same OVN, and one that has its own
    and was away is put right by the comparison when it is back."""
    hosts = await joined_hosts(run)
    up = [host_id for host_id in hosts if run.world.agents.is_up(host_id)]
    for host_id in up or hosts:
        await run.call(host_id, operation, request)
