"""Accounts, sessions, tokens, groups, grants, roles, policies and the audit trail on the public API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from altus.model.account import SubjectKind
from altus.model.audit import Outcome, Tampering
from altus.model.permission import Duty, Permission, ScopeKind
from altus.wire.base import Flag, Name, Reference, Shape, Text, View, example, says

Password = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Duration = Annotated[
    str,
    StringConstraints(pattern=r"^[1-9][0-9]{0,4}[smhdw]$"),
    says("must be a number with a unit: 30s, 15m, 8h, 7d, 2w"),
]
"""A number and s, m, h, d or w, such as `1h`."""


class Login(Shape):
    """Who logs in. `cookie` is for browsers: the token comes in a cookie that scripts cannot read."""

    model_config = example(name="sysadmin", password="correct horse battery staple")  # noqa: S106

    name: Reference
    password: Password = Field(repr=False)
    cookie: Flag = False


class PasswordChange(Shape):
    """One's own password."""

    model_config = example(old="correct horse battery staple", new="a new and long one 7")

    old: Password = Field(repr=False)
    new: Password = Field(repr=False)


class SessionView(View):
    """Somebody logged in."""

    id: str
    account_id: str
    source: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


class SessionOpened(SessionView):
    """A new session; `token` is shown this once, and empty if it came in a cookie."""

    token: str
    must_change_password: bool = False


class WhoamiView(View):
    """Who asks. `operations` are those of the API, by their ids, that this one may use somewhere: what may be done
    with an object, its own `allowed_actions` tell."""

    account_id: str
    name: str
    display_name: str
    duty: Duty | None
    must_change_password: bool
    operations: list[str]


class ScopeShape(Shape):
    """How far something reaches; `id` names the project or object."""

    kind: ScopeKind = ScopeKind.EVERYTHING
    id: Annotated[str, StringConstraints(max_length=80)] = ""


class TokenCreate(Shape):
    """An API token of one's own account, never for more than the account may."""

    model_config = example(name="backup", expires_in="30d", permissions=["vm:read"])

    name: Name
    expires_in: Duration
    permissions: list[Permission] | None = None
    scope: ScopeShape = ScopeShape()


class TokenView(View):
    """An API token, without its text."""

    id: str
    account_id: str
    name: str
    permissions: list[Permission] | None
    scope_kind: ScopeKind
    scope_id: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    last_used_from: str


class TokenCreated(TokenView):
    """A new API token; `token` is shown this once."""

    token: str


class UserCreate(Shape):
    """A new account without rights; a one-time password is made unless one is given."""

    model_config = example(name="ana", display_name="Ana Lima")

    name: Annotated[str, StringConstraints(max_length=63)]
    display_name: Annotated[str, StringConstraints(max_length=128)] = ""
    password: Password | None = Field(default=None, repr=False)


class UserEdit(Shape):
    """Fields to change."""

    model_config = example(enabled=False)

    display_name: Annotated[str, StringConstraints(max_length=128)] | None = None
    enabled: Flag | None = None


class UserView(View):
    """An account."""

    id: str
    name: str
    display_name: str
    enabled: bool
    builtin: bool
    must_change_password: bool
    locked_until: datetime | None
    last_login_at: datetime | None
    created_at: datetime
    updated_at: datetime
    revision: int


class GrantView(View):
    """A role given to an account or group within a scope."""

    id: str
    subject_kind: SubjectKind
    subject_id: str
    role: str
    scope_kind: ScopeKind
    scope_id: str
    builtin: bool
    granted_by: str
    created_at: datetime


class UserDetails(UserView):
    """An account with its duty, groups and grants, as far as the asker may see them."""

    duty: Duty | None
    groups: list[str]
    grants: list[GrantView]


class UserSecret(UserView):
    """An account with its one-time password, shown this once."""

    password: str


class GroupCreate(Shape):
    """An empty group."""

    model_config = example(name="operators", description="Who watches at night")

    name: Annotated[str, StringConstraints(max_length=63)]
    description: Text = ""


class GroupView(View):
    """A group."""

    id: str
    name: str
    description: str
    created_at: datetime
    updated_at: datetime
    revision: int


class GroupDetails(GroupView):
    """A group with its members."""

    members: list[UserView]


class GrantCreate(Shape):
    """Give a role to an account or group, within a scope."""

    model_config = example(subject="ana", role="operator")

    subject_kind: SubjectKind = SubjectKind.ACCOUNT
    subject: Reference
    role: Reference
    scope: ScopeShape = ScopeShape()


class RoleCreate(Shape):
    """A role of one duty."""

    model_config = example(name="console-only", duty="system", permissions=["vm:read", "vm:console"])

    name: Name
    duty: Duty
    permissions: Annotated[list[Permission], Field(min_length=1)]
    description: Text = ""


class RoleView(View):
    """A named set of permissions of one duty."""

    name: str
    duty: Duty
    permissions: list[Permission]


class PolicyView(View):
    """A policy's values."""

    name: str
    values: dict[str, int | bool]


class PolicyEdit(Shape):
    """Values to change."""

    model_config = example(values={"idle_minutes": 15})

    values: dict[Annotated[str, StringConstraints(max_length=40)], Annotated[int, Field(strict=True)] | Flag]


class AuditView(View):
    """One record of the audit trail."""

    seq: int
    at: datetime
    actor_id: str
    actor_name: str
    duty: str
    source: str
    action: str
    noun: str
    object_id: str
    object_name: str
    project_id: str
    outcome: Outcome
    error_code: str
    duration_ms: int
    details: dict[str, Any]
    request_id: str
    prev_hash: str
    hash: str


class AuditVerdictView(View):
    """Whether the trail is whole; else the first broken record and what was done to it."""

    intact: bool
    records: int
    first_broken: int | None
    tampering: Tampering | None
    explanation: str
