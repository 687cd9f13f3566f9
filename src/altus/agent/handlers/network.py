"""Operations on networks, their ports, and what leads to those from outside."""

from __future__ import annotations

from altus.agent.drivers import HostDrivers
from altus.agent.handlers.declare import Handler, Report
from altus.wire.operations import (
    NETWORK_DELETE,
    NETWORK_ENSURE,
    NETWORK_TRACE,
    PORT_BIND,
    PORT_DELETE,
    PORT_ENSURE,
    TRANSLATION_DELETE,
    TRANSLATION_ENSURE,
    NetworkEnsure,
    NetworkRef,
    NetworkTrace,
    NetworkTraced,
    Nothing,
    PortBind,
    PortEnsure,
    PortRef,
    TranslationEnsure,
    TranslationRef,
)


async def _ensure(host: HostDrivers, request: NetworkEnsure, _report: Report) -> Nothing:
    await host.network.ensure_network(request.network)
    return Nothing()


async def _delete(host: HostDrivers, request: NetworkRef, _report: Report) -> Nothing:
    await host.network.delete_network(request.network_id)
    return Nothing()


async def _trace(host: HostDrivers, request: NetworkTrace, _report: Report) -> NetworkTraced:
    return NetworkTraced(facts=await host.network.trace(request.packet))


async def _ensure_port(host: HostDrivers, request: PortEnsure, _report: Report) -> Nothing:
    await host.network.ensure_port(request.port)
    return Nothing()


async def _delete_port(host: HostDrivers, request: PortRef, _report: Report) -> Nothing:
    await host.network.delete_port(request.port_id)
    return Nothing()


async def _bind_port(host: HostDrivers, request: PortBind, _report: Report) -> Nothing:
    place = await host.network.place() if request.place is None else request.place
    await host.network.bind_port(request.port_id, place)
    return Nothing()


async def _ensure_translation(host: HostDrivers, request: TranslationEnsure, _report: Report) -> Nothing:
    await host.network.ensure_translation(request.translation)
    return Nothing()


async def _delete_translation(host: HostDrivers, request: TranslationRef, _report: Report) -> Nothing:
    await host.network.delete_translation(request.translation_id)
    return Nothing()


HANDLERS = (
    Handler(operation=NETWORK_ENSURE, run=_ensure, about=lambda request: f"network:{request.network.id}"),
    Handler(operation=NETWORK_DELETE, run=_delete, about=lambda request: f"network:{request.network_id}"),
    Handler(operation=NETWORK_TRACE, run=_trace, about=None),
    Handler(operation=PORT_ENSURE, run=_ensure_port, about=lambda request: f"port:{request.port.id}"),
    Handler(operation=PORT_BIND, run=_bind_port, about=lambda request: f"port:{request.port_id}"),
    Handler(operation=PORT_DELETE, run=_delete_port, about=lambda request: f"port:{request.port_id}"),
    Handler(operation=TRANSLATION_ENSURE, run=_ensure_translation,
            about=lambda request: f"translation:{request.translation.id}"),
    Handler(operation=TRANSLATION_DELETE, run=_delete_translation,
            about=lambda request: f"translation:{request.translation_id}"),
)  # fmt: skip
