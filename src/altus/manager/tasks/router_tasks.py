"""Router tasks: `router.create`, `.attach`, `.detach`, `.delete`, `.repair`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from altus.common.errors import Conflict
from altus.manager.store.database import Tx
from altus.manager.store.resources import NETWORK, ROUTER
from altus.manager.store.routers import names_of, require_attachable
from altus.manager.tasks.declare import Step, TaskType
from altus.manager.tasks.every_host import on_hosts_that_answer
from altus.manager.tasks.run import Run
from altus.model.permission import Permission
from altus.model.router import Router, RouterState
from altus.model.task import Lock, exclusive
from altus.wire.operations import ROUTER_DELETE, ROUTER_ENSURE, RouterEnsure, RouterRef


@dataclass(frozen=True, kw_only=True)
class RouterMake:
    """The router as it will be stored."""

    router: Router


@dataclass(frozen=True, kw_only=True)
class RouterMember:
    """A router, and a network that comes or goes."""

    router_id: str
    network_id: str


@dataclass(frozen=True, kw_only=True)
class RouterChoice:
    """Which router."""

    router_id: str


def _require_ready(router: Router) -> None:
    if router.state is not RouterState.READY:
        raise Conflict(f"Router {router.name} is {router.state}.", code="router.not_ready",
                       hint="See `altus router list`.")  # fmt: skip


async def _ensure(run: Run[Any], router: Router) -> None:
    await on_hosts_that_answer(run, ROUTER_ENSURE, RouterEnsure(router=router.spec))


async def _stored(run: Run[Any]) -> Router:
    return await run.db.read(lambda tx: ROUTER.get(tx, run.args.router_id))


async def _make(run: Run[RouterMake]) -> None:
    await _ensure(run, run.args.router)


async def _unmake(run: Run[RouterMake]) -> None:
    await on_hosts_that_answer(run, ROUTER_DELETE, RouterRef(router_id=run.args.router.id))


def _made(run: Run[RouterMake], tx: Tx) -> None:
    ROUTER.change(tx, run.args.router.id, state=RouterState.READY)


def _failed(run: Run[RouterMake], tx: Tx) -> None:
    ROUTER.change(tx, run.args.router.id, state=RouterState.FAILED)


async def _check_attach(run: Run[RouterMember]) -> None:
    def look(tx: Tx) -> None:
        router = ROUTER.get(tx, run.args.router_id)
        _require_ready(router)
        require_attachable(tx, router, NETWORK.get(tx, run.args.network_id))

    await run.db.read(look)


async def _attach(run: Run[RouterMember]) -> None:
    router, network_id = await _stored(run), run.args.network_id
    with_it = replace(router, networks=(*router.networks, network_id))
    await _ensure(run, with_it)
    run.write(lambda tx: ROUTER.change(tx, router.id, networks=with_it.networks))


async def _check_detach(run: Run[RouterMember]) -> None:
    def look(tx: Tx) -> None:
        router = ROUTER.get(tx, run.args.router_id)
        _require_ready(router)
        if run.args.network_id not in router.networks:
            network = NETWORK.get(tx, run.args.network_id)
            raise Conflict(f"Network {network.name} is not on router {router.name}.", code="router.not_attached",
                           hint=f"See `altus router show {router.name}`.")  # fmt: skip

    await run.db.read(look)


async def _detach(run: Run[RouterMember]) -> None:
    router = await _stored(run)
    without = replace(router, networks=tuple(one for one in router.networks if one != run.args.network_id))
    await _ensure(run, without)
    run.write(lambda tx: ROUTER.change(tx, router.id, networks=without.networks))


async def _as_stored(run: Run[Any]) -> None:
    """As the database says; a step that is undone has not changed that yet."""
    await _ensure(run, await _stored(run))


async def _check_remove(run: Run[RouterChoice]) -> None:
    def look(tx: Tx) -> None:
        router = ROUTER.get(tx, run.args.router_id)
        if router.networks:
            raise Conflict(f"Router {router.name} has the networks {', '.join(names_of(tx, router)[:5])}.",
                           code="router.in_use", hint="Take them off first: `altus router detach`.")  # fmt: skip

    await run.db.read(look)


async def _mark(run: Run[RouterChoice]) -> None:
    run.write(lambda tx: ROUTER.change(tx, run.args.router_id, state=RouterState.DELETING))


async def _remove(run: Run[RouterChoice]) -> None:
    await on_hosts_that_answer(run, ROUTER_DELETE, RouterRef(router_id=run.args.router_id))


def _remove_failed(run: Run[RouterChoice], tx: Tx) -> None:
    ROUTER.change(tx, run.args.router_id, state=RouterState.FAILED)


async def _check_repair(run: Run[RouterChoice]) -> None:
    _require_ready(await _stored(run))


def _locks(args: RouterMember) -> list[Lock]:
    return [exclusive("router", args.router_id), exclusive("network", args.network_id)]


ROUTER_CREATE_TASK = TaskType(
    "router.create",
    RouterMake,
    title="Create router",
    permission=Permission.ROUTER_WRITE,
    noun="router",
    locks=lambda args: [exclusive("router", args.router.id)],
    steps=(Step("create", "Make the router on every host", _make, undo=_unmake),),
    on_success=_made,
    on_undone=lambda run, tx: ROUTER.delete(tx, run.args.router.id),
    on_stuck=_failed,
)
ROUTER_ATTACH_TASK = TaskType(
    "router.attach",
    RouterMember,
    title="Put network on router",
    permission=Permission.ROUTER_WRITE,
    noun="router",
    locks=_locks,
    check=_check_attach,
    steps=(Step("attach", "Let the network and the others reach each other", _attach, undo=_as_stored),),
)
ROUTER_DETACH_TASK = TaskType(
    "router.detach",
    RouterMember,
    title="Take network off router",
    permission=Permission.ROUTER_WRITE,
    noun="router",
    locks=_locks,
    check=_check_detach,
    steps=(Step("detach", "Part the network from the others", _detach, undo=_as_stored),),
)
ROUTER_DELETE_TASK = TaskType(
    "router.delete",
    RouterChoice,
    title="Delete router",
    permission=Permission.ROUTER_WRITE,
    noun="router",
    locks=lambda args: [exclusive("router", args.router_id)],
    check=_check_remove,
    steps=(
        Step("mark", "Mark the router as being deleted", _mark, commits=True),
        Step("delete", "Remove the router from every host", _remove),
    ),
    on_success=lambda run, tx: ROUTER.delete(tx, run.args.router_id),
    on_stuck=_remove_failed,
    cancellable=False,
)
ROUTER_REPAIR_TASK = TaskType(
    "router.repair",
    RouterChoice,
    title="Repair router",
    permission=Permission.ROUTER_WRITE,
    noun="router",
    locks=lambda args: [exclusive("router", args.router_id)],
    check=_check_repair,
    steps=(Step("apply", "Make the router be as the database says", _as_stored),),
)
ROUTER_TASKS = (
    ROUTER_CREATE_TASK,
    ROUTER_ATTACH_TASK,
    ROUTER_DETACH_TASK,
    ROUTER_DELETE_TASK,
    ROUTER_REPAIR_TASK,
)
