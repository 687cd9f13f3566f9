"""Who asks and what that one may."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altus.common.errors import Conflict, Forbidden, InvalidInput
from altus.model.account import Grant, Holding, SubjectKind, check_account_name
from altus.model.actor import Actor, Right
from altus.model.permission import (
    BUILTIN_ROLES,
    OPERATOR_ROLE,
    SYSTEM_ROLE,
    VIEWER_ROLE,
    Duty,
    Permission,
    Role,
    Scope,
    ScopeKind,
    duty_of,
)

PROJECT_A, PROJECT_B = Scope(ScopeKind.PROJECT, "a"), Scope(ScopeKind.PROJECT, "b")
OBJECT = Scope(ScopeKind.OBJECT, "vm-1")


def actor(*rights: Right, limit: Right | None = None, must_change: bool = False) -> Actor:
    return Actor(account_id="1", name="carol", duty=Duty.SYSTEM, rights=rights, limit=limit,
                 must_change_password=must_change)  # fmt: skip


def test_no_two_builtin_administrators_share_a_permission_beyond_what_everybody_needs() -> None:
    shared = {p for p in Permission if duty_of(p) is None}
    administrators = [role.permissions - shared for role in BUILTIN_ROLES.values() if "administrator" in role.name]
    assert len(administrators) == 3
    assert frozenset.union(*administrators) == frozenset(Permission) - shared
    assert sum(map(len, administrators)) == len(frozenset.union(*administrators))


def test_a_role_cannot_mix_duties() -> None:
    with pytest.raises(Conflict) as caught:
        Role("both", Duty.SYSTEM, frozenset({Permission.VM_READ, Permission.AUDIT_READ}))
    assert caught.value.code == "role.mixed_duties"


def test_a_grant_reaches_as_far_as_its_scope() -> None:
    carol = actor(Right(OPERATOR_ROLE.permissions, PROJECT_A), Right(OPERATOR_ROLE.permissions, OBJECT))
    assert carol.may(Permission.VM_OPERATE, "a", "vm-9")
    assert carol.may(Permission.VM_OPERATE, "b", "vm-1")
    assert not carol.may(Permission.VM_OPERATE, "b", "vm-9")
    assert not carol.may(Permission.VM_OPERATE)
    assert not carol.may(Permission.VM_DELETE, "a", "vm-9")
    assert carol.may_somewhere(Permission.VM_OPERATE)
    assert carol.visible_projects(Permission.VM_READ) == frozenset({"a"})
    assert carol.visible_objects(Permission.VM_READ) == frozenset({"vm-1"})
    assert carol.visible_projects(Permission.VM_DELETE) == frozenset()


@pytest.mark.parametrize("scope", [Scope(), Scope(ScopeKind.POOL, "default")])
def test_everything_and_the_only_pool_show_all_projects(scope: Scope) -> None:
    assert actor(Right(VIEWER_ROLE.permissions, scope)).visible_projects(Permission.VM_READ) is None


def test_a_token_restriction_narrows_what_the_account_may() -> None:
    limit = Right(frozenset({Permission.VM_READ, Permission.AUDIT_READ}), PROJECT_A)
    carol = actor(Right(SYSTEM_ROLE.permissions), limit=limit)
    assert carol.may(Permission.VM_READ, "a", "x")
    assert not carol.may(Permission.VM_READ, "b", "x")
    assert not carol.may(Permission.VM_DELETE, "a", "x")
    assert not carol.may(Permission.AUDIT_READ, "a", "x"), "a token never adds rights"
    assert not carol.may(Permission.SELF)
    assert carol.visible_projects(Permission.VM_READ) == frozenset({"a"})


def test_lists_show_nothing_of_which_it_is_unknown_whether_a_token_may_see_it() -> None:
    carol = actor(Right(SYSTEM_ROLE.permissions, PROJECT_A), limit=Right(frozenset(Permission), OBJECT))
    assert carol.visible_projects(Permission.VM_READ) == frozenset()
    assert carol.visible_objects(Permission.VM_READ) == frozenset()
    assert carol.may(Permission.VM_READ, "a", "vm-1")
    assert not carol.may(Permission.VM_READ, "b", "vm-1")


scopes = st.sampled_from([Scope(), Scope(ScopeKind.POOL, "default"), PROJECT_A, PROJECT_B, OBJECT])
rights = st.builds(Right, st.frozensets(st.sampled_from(list(Permission)), max_size=6), scopes)


@given(st.lists(rights, max_size=4), st.none() | rights, st.sampled_from(list(Permission)),
       st.sampled_from(["", "a", "b"]), st.sampled_from(["", "vm-1", "vm-2"]))  # fmt: skip
def test_restricted_may_never_do_what_unrestricted_may_not(
    own: list[Right], limit: Right | None, permission: Permission, project: str, object_id: str
) -> None:
    free, bound = actor(*own), actor(*own, limit=limit)
    if bound.may(permission, project, object_id):
        assert free.may(permission, project, object_id)
        assert bound.may_somewhere(permission)
    visible = bound.visible_projects(permission)
    if permission is not Permission.SELF:
        if visible is None or project in visible:
            assert bound.may(permission, project, object_id)
        if object_id in bound.visible_objects(permission):
            assert bound.may(permission, project, object_id)


def test_until_the_password_is_changed_only_that_may_be_done() -> None:
    carol = actor(Right(SYSTEM_ROLE.permissions), must_change=True)
    carol.require(Permission.SELF)
    with pytest.raises(Forbidden) as caught:
        carol.require(Permission.VM_READ)
    assert caught.value.code == "password.must_change"
    assert carol.visible_projects(Permission.VM_READ) == frozenset()


def test_a_refusal_names_the_permission_and_whom_to_ask() -> None:
    with pytest.raises(Forbidden) as caught:
        actor(Right(SYSTEM_ROLE.permissions)).require(Permission.AUDIT_READ)
    assert caught.value.code == "access.denied"
    assert "audit:read" in caught.value.message
    assert "audit administrator" in caught.value.hint


def test_duties_count_through_groups_too() -> None:
    direct = Grant(id="1", subject_kind=SubjectKind.ACCOUNT, subject_id="carol", role="operator")
    by_group = Grant(id="2", subject_kind=SubjectKind.GROUP, subject_id="g", role="audit-administrator")
    holding = Holding((direct, by_group), (("g", "carol"), ("g", "dave")))
    assert holding.duties() == {"carol": {Duty.SYSTEM, Duty.AUDIT}, "dave": {Duty.AUDIT}}
    assert holding.administrators(Duty.AUDIT, ["dave", "eve"]) == {"dave"}


@pytest.mark.parametrize("name", ["", "Carol", "-x", "a b", "a/b", "x" * 64, "é", "a\n", "a\x00"])
def test_account_names_that_could_be_mistaken_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        check_account_name(name)
