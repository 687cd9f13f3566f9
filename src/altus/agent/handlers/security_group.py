"""Operations on security groups."""

from __future__ import annotations

from altus.agent.drivers import HostDrivers
from altus.agent.handlers.declare import Handler, Report
from altus.wire.operations import (
    SECURITY_GROUP_DELETE,
    SECURITY_GROUP_ENSURE,
    Nothing,
    SecurityGroupEnsure,
    SecurityGroupRef,
)


async def _ensure(host: HostDrivers, request: SecurityGroupEnsure, _report: Report) -> Nothing:
    await host.network.ensure_security_group(request.group)
    return Nothing()


async def _delete(host: HostDrivers, request: SecurityGroupRef, _report: Report) -> Nothing:
    await host.network.delete_security_group(request.group_id)
    return Nothing()


HANDLERS = (
    Handler(operation=SECURITY_GROUP_ENSURE, run=_ensure, about=lambda request: f"security_group:{request.group.id}"),
    Handler(operation=SECURITY_GROUP_DELETE, run=_delete, about=lambda request: f"security_group:{request.group_id}"),
)
