"""Roles: the built-in ones and those a security administrator makes (row S1)."""

from __future__ import annotations

from collections.abc import Iterable

from altus.common.errors import Conflict, Forbidden
from altus.common.ids import new_id
from altus.manager.services.access import Access
from altus.manager.services.audit import Act, AuditLog
from altus.manager.services.guard import check_duties
from altus.manager.store import accounts as rows
from altus.manager.store.accounts import GRANT, GRANTS, ROLE, ROLES
from altus.manager.store.database import Database, Tx
from altus.model.account import CustomRole, check_display_name
from altus.model.actor import Actor
from altus.model.permission import BUILTIN_ROLES, Duty, Permission, Role
from altus.model.resource import check_name


def find_role(tx: Tx, name: str) -> Role:
    """A role by name, built-in or not; `NotFound` (`role.not_found`)."""
    return BUILTIN_ROLES[name] if name in BUILTIN_ROLES else _custom(tx, name).to_role()


class RoleService:
    """A role has permissions of one duty only (`Conflict`, `role.mixed_duties`)."""

    def __init__(self, db: Database, audit: AuditLog, access: Access) -> None:
        self._db = db
        self._audit = audit
        self._access = access

    async def list(self, actor: Actor) -> list[Role]:
        """All roles, built-in ones first. Needs `grant:read`."""
        actor.require(Permission.GRANT_READ)
        return await self._db.read(lambda tx: [*BUILTIN_ROLES.values(), *(role.to_role() for role in ROLE.all(tx))])

    async def get(self, actor: Actor, name: str) -> Role:
        """One by name. Needs `grant:read`."""
        actor.require(Permission.GRANT_READ)
        return await self._db.read(lambda tx: find_role(tx, name))

    async def create(self, actor: Actor, name: str, duty: Duty, permissions: Iterable[Permission],
                     description: str = "") -> CustomRole:  # fmt: skip
        """A new role. Needs `grant:write`; `Conflict` (`role.name_taken`)."""
        chosen = tuple(sorted(set(permissions)))
        act = Act("role.create", object_name=name, details={"duty": duty.value, "permissions": list(chosen)})

        def work(tx: Tx) -> CustomRole:
            actor.require(Permission.GRANT_WRITE)
            role = CustomRole(id=new_id(), name=check_name(name), duty=duty, permissions=chosen,
                              description=check_display_name(description))  # fmt: skip
            role.to_role()
            if name in BUILTIN_ROLES:
                raise Conflict(f"A role named {name} exists already.", code="role.name_taken",
                               hint="Choose another name.")  # fmt: skip
            ROLE.require_free_name(tx, name)
            act.about(role)
            return ROLE.insert(tx, role)

        return await self._audit.change(actor, act, work)

    async def update(self, actor: Actor, name: str, *, permissions: Iterable[Permission] | None = None,
                     description: str | None = None, revision: int | None = None) -> CustomRole:  # fmt: skip
        """Change what a role of one's own making may; it takes effect at once for all who have it. Needs `grant:write`;
        `Forbidden` (`grant.self`) for a role one has, `Conflict` (`role.builtin`, `role.mixed_duties`)."""
        chosen = None if permissions is None else tuple(sorted(set(permissions)))
        act = Act("role.update", object_name=name)

        def work(tx: Tx) -> CustomRole:
            actor.require(Permission.GRANT_WRITE)
            role = _custom(tx, name)
            act.about(role)
            _require_not_held(tx, actor, name)
            newer = ROLE.edit(
                tx, role, expected=revision,
                permissions=role.permissions if chosen is None else chosen,
                description=role.description if description is None else check_display_name(description),
            )  # fmt: skip
            newer.to_role()
            act.details = {"before": list(role.permissions), "after": list(newer.permissions)}
            check_duties(tx)
            tx.on_commit(self._access.forget)
            return newer

        return await self._audit.change(actor, act, work)

    async def delete(self, actor: Actor, name: str) -> None:
        """Remove a role that nobody has (`Conflict`, `role.in_use`). Needs `grant:write`."""
        act = Act("role.delete", object_name=name)

        def work(tx: Tx) -> None:
            actor.require(Permission.GRANT_WRITE)
            role = _custom(tx, name)
            act.about(role)
            if GRANT.first(tx, GRANTS.table.c.role == name) is not None:
                raise Conflict(f"Role {name} is granted to somebody.", code="role.in_use",
                               hint="Take the grants away first: `altus grant list`.")  # fmt: skip
            ROLE.delete(tx, ROLES.table.c.id == role.id)

        await self._audit.change(actor, act, work)


def _custom(tx: Tx, name: str) -> CustomRole:
    if name in BUILTIN_ROLES:
        raise Conflict(f"{name} is a built-in role and stays as it is.", code="role.builtin",
                       hint="Make a role of your own.")  # fmt: skip
    return ROLE.find(tx, name)


def _require_not_held(tx: Tx, actor: Actor, name: str) -> None:
    if any(grant.role == name for grant in rows.grants_of(tx, actor.account_id)):
        raise Forbidden("Nobody changes a role he has himself.", code="grant.self",
                        hint="Ask another security administrator.")  # fmt: skip
