"""Grants, groups and roles: nobody has two duties, nobody grants to himself."""

from __future__ import annotations

import pytest

from altus.common.errors import Conflict, Forbidden, InvalidInput, NotFound
from altus.common.ids import new_id
from altus.manager.store.resources import PROJECT
from altus.model.account import SubjectKind
from altus.model.permission import Duty, Permission, Scope, ScopeKind
from altus.model.query import ListQuery
from altus.model.resource import Resource
from tests.unit.manager.services.conftest import Office

ACCOUNT, GROUP = SubjectKind.ACCOUNT, SubjectKind.GROUP


@pytest.mark.parametrize("name", ["sysadmin", "auditadmin"])
async def test_only_security_administrators_grant(office: Office, name: str) -> None:
    await office.person("carol")
    actor = await office.actor(name)
    for call in (
        office.security.grants.create(actor, ACCOUNT, "carol", "viewer"),
        office.security.groups.create(actor, "team"),
        office.security.roles.create(actor, "mine", Duty.SYSTEM, [Permission.VM_READ]),
        office.security.policies.update(actor, "password", {"min_length": 8}),
    ):
        with pytest.raises(Forbidden):
            await call


async def test_a_grant_gives_its_role_within_its_scope(office: Office) -> None:
    await office.person("carol")
    project = Resource(id=new_id(), name="lab")
    await office.db.write(lambda tx: PROJECT.insert(tx, project))
    scope = Scope(ScopeKind.PROJECT, project.id)
    grant = await office.security.grants.create(await office.actor("secadmin"), ACCOUNT, "carol", "operator", scope)
    carol = await office.actor("carol")
    assert carol.may(Permission.VM_OPERATE, project.id)
    assert not carol.may(Permission.VM_OPERATE, "another")
    again = await office.security.grants.create(await office.actor("secadmin"), ACCOUNT, "carol", "operator", scope)
    assert again == grant
    await office.security.grants.delete(await office.actor("secadmin"), grant.id)
    assert not (await office.actor("carol")).may_somewhere(Permission.VM_OPERATE)


async def test_nobody_grants_to_himself(office: Office) -> None:
    security = await office.actor("secadmin")
    with pytest.raises(Forbidden) as caught:
        await office.security.grants.create(security, ACCOUNT, "secadmin", "viewer")
    assert caught.value.code == "grant.self"
    await office.security.groups.create(security, "team")
    with pytest.raises(Forbidden) as caught:
        await office.security.groups.add_member(security, "team", "secadmin")
    assert caught.value.code == "grant.self"


async def test_nobody_grants_to_a_group_he_is_in(office: Office) -> None:
    await office.person("sec2")
    security = await office.actor("secadmin")
    await office.security.grants.create(security, ACCOUNT, "sec2", "security-administrator")
    await office.security.groups.create(security, "team")
    await office.security.groups.add_member(security, "team", "sec2")
    with pytest.raises(Forbidden) as caught:
        await office.security.grants.create(await office.actor("sec2"), GROUP, "team", "security-administrator")
    assert caught.value.code == "grant.self"


async def test_nobody_changes_a_role_he_has(office: Office) -> None:
    await office.person("sec2")
    security = await office.actor("secadmin")
    own = [Permission.GRANT_WRITE, Permission.GRANT_READ]
    await office.security.roles.create(security, "granter", Duty.SECURITY, own)
    await office.security.grants.create(security, ACCOUNT, "sec2", "granter")
    with pytest.raises(Forbidden) as caught:
        await office.security.roles.update(await office.actor("sec2"), "granter", permissions=[Permission.POLICY_WRITE])
    assert caught.value.code == "grant.self"
    await office.security.roles.update(security, "granter", permissions=[*own, Permission.POLICY_WRITE])
    assert (await office.actor("sec2")).may(Permission.POLICY_WRITE)


async def test_two_duties_are_refused_when_granted_to_an_account(office: Office) -> None:
    await office.person("carol")
    security = await office.actor("secadmin")
    await office.security.grants.create(security, ACCOUNT, "carol", "viewer")
    with pytest.raises(Conflict) as caught:
        await office.security.grants.create(security, ACCOUNT, "carol", "audit-administrator")
    assert caught.value.code == "duty.separation"
    assert not (await office.actor("carol")).may(Permission.AUDIT_READ)


async def test_two_duties_are_refused_when_granted_to_a_group_of_the_account(office: Office) -> None:
    await office.person("carol")
    security = await office.actor("secadmin")
    await office.security.groups.create(security, "team")
    await office.security.groups.add_member(security, "team", "carol")
    await office.security.grants.create(security, ACCOUNT, "carol", "viewer")
    with pytest.raises(Conflict) as caught:
        await office.security.grants.create(security, GROUP, "team", "audit-administrator")
    assert caught.value.code == "duty.separation"


