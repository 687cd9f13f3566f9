"""Routers of a site, and networks for them."""

from __future__ import annotations

from altus.common.ids import new_id
from altus.manager.services.routers import RouterService
from altus.wire import resources as shapes
from altus.wire.routers import RouterCreate, RouterMember
from tests.unit.manager.changes.site import ADMIN, Site


def routers_of(site: Site) -> RouterService:
    """Its service."""
    return RouterService(site.db)


async def new_isolated(site: Site, cidr: str = "192.168.9.0/24") -> str:
    """The id of a new isolated network; needs a running engine."""
    body = shapes.NetworkCreate.model_validate({"name": f"net-{new_id()[-12:]}", "cidr": cidr, "kind": "isolated"})
    return (await site.done(site.networks.create(ADMIN, body))).object_id


async def new_router(site: Site, *networks: str) -> str:
    """The id of a new one with these networks; needs a running engine."""
    body = RouterCreate(name=f"router-{new_id()[-12:]}")
    made = (await site.done(routers_of(site).create(ADMIN, body))).object_id
    for network in networks:
        await site.done(routers_of(site).attach(ADMIN, made, RouterMember(network=network)))
    return made
