"""Which handler does which operation; a test holds it to `wire.operations.OPERATIONS`."""

from __future__ import annotations

from typing import Any

from altus.agent.handlers import (
    certificate,
    host,
    image,
    layer,
    network,
    router,
    security_group,
    vm,
    vm_migrate,
    volume,
)
from altus.agent.handlers.declare import Handler

HANDLERS: dict[str, Handler[Any, Any]] = {
    handler.operation.name: handler
    for handler in (
        *vm.HANDLERS,
        *vm_migrate.HANDLERS,
        *volume.HANDLERS,
        *layer.HANDLERS,
        *image.HANDLERS,
        *network.HANDLERS,
        *router.HANDLERS,
        *security_group.HANDLERS,
        *host.HANDLERS,
        *certificate.HANDLERS,
    )
}