async def test_two_duties_are_refused_when_joining_a_group(office: Office) -> None:
    await office.person("carol")
    security = await office.actor("secadmin")
    await office.security.groups.create(security, "auditors")
    await office.security.grants.create(security, GROUP, "auditors", "audit-administrator")
    await office.security.grants.create(security, ACCOUNT, "carol", "viewer")
    with pytest.raises(Conflict) as caught:
        await office.security.groups.add_member(security, "auditors", "carol")
    assert caught.value.code == "duty.separation"
    with pytest.raises(Conflict):
        await office.security.groups.add_member(security, "auditors", "sysadmin")
    assert (await office.security.groups.get(security, "auditors"))[1] == ()


async def test_a_role_of_two_duties_is_refused_also_when_changed(office: Office) -> None:
    security = await office.actor("secadmin")
    with pytest.raises(Conflict) as caught:
        await office.security.roles.create(security, "both", Duty.SYSTEM, [Permission.VM_READ, Permission.AUDIT_READ])
    assert caught.value.code == "role.mixed_duties"
    await office.security.roles.create(security, "one", Duty.SYSTEM, [Permission.VM_READ])
    with pytest.raises(Conflict):
        await office.security.roles.update(security, "one", permissions=[Permission.AUDIT_READ])
    assert (await office.security.roles.get(security, "one")).permissions == {Permission.VM_READ}


async def test_a_changed_role_takes_effect_for_all_who_have_it(office: Office) -> None:
    await office.person("carol")
    security = await office.actor("secadmin")
    await office.security.roles.create(security, "starter", Duty.SYSTEM, [Permission.VM_READ])
    await office.security.groups.create(security, "team")
    await office.security.groups.add_member(security, "team", "carol")
    await office.security.grants.create(security, GROUP, "team", "starter")
    assert not (await office.actor("carol")).may(Permission.VM_OPERATE)
    await office.security.roles.update(security, "starter", permissions=[Permission.VM_READ, Permission.VM_OPERATE])
    assert (await office.actor("carol")).may(Permission.VM_OPERATE)
    with pytest.raises(Conflict) as caught:
        await office.security.roles.delete(security, "starter")
    assert caught.value.code == "role.in_use"
    await office.security.groups.delete(security, "team")
    await office.security.roles.delete(security, "starter")
    with pytest.raises(NotFound):
        await office.security.roles.get(security, "starter")


async def test_builtin_roles_and_grants_stay(office: Office) -> None:
    security = await office.actor("secadmin")
    with pytest.raises(Conflict):
        await office.security.roles.delete(security, "viewer")
    with pytest.raises(Conflict):
        await office.security.roles.create(security, "viewer", Duty.SYSTEM, [])
    for grant in (await office.security.grants.list(security, ListQuery())).items:
        with pytest.raises(Conflict) as caught:
            await office.security.grants.delete(security, grant.id)
        assert caught.value.code == "grant.builtin"


async def test_the_last_administrator_keeps_the_role_through_group_changes(office: Office) -> None:
    await office.person("audit2")
    security = await office.actor("secadmin")
    await office.security.groups.create(security, "auditors")
    await office.security.grants.create(security, GROUP, "auditors", "audit-administrator")
    await office.security.groups.add_member(security, "auditors", "audit2")
    await office.security.accounts.update(security, "auditadmin", enabled=False)
    for call in (
        office.security.groups.remove_member(security, "auditors", "audit2"),
        office.security.groups.delete(security, "auditors"),
    ):
        with pytest.raises(Conflict) as caught:
            await call
        assert caught.value.code == "duty.last_administrator"


async def test_scopes_must_exist_and_narrow_system_roles_only(office: Office) -> None:
    await office.person("carol")
    security, grants = await office.actor("secadmin"), office.security.grants
    for scope in (Scope(ScopeKind.PROJECT, "nowhere"), Scope(ScopeKind.OBJECT, new_id()), Scope(ScopeKind.POOL, "x")):
        with pytest.raises(NotFound) as missing:
            await grants.create(security, ACCOUNT, "carol", "viewer", scope)
        assert missing.value.code == "scope.not_found"
    with pytest.raises(InvalidInput):
        await grants.create(security, ACCOUNT, "carol", "viewer", Scope(ScopeKind.EVERYTHING, "x"))
    with pytest.raises(InvalidInput) as caught:
        await grants.create(security, ACCOUNT, "carol", "audit-administrator", Scope(ScopeKind.POOL, "default"))
    assert caught.value.code == "grant.scope"


async def test_policies_change_and_what_changed_is_audited(office: Office) -> None:
    security = await office.actor("secadmin")
    await office.security.policies.update(security, "password", {"min_length": 16})
    page = await office.security.audit.list(
        await office.actor("auditadmin"), ListQuery(sort="seq", descending=True, limit=1)
    )
    assert page.items[0].details == {"min_length": [12, 16]}
    with pytest.raises(InvalidInput):
        await office.security.accounts.create(await office.actor("sysadmin"), "carol", password="Garden-Ladder7")
