"""One file per noun. Every router is listed here."""

from altus.manager.api.routes import (
    audit,
    consoles,
    enrolment,
    events,
    images,
    inventory,
    networks,
    placement,
    pools,
    rights,
    sessions,
    system,
    tasks,
    users,
    vms,
    volumes,
)

ROUTERS = (
    system.router,
    sessions.router,
    users.router,
    rights.router,
    audit.router,
    vms.router,
    consoles.router,
    volumes.router,
    images.router,
    networks.router,
    inventory.router,
    placement.router,
    pools.router,
    tasks.router,
    events.router,
    enrolment.router,
)
