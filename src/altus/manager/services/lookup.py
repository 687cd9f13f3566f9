"""Finding what a request names, as far as the asker may see it."""

from __future__ import annotations

from typing import TypeVar

from altus.common.errors import NotFound
from altus.manager.store.database import Tx
from altus.manager.store.resources import PROJECT, STORAGE, Resources
from altus.model.actor import Actor
from altus.model.permission import Permission
from altus.model.resource import DEFAULT_PROJECT, Resource
from altus.model.storage import Storage

T = TypeVar("T", bound=Resource)


def visible(tx: Tx, actor: Actor, resources: Resources[T], reference: str, read: Permission) -> T:
    """The resource by id or name; what the actor may not see is `NotFound`, like what does not exist."""
    found = resources.find(tx, reference)
    if not actor.may(read, project_id=found.project_id, object_id=found.id):
        raise resources.missing(reference)
    return found


def project_id(tx: Tx, reference: str | None) -> str:
    """The id of a project; the default one if none is named."""
    return DEFAULT_PROJECT if reference is None else PROJECT.find(tx, reference).id


def storage(tx: Tx, reference: str | None) -> Storage:
    """The repository named, or the first there is."""
    if reference is not None:
        return STORAGE.find(tx, reference)
    every = STORAGE.all(tx)
    if not every:
        raise NotFound("There is no storage yet.", code="storage.not_found", hint="Enrol a host first.")
    return every[0]
