"""Floating addresses of a site."""

from __future__ import annotations

from altus.manager.services.floating_ips import FloatingIpService
from altus.manager.services.pools import PoolService
from altus.model.pool import DEFAULT_POOL
from altus.model.vm import Vm
from altus.wire.floating_ips import FloatingIpAttach, FloatingIpCreate
from altus.wire.pools import PoolEdit
from tests.unit.manager.changes.site import ADMIN, Site

OUTSIDE = "192.0.2.10-192.0.2.250"


def floating_ips_of(site: Site) -> FloatingIpService:
    """Its service."""
    return FloatingIpService(site.db)


async def new_floating_ip(site: Site, vm: Vm | None = None) -> str:
    """The id of a new one, attached to the VM if one is given; needs a running engine."""
    await declare_outside(site)
    made = await site.done(floating_ips_of(site).create(ADMIN, FloatingIpCreate(network=site.lan)))
    if vm is not None:
        await site.done(floating_ips_of(site).attach(ADMIN, made.object_id, FloatingIpAttach(vm=vm.id)))
    return made.object_id


async def declare_outside(site: Site) -> None:
    """The default pool has addresses to give."""
    await PoolService(site.db, site.audit).edit(ADMIN, DEFAULT_POOL, PoolEdit(outside=OUTSIDE))
