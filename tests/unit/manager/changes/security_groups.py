"""Security groups of a site."""

from __future__ import annotations

from typing import Any

from altus.common.ids import new_id
from altus.manager.services.security_groups import SecurityGroupService
from altus.wire.security_groups import SecurityGroupCreate
from tests.unit.manager.changes.site import ADMIN, Site


def groups_of(site: Site) -> SecurityGroupService:
    """Its service."""
    return SecurityGroupService(site.db)


async def new_group(site: Site, **fields: Any) -> str:
    """The id of a new one with a rule; needs a running engine."""
    body = {"name": f"group-{new_id()[-12:]}", "rules": [{"direction": "in", "protocol": "tcp", "first_port": 80}]}
    shape = SecurityGroupCreate.model_validate(body | fields)
    return (await site.done(groups_of(site).create(ADMIN, shape))).object_id
