"""Duties stay apart: no role holds permissions of two administrators."""

from __future__ import annotations

import pytest

from altus.common.errors import Conflict
from altus.model.permission import (
    AUDIT_ROLE,
    BUILTIN_ROLES,
    SECURITY_ROLE,
    SYSTEM_ROLE,
    Duty,
    Permission,
    Role,
    Scope,
    ScopeKind,
    duty_of,
)


def test_every_permission_of_a_duty_is_in_that_administrators_role_only() -> None:
    for permission in Permission:
        holders = {r.duty for r in (SYSTEM_ROLE, SECURITY_ROLE, AUDIT_ROLE) if permission in r.permissions}
        duty = duty_of(permission)
        assert holders == (set(Duty) if duty is None else {duty}), permission


def test_grants_and_the_audit_are_not_the_system_administrators() -> None:
    assert duty_of(Permission.GRANT_WRITE) is duty_of(Permission.LABEL_WRITE) is Duty.SECURITY
    assert duty_of(Permission.AUDIT_READ) is Duty.AUDIT
    assert duty_of(Permission.VM_DELETE) is duty_of(Permission.HOST_WRITE) is Duty.SYSTEM


def test_a_role_that_would_mix_duties_cannot_be_made() -> None:
    with pytest.raises(Conflict) as caught:
        Role("all", Duty.SYSTEM, frozenset({Permission.VM_READ, Permission.AUDIT_READ}))
    assert caught.value.code == "role.mixed_duties"
    for role in BUILTIN_ROLES.values():
        assert {duty_of(permission) for permission in role.permissions} <= {None, role.duty}


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        (Scope(), True),
        (Scope(ScopeKind.POOL, "any"), True),
        (Scope(ScopeKind.PROJECT, "p"), True),
        (Scope(ScopeKind.PROJECT, "q"), False),
        (Scope(ScopeKind.OBJECT, "o"), True),
        (Scope(ScopeKind.OBJECT, "p"), False),
    ],
    ids=str,
)
def test_a_scope_covers_what_lies_in_it(scope: Scope, covered: bool) -> None:
    assert scope.covers("p", "o") is covered
