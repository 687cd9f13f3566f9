"""Finding what a request names, as far as the asker may see it."""

from __future__ import annotations

from typing import TypeVar

from altus.common.errors import NotFound
from altus.manager.store.database import Tx
from altus.manager.store.resources import PROJECT, STORAGE, Resources
from altus.model.actor import Actor
from altus.model.label import Label
from altus.model.permission import Permission
from altus.model.query import ListQuery, Page
from altus.model.resource import DEFAULT_PROJECT, Resource
from altus.model.storage import Storage

T = TypeVar("T", bound=Resource)


def visible(tx: Tx, actor: Actor, resources: Resources[T], reference: str, read: Permission,
            within: str | None = None) -> T:  # fmt: skip
    """The resource by id or name (in the project `within`, if given); what the actor may not see is `NotFound`, like
    what does not exist."""

    def seen(found: T) -> bool:
        inside = within is None or found.project_id == within
        return inside and actor.may(read, project_id=found.project_id, object_id=found.id)

    return resources.find(tx, reference, seen)


def visible_page(tx: Tx, actor: Actor, resources: Resources[T], query: ListQuery, read: Permission) -> Page[T]:
    """A page of what the actor may see."""
    return resources.page(tx, query, actor.visible_projects(read), actor.visible_objects(read))


def project_for(tx: Tx, actor: Actor, reference: str | None, permission: Permission) -> str:
    """The id of the project named, or of the default one, in which something is to be made; `Forbidden` unless the
    actor may, `NotFound` for a project of which it may not even know."""

    def seen(found: Resource) -> bool:
        return any(actor.may(needed, project_id=found.id) for needed in (Permission.PROJECT_READ, permission))

    project_id = DEFAULT_PROJECT if reference is None else PROJECT.find(tx, reference, seen).id
    actor.require(permission, project_id=project_id)
    return project_id


def storage(tx: Tx, reference: str | None, label: Label) -> Storage:
    """The repository named, or the first there is, of this label if possible."""
    if reference is not None:
        return STORAGE.find(tx, reference)
    every = STORAGE.all(tx)
    if not every:
        raise NotFound("There is no storage yet.", code="storage.not_found", hint="Enrol a host first.")
    return next((one for one in every if one.label is label), every[0])
