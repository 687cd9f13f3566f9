"""Port forwards of a site."""

from __future__ import annotations

import itertools
from typing import Any

from altus.manager.services.forwards import ForwardService
from altus.model.vm import Vm
from altus.wire.forwards import ForwardCreate
from tests.unit.manager.changes.site import ADMIN, Site

_ports = itertools.count(10000)


def forwards_of(site: Site) -> ForwardService:
    """Its service."""
    return ForwardService(site.db)


def forward_body(site: Site, vm: Vm, **fields: Any) -> ForwardCreate:
    """A port that nobody has, to the VM's SSH."""
    body = {"network": site.lan, "port": next(_ports), "vm": vm.id, "to_port": 22}
    return ForwardCreate.model_validate(body | fields)


async def new_forward(site: Site, vm: Vm) -> str:
    """The id of a new one to the VM; needs a running engine."""
    return (await site.done(forwards_of(site).create(ADMIN, forward_body(site, vm)))).object_id
