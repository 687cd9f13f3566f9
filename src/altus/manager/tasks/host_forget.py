"""`host.forget`: a host that will never come back, and all that only it reached, goes out of the database."""

from __future__ import annotations

from typing import Any

from altus.manager.store import ports
from altus.manager.store.database import Tx
from altus.manager.store.resources import HOST, IMAGE, SNAPSHOT, VM, VOLUME
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.host_tasks import HostChange, depart, whole_loss
from altus.manager.tasks.run import Run
from altus.manager.tasks.translations import lead_again
from altus.model.host import HostState
from altus.model.host_action import HostAction, require
from altus.model.loss import named
from altus.model.network import PortSpec
from altus.model.permission import Permission
from altus.model.task import exclusive
from altus.model.vm import VmState
from altus.wire.operations import PORT_DELETE, PORT_ENSURE, PortEnsure, PortRef

_ANSWERING = (HostState.UP, HostState.MAINTENANCE)


async def _check(run: Run[HostChange]) -> None:
    require(await run.db.read(lambda tx: HOST.get(tx, run.args.host_id)), HostAction.FORGET)


async def _plan(run: Run[HostChange]) -> dict[str, Any]:
    """What is lost."""
    loss = await run.db.read(lambda tx: whole_loss(tx, run.args.host_id))
    return {
        "lost VMs": named(loss.vms),
        "VMs that fail, whose disks stay": named(loss.stranded),
        "lost volumes": named(loss.volumes),
        "lost images": named(loss.images),
        "lost storages": named(loss.storages),
    }


def _elsewhere(tx: Tx, host_id: str) -> str | None:
    """Another host that answers: networks belong to all of them."""
    others = [host.id for host in HOST.all(tx) if host.id != host_id and host.state in _ANSWERING]
    return others[0] if others else None


def _ports(tx: Tx, host_id: str) -> list[PortSpec]:
    return [nic.port for vm in VM.all(tx, VM.table.c.host_id == host_id) for nic in vm.hardware.nics]


async def _unplug(run: Run[HostChange]) -> None:
    """Take the ports of its VMs off their networks; with no other host there is nobody to see them."""
    host_id = run.args.host_id
    other, specs = await run.db.read(lambda tx: (_elsewhere(tx, host_id), _ports(tx, host_id)))
    for port in specs if other is not None else ():
        await run.call(other or "", PORT_DELETE, PortRef(port_id=port.id))


async def _plug(run: Run[HostChange]) -> None:
    """They are there again."""
    host_id = run.args.host_id
    other, specs = await run.db.read(lambda tx: (_elsewhere(tx, host_id), _ports(tx, host_id)))
    for port in specs if other is not None else ():
        await run.call(other or "", PORT_ENSURE, PortEnsure(port=port))
    if other is not None:
        await lead_again(run, other, [port.id for port in specs])


def _forget(tx: Tx, host_id: str) -> None:
    """Everything at once. Tasks that still wait for the host end when it is gone, and find their objects gone too."""
    require(HOST.get(tx, host_id), HostAction.FORGET)
    loss = whole_loss(tx, host_id)
    for vm in loss.vms:
        ports.release_vm(tx, vm.id)
        SNAPSHOT.delete_of(tx, vm.id)
        VM.delete(tx, vm.id)
    for volume in loss.volumes:
        VOLUME.delete(tx, volume.id)
    for image in loss.images:
        IMAGE.delete(tx, image.id)
    gone = {vm.id for vm in loss.vms}
    for kept in VOLUME.all(tx, VOLUME.table.c.vm_id.is_not(None)):
        if kept.vm_id in gone:
            VOLUME.change(tx, kept.id, vm_id=None)
    for vm in loss.stranded:
        VM.change(tx, vm.id, host_id=None, state=VmState.FAILED, guest=None)
    depart(tx, host_id)


async def _leave(run: Run[HostChange]) -> None:
    run.write(lambda tx: _forget(tx, run.args.host_id))


HOST_FORGET = TaskType(
    "host.forget",
    HostChange,
    title="Forget host",
    permission=Permission.HOST_WRITE,
    noun="host",
    locks=lambda args: [exclusive("host", args.host_id)],
    check=_check,
    plan=_plan,
    steps=(
        Step("ports", "Take the ports of its VMs off their networks", _unplug, undo=_plug),
        Step("forget", "Revoke its certificate, and remove it and what only it reached", _leave),
    ),
)
