"""One file per noun. Every router is listed here."""

from altus.manager.api.routes import (
    audit,
    consoles,
    enrolment,
    events,
    images,
    inventory,
    networks,
    system,
    tasks,
    users,
    vms,
    volumes,
)

ROUTERS = (
    system.router,
    users.router,
    audit.router,
    vms.router,
    consoles.router,
    volumes.router,
    images.router,
    networks.router,
    inventory.router,
    tasks.router,
    events.router,
    enrolment.router,
)
