"""Operations on routers between networks."""

from __future__ import annotations

from altus.agent.drivers import HostDrivers
from altus.agent.handlers.declare import Handler, Report
from altus.wire.operations import ROUTER_DELETE, ROUTER_ENSURE, Nothing, RouterEnsure, RouterRef


async def _ensure(host: HostDrivers, request: RouterEnsure, _report: Report) -> Nothing:
    await host.network.ensure_router(request.router)
    return Nothing()


async def _delete(host: HostDrivers, request: RouterRef, _report: Report) -> Nothing:
    await host.network.delete_router(request.router_id)
    return Nothing()


HANDLERS = (
    Handler(operation=ROUTER_ENSURE, run=_ensure, about=lambda request: f"router:{request.router.id}"),
    Handler(operation=ROUTER_DELETE, run=_delete, about=lambda request: f"router:{request.router_id}"),
)
