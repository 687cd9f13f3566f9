"""Network tasks: `network.create`, `network.delete`."""

from __future__ import annotations

from dataclasses import dataclass

from altus.common.errors import Conflict
from altus.manager.store import floating_ips, forwards, ports
from altus.manager.store.database import Tx
from altus.manager.store.resources import FORWARD, NETWORK, VM
from altus.manager.store.routers import router_of
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.every_host import joined_hosts
from altus.manager.tasks.run import Run
from altus.model.network import Network, NetworkState
from altus.model.permission import Permission
from altus.model.task import exclusive
from altus.wire.operations import NETWORK_DELETE, NETWORK_ENSURE, NetworkEnsure, NetworkRef


@dataclass(frozen=True, kw_only=True)
class NetworkMake:
    """The network as it will be stored."""

    network: Network


@dataclass(frozen=True, kw_only=True)
class NetworkRemove:
    """Which network."""

    network_id: str


async def _make(run: Run[NetworkMake]) -> None:
    for host_id in await joined_hosts(run):
        await run.call(host_id, NETWORK_ENSURE, NetworkEnsure(network=run.args.network.spec))


async def _unmake(run: Run[NetworkMake]) -> None:
    for host_id in await joined_hosts(run):
        await run.call(host_id, NETWORK_DELETE, NetworkRef(network_id=run.args.network.id))


def _made(run: Run[NetworkMake], tx: Tx) -> None:
    NETWORK.change(tx, run.args.network.id, state=NetworkState.READY)


def _failed(run: Run[NetworkMake], tx: Tx) -> None:
    NETWORK.change(tx, run.args.network.id, state=NetworkState.FAILED)


async def _check_remove(run: Run[NetworkRemove]) -> None:
    def look(tx: Tx) -> None:
        network = NETWORK.get(tx, run.args.network_id)
        users = [vm.name for vm_id in ports.of_network(tx, network.id) if (vm := VM.peek(tx, vm_id)) is not None]
        if users:
            raise Conflict(f"Network {network.name} is used by VM {', '.join(sorted(users)[:5])}.",
                           code="network.in_use", hint="Delete those VMs or remove their NICs first.")  # fmt: skip
        if (router := router_of(tx, network.id)) is not None:
            raise Conflict(f"Network {network.name} is on router {router.name}.", code="network.in_use",
                           hint=f"Take it off: `altus router detach {router.name} {network.name}`.")  # fmt: skip
        if forwarded := forwards.names(tx, FORWARD.table.c.network_id == network.id):
            raise Conflict(f"Network {network.name} has the port forwards {', '.join(forwarded[:5])}.",
                           code="network.in_use", hint="Delete those first: `altus forward delete`.")  # fmt: skip
        if addresses := floating_ips.of_network(tx, network.id):
            raise Conflict(f"Network {network.name} has the floating addresses {', '.join(addresses[:5])}.",
                           code="network.in_use", hint="Delete those first: `altus floating-ip delete`.")  # fmt: skip

    await run.db.read(look)


async def _mark(run: Run[NetworkRemove]) -> None:
    run.write(lambda tx: NETWORK.change(tx, run.args.network_id, state=NetworkState.DELETING))


async def _remove(run: Run[NetworkRemove]) -> None:
    for host_id in await joined_hosts(run):
        await run.call(host_id, NETWORK_DELETE, NetworkRef(network_id=run.args.network_id))


def _remove_failed(run: Run[NetworkRemove], tx: Tx) -> None:
    """A network that some hosts have removed already is not what it was."""
    NETWORK.change(tx, run.args.network_id, state=NetworkState.FAILED)


NETWORK_CREATE_TASK = TaskType(
    "network.create",
    NetworkMake,
    title="Create network",
    permission=Permission.NETWORK_WRITE,
    noun="network",
    locks=lambda args: [exclusive("network", args.network.id)],
    steps=(Step("create", "Make the network on every host", _make, undo=_unmake),),
    on_success=_made,
    on_undone=lambda run, tx: NETWORK.delete(tx, run.args.network.id),
    on_stuck=_failed,
)
NETWORK_DELETE_TASK = TaskType(
    "network.delete",
    NetworkRemove,
    title="Delete network",
    permission=Permission.NETWORK_WRITE,
    noun="network",
    locks=lambda args: [exclusive("network", args.network_id)],
    check=_check_remove,
    steps=(
        Step("mark", "Mark the network as being deleted", _mark, commits=True),
        Step("delete", "Remove the network from every host", _remove),
    ),
    on_success=lambda run, tx: NETWORK.delete(tx, run.args.network_id),
    on_stuck=_remove_failed,
    cancellable=False,
)
NETWORK_TASKS = (NETWORK_CREATE_TASK, NETWORK_DELETE_TASK)
