"""What host tasks share, and `host.remove`. Maintenance is in host_maintain.py, a dead host in host_forget.py."""

from __future__ import annotations

from dataclasses import dataclass

from altus.common.errors import Conflict
from altus.manager.store import certificates, enrolment
from altus.manager.store.database import Tx
from altus.manager.store.resources import HOST, IMAGE, STORAGE, VM, VOLUME
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.run import Run
from altus.model.host_action import HostAction, require
from altus.model.loss import Loss, loss_of, named
from altus.model.permission import Permission
from altus.model.task import exclusive


@dataclass(frozen=True, kw_only=True)
class HostChange:
    """Which host."""

    host_id: str


def depart(tx: Tx, host_id: str) -> None:
    """The host belongs to the pool no more: nobody believes its certificates, and its rows are gone."""
    certificates.revoke_all(tx, host_id)
    enrolment.void(tx, host_id)
    for storage in STORAGE.all(tx, STORAGE.table.c.host_id == host_id):
        STORAGE.delete(tx, storage.id)
    HOST.delete(tx, host_id)


def whole_loss(tx: Tx, host_id: str) -> Loss:
    """What would go with the host."""
    return loss_of(host_id, STORAGE.all(tx), VOLUME.all(tx), IMAGE.all(tx), VM.all(tx, VM.table.c.host_id == host_id))


async def _check_remove(run: Run[HostChange]) -> None:
    await run.db.read(lambda tx: _require_empty(tx, run.args.host_id))


def _require_empty(tx: Tx, host_id: str) -> None:
    """`Conflict` (`host.state`, `host.not_empty`) naming what is still there."""
    host = HOST.get(tx, host_id)
    require(host, HostAction.REMOVE)
    there = whole_loss(tx, host_id)
    found = {"VMs": (*there.vms, *there.stranded), "volumes": there.volumes, "images": there.images}
    still = "; ".join(f"{noun} {', '.join(named(things, 5))}" for noun, things in found.items() if things)
    if still:
        raise Conflict(f"Host {host.name} is not empty: {still}.", code="host.not_empty",
                       hint="Delete them first. For a host that is dead there is `altus host forget`.")  # fmt: skip


async def _remove(run: Run[HostChange]) -> None:
    """It is looked at again in the transaction that removes it."""

    def write(tx: Tx) -> None:
        _require_empty(tx, run.args.host_id)
        depart(tx, run.args.host_id)

    run.write(write)


HOST_REMOVE = TaskType(
    "host.remove",
    HostChange,
    title="Remove host",
    permission=Permission.HOST_WRITE,
    noun="host",
    locks=lambda args: [exclusive("host", args.host_id)],
    check=_check_remove,
    steps=(Step("remove", "Revoke its certificate and take it out of the pool", _remove),),
)
