"""Permissions and roles: data, from which every check derives (row S1).

Each permission belongs to one of three administrators, and a role only holds permissions of one of them, so that
no account can do all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from altus.common.errors import Conflict


class Duty(StrEnum):
    """Whose work a permission is: independent administrators who check each other."""

    SYSTEM = "system"
    SECURITY = "security"
    AUDIT = "audit"


class Permission(StrEnum):
    """What a route or a task needs."""

    VM_READ = "vm:read"
    VM_CREATE = "vm:create"
    VM_OPERATE = "vm:operate"
    VM_EDIT = "vm:edit"
    VM_DELETE = "vm:delete"
    VM_CONSOLE = "vm:console"
    VOLUME_READ = "volume:read"
    VOLUME_WRITE = "volume:write"
    SNAPSHOT_READ = "snapshot:read"
    SNAPSHOT_WRITE = "snapshot:write"
    IMAGE_READ = "image:read"
    IMAGE_WRITE = "image:write"
    NETWORK_READ = "network:read"
    NETWORK_WRITE = "network:write"
    SECURITY_GROUP_READ = "security_group:read"
    SECURITY_GROUP_WRITE = "security_group:write"
    FLOATING_IP_READ = "floating_ip:read"
    FLOATING_IP_WRITE = "floating_ip:write"
    FORWARD_READ = "forward:read"
    FORWARD_WRITE = "forward:write"
    ROUTER_READ = "router:read"
    ROUTER_WRITE = "router:write"
    STORAGE_READ = "storage:read"
    HOST_READ = "host:read"
    HOST_WRITE = "host:write"
    POOL_READ = "pool:read"
    POOL_WRITE = "pool:write"
    PROJECT_READ = "project:read"
    PROJECT_WRITE = "project:write"
    TASK_READ = "task:read"
    TASK_CANCEL = "task:cancel"
    EVENT_READ = "event:read"
    ALARM_READ = "alarm:read"
    SYSTEM_CHECK = "system:check"
    USER_CREATE = "user:create"
    USER_READ = "user:read"
    USER_WRITE = "user:write"
    GRANT_READ = "grant:read"
    GRANT_WRITE = "grant:write"
    POLICY_READ = "policy:read"
    POLICY_WRITE = "policy:write"
    LABEL_WRITE = "label:write"
    AUDIT_READ = "audit:read"
    AUDIT_VERIFY = "audit:verify"
    SELF = "self"


_SECURITY = {
    Permission.GRANT_READ, Permission.GRANT_WRITE, Permission.POLICY_READ, Permission.POLICY_WRITE,
    Permission.LABEL_WRITE,
}  # fmt: skip
_AUDIT = {Permission.AUDIT_READ, Permission.AUDIT_VERIFY}
_EVERYBODY = {Permission.SELF}
"""Own password, own sessions and tokens: of every account, of no duty."""
_SHARED = {Permission.USER_READ}
"""Who exists: needed by all three."""


def duty_of(permission: Permission) -> Duty | None:
    """The administrator whose work this is; None for what every account may."""
    if permission in _EVERYBODY | _SHARED:
        return None
    if permission in _SECURITY:
        return Duty.SECURITY
    return Duty.AUDIT if permission in _AUDIT else Duty.SYSTEM


@dataclass(frozen=True)
class Role:
    """A named set of permissions of one duty."""

    name: str
    duty: Duty
    permissions: frozenset[Permission]

    def __post_init__(self) -> None:
        foreign = [p for p in self.permissions if duty_of(p) not in (None, self.duty)]
        if foreign:
            raise Conflict(f"Role {self.name} would mix duties: {', '.join(foreign)} is not of {self.duty}.",
                           code="role.mixed_duties", hint="Make one role per duty.")  # fmt: skip


def _all_of(duty: Duty) -> frozenset[Permission]:
    return frozenset(p for p in Permission if duty_of(p) in (None, duty))


SYSTEM_ROLE = Role("system-administrator", Duty.SYSTEM, _all_of(Duty.SYSTEM))
SECURITY_ROLE = Role("security-administrator", Duty.SECURITY, _all_of(Duty.SECURITY))
AUDIT_ROLE = Role("audit-administrator", Duty.AUDIT, _all_of(Duty.AUDIT))
OPERATOR_ROLE = Role(
    "operator",
    Duty.SYSTEM,
    frozenset({
        Permission.VM_READ, Permission.VM_OPERATE, Permission.VM_CONSOLE, Permission.VOLUME_READ,
        Permission.SNAPSHOT_READ, Permission.IMAGE_READ, Permission.NETWORK_READ, Permission.SECURITY_GROUP_READ,
        Permission.FLOATING_IP_READ, Permission.FORWARD_READ, Permission.ROUTER_READ, Permission.STORAGE_READ,
        Permission.HOST_READ, Permission.POOL_READ, Permission.PROJECT_READ,
        Permission.TASK_READ, Permission.EVENT_READ, Permission.ALARM_READ, Permission.USER_READ, Permission.SELF,
    }),
)  # fmt: skip
VIEWER_ROLE = Role(
    "viewer",
    Duty.SYSTEM,
    frozenset(p for p in SYSTEM_ROLE.permissions if p.value.endswith(":read")) | {Permission.SELF},
)
BUILTIN_ROLES = {r.name: r for r in (SYSTEM_ROLE, SECURITY_ROLE, AUDIT_ROLE, OPERATOR_ROLE, VIEWER_ROLE)}


class ScopeKind(StrEnum):
    """How far a grant reaches."""

    EVERYTHING = "everything"
    POOL = "pool"
    PROJECT = "project"
    OBJECT = "object"


@dataclass(frozen=True)
class Scope:
    """Where a grant holds; `id` is empty for everything."""

    kind: ScopeKind = ScopeKind.EVERYTHING
    id: str = ""

    def covers(self, project_id: str, object_id: str) -> bool:
        """Whether an object of a project lies within. A pool covers everything: such grants are only made while there
        is one pool (`manager/services/scopes.py:check_scope`, `manager/services/pools.py:PoolService.create`)."""
        if self.kind is ScopeKind.PROJECT:
            return self.id == project_id
        if self.kind is ScopeKind.OBJECT:
            return self.id == object_id
        return True
