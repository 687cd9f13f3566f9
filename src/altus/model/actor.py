"""Who asks, and what that one may (row S1). Pure: made by `services/access.py`, asked by routes and services."""

from __future__ import annotations

from dataclasses import dataclass, field

from altus.common.errors import Forbidden
from altus.model.permission import Duty, Permission, Scope, ScopeKind, duty_of

_EVERY = frozenset(Permission)
_WHOM_TO_ASK = "A security administrator can grant it."


@dataclass(frozen=True)
class Right:
    """Permissions within a scope: a grant with its role looked up, or what a token is restricted to."""

    permissions: frozenset[Permission]
    scope: Scope = field(default_factory=Scope)

    def allows(self, permission: Permission, project_id: str, object_id: str) -> bool:
        """Whether it covers this."""
        return permission in self.permissions and self.scope.covers(project_id, object_id)


@dataclass(frozen=True, kw_only=True)
class Actor:
    """An authenticated account on one request. `limit` is what an API token is restricted to, None if to nothing.

    Until a password that must be changed is changed, a session may do nothing but that (`must_change_password`).
    """

    account_id: str
    name: str
    duty: Duty | None = None
    rights: tuple[Right, ...] = ()
    limit: Right | None = None
    must_change_password: bool = False
    session_id: str = ""
    token_id: str = ""
    source: str = ""
    request_id: str = ""

    @property
    def is_session(self) -> bool:
        """Whether it came with a session, not with an API token."""
        return bool(self.session_id)

    def may(self, permission: Permission, project_id: str = "", object_id: str = "") -> bool:
        """Whether it may do this to an object of a project; without either, to things that belong to no project."""
        if self._blocked(permission):
            return False
        if self.limit is not None and not self.limit.allows(permission, project_id, object_id):
            return False
        return permission is Permission.SELF or any(
            right.allows(permission, project_id, object_id) for right in self.rights
        )

    def permissions(self, project_id: str, object_id: str) -> frozenset[Permission]:
        """All that it may do to an object of a project: `may` for all permissions at once, for long lists."""
        if self.must_change_password:
            return frozenset({Permission.SELF}) & self._unlimited(project_id, object_id)
        granted = [right.permissions for right in self.rights if right.scope.covers(project_id, object_id)]
        return frozenset({Permission.SELF}).union(*granted) & self._unlimited(project_id, object_id)

    def may_somewhere(self, permission: Permission) -> bool:
        """Whether there can be any object to which it may do this: what a list route asks."""
        limited = self.limit is not None and permission not in self.limit.permissions
        if limited or self._blocked(permission):
            return False
        return permission is Permission.SELF or any(permission in right.permissions for right in self.rights)

    def require(self, permission: Permission, *, project_id: str = "", object_id: str = "") -> None:
        """`Forbidden` (`access.denied`, or `password.must_change`) unless it may."""
        if not self.may(permission, project_id, object_id):
            raise self.refusal(permission)

    def require_somewhere(self, permission: Permission) -> None:
        """`Forbidden` unless there can be an object to which it may do this."""
        if not self.may_somewhere(permission):
            raise self.refusal(permission)

    def refusal(self, permission: Permission) -> Forbidden:
        """Says which permission is missing and whom to ask."""
        if self._blocked(permission):
            return Forbidden("The password must be changed first.", code="password.must_change",
                             hint="Change it: `altus user passwd`.")  # fmt: skip
        if self.limit is not None and not self.limit.allows(permission, "", ""):
            hint = "This API token is restricted; use one that is not, or log in."
        else:
            duty = duty_of(permission)
            hint = _WHOM_TO_ASK
            if duty is not None and self.duty not in (None, duty):
                hint = f"That is the work of the {duty} administrator; no account can have both duties."
        return Forbidden(f"{self.name} lacks the permission {permission} here.", code="access.denied", hint=hint,
                         permission=permission.value)  # fmt: skip

    def visible_projects(self, permission: Permission) -> frozenset[str] | None:
        """Projects in which it may do this to everything; None: in all. For lists."""
        scopes = self._scopes(permission)
        if any(scope.kind in (ScopeKind.EVERYTHING, ScopeKind.POOL) for scope in scopes):
            return None
        return frozenset(scope.id for scope in scopes if scope.kind is ScopeKind.PROJECT)

    def visible_objects(self, permission: Permission) -> frozenset[str]:
        """Single objects beyond `visible_projects` to which it may do this. For lists."""
        return frozenset(scope.id for scope in self._scopes(permission) if scope.kind is ScopeKind.OBJECT)

    def _unlimited(self, project_id: str, object_id: str) -> frozenset[Permission]:
        if self.limit is None:
            return _EVERY
        return self.limit.permissions if self.limit.scope.covers(project_id, object_id) else frozenset()

    def _blocked(self, permission: Permission) -> bool:
        return self.must_change_password and permission is not Permission.SELF

    def _scopes(self, permission: Permission) -> list[Scope]:
        if not self.may_somewhere(permission):
            return []
        scopes = [right.scope for right in self.rights if permission in right.permissions]
        if self.limit is None:
            return scopes
        met = (_meet(scope, self.limit.scope) for scope in scopes)
        return [scope for scope in met if scope is not None]


def _meet(one: Scope, other: Scope) -> Scope | None:
    """What lies in both. Whether an object lies in a project is not known here, so such a pair shows nothing in lists;
    `Actor.may`, which is told both, is exact."""
    for scope, wider in ((one, other), (other, one)):
        if wider.kind in (ScopeKind.EVERYTHING, ScopeKind.POOL) or wider == scope:
            return scope
    return None
