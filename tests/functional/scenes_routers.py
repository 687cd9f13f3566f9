"""Scenes of routers between networks: what must be true when one of their tasks has ended, done or undone."""

from __future__ import annotations

from altus.model.network import NetworkKind
from altus.wire.resources import NetworkCreate, NetworkView
from altus.wire.routers import RouterCreate, RouterView
from altus.wire.tasks import TaskView
from testbed.administrator import NETWORK, Administrator, fresh
from testbed.patience import until
from tests.functional.scenes import Go, done, is_there, nbctl, scene


async def _router(admin: Administrator) -> RouterView:
    """One without networks."""
    body = RouterCreate(name=fresh("router"))
    await admin.altus.routers.create(body).run()
    return await admin.altus.routers.get(body.name)


async def _network(admin: Administrator) -> NetworkView:
    """An isolated one."""
    body = NetworkCreate(name=fresh("net"), cidr="10.95.0.0/24", kind=NetworkKind.ISOLATED)
    await admin.altus.networks.create(body).run()
    return await admin.altus.networks.get(body.name)


async def _joined(admin: Administrator) -> tuple[RouterView, NetworkView]:
    """One between an isolated network and the usual one."""
    router, network = await _router(admin), await _network(admin)
    for name in (NETWORK, network.name):
        await admin.altus.routers.attach(router.id, name).run()
    return await admin.altus.routers.get(router.id), network


async def _routes() -> int:
    """How many routes OVN has between networks."""
    return (await nbctl("--columns=output_port", "list", "Logical_Router_Static_Route")).count("-by-")


@scene("router.create")
async def _create(admin: Administrator, go: Go) -> None:
    body = RouterCreate(name=fresh("router"))
    task = await go(admin.altus.routers.create(body))
    assert await is_there(admin.altus.routers, body.name) is done(task)
    assert ("altus-router-" in await nbctl("--columns=name", "list", "Logical_Switch")) is done(task)


@scene("router.attach")
async def _attach(admin: Administrator, go: Go) -> None:
    router, network = await _router(admin), await _network(admin)
    await admin.altus.routers.attach(router.id, NETWORK).run()
    task = await go(admin.altus.routers.attach(router.id, network.id))
    after = await admin.altus.routers.get(router.id)
    assert (network.id in after.networks) is done(task)
    assert await _routes() == (2 if done(task) else 0)


@scene("router.detach")
async def _detach(admin: Administrator, go: Go) -> None:
    router, network = await _joined(admin)
    task = await go(admin.altus.routers.detach(router.id, network.id))
    after = await admin.altus.routers.get(router.id)
    assert (network.id in after.networks) is not done(task)
    assert await _routes() == (0 if done(task) else 2)


@scene("router.delete")
async def _delete(admin: Administrator, go: Go) -> None:
    router = await _router(admin)
    await go(admin.altus.routers.delete(router.id))
    assert not await is_there(admin.altus.routers, router.id)
    assert "altus-router-" not in await nbctl("--columns=name", "list", "Logical_Switch")


@scene("router.repair")
async def _repair(admin: Administrator, go: Go) -> None:
    """The manager asks for it by itself when it is gone from OVN."""
    router, _ = await _joined(admin)

    async def repaired() -> TaskView:
        await nbctl("ls-del", f"altus-router-{router.id}")

        async def look() -> TaskView | None:
            its = ("kind:router.repair", f"object_id:{router.id}")
            return next(iter((await admin.altus.tasks.page(its)).items), None)

        return await until(look, "it is repaired")

    await go(repaired())
    assert await _routes() == 2
