"""Accounts: made without rights, kept apart by duty."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from altus.common.errors import AltusError, Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated
from altus.manager.store.accounts import PASSWORDS
from altus.model.account import SubjectKind
from altus.model.permission import Duty, Permission
from altus.model.query import Filter, FilterOp, ListQuery
from tests.unit.manager.services.conftest import Office


async def test_the_first_start_makes_three_administrators_with_one_duty_each(office: Office) -> None:
    assert set(office.passwords) == {"sysadmin", "secadmin", "auditadmin"}
    assert [(await office.actor(name)).duty for name in office.passwords] == [Duty.SYSTEM, Duty.SECURITY, Duty.AUDIT]
    assert await office.security.local.bootstrap(lambda _: pytest.fail("nothing was made")) == {}


async def test_no_account_exists_if_the_first_passwords_could_not_be_kept(office: Office) -> None:
    from altus.manager.store.accounts import ACCOUNT, ACCOUNTS

    await office.db.write(lambda tx: ACCOUNT.delete(tx, ACCOUNTS.table.c.name == "auditadmin"))

    def full(_made: object) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        await office.security.local.bootstrap(full)
    assert await office.db.read(lambda tx: ACCOUNT.first(tx, ACCOUNTS.table.c.name == "auditadmin")) is None
    assert set(await office.security.local.bootstrap(lambda _: None)) == {"auditadmin"}


async def test_a_new_account_has_no_rights_and_must_change_its_password(office: Office) -> None:
    system = await office.actor("sysadmin")
    account, password = await office.security.accounts.create(system, "carol", "Carol")
    assert account.must_change_password
    _, token = await office.security.sessions.login("carol", password)
    carol = await office.security.access.authenticate(token)
    assert not any(carol.may(permission) for permission in Permission if permission is not Permission.SELF)
    assert carol.must_change_password
    await office.security.accounts.set_password(carol, password, "Garden-Ladder-77")
    carol = await office.security.access.authenticate(token)
    assert not carol.must_change_password


async def test_passwords_are_stored_as_argon2id_only(office: Office) -> None:
    rows = await office.db.read(lambda tx: [row.hash for row in tx.execute(PASSWORDS.select())])
    assert len(rows) == 3
    assert all(row.startswith("$argon2id$v=19$m=19456,t=2,p=1$") for row in rows)


@pytest.mark.parametrize("name", ["secadmin", "auditadmin"])
async def test_only_the_system_administrator_makes_accounts(office: Office, name: str) -> None:
    with pytest.raises(Forbidden):
        await office.security.accounts.create(await office.actor(name), "mallory")
    assert (name, "user.create", "denied", "access.denied") in await office.trail()


async def test_names_are_unique(office: Office) -> None:
    system = await office.actor("sysadmin")
    await office.security.accounts.create(system, "carol")
    with pytest.raises(Conflict) as caught:
        await office.security.accounts.create(system, "carol")
    assert caught.value.code == "user.name_taken"


@pytest.mark.parametrize("name", ["secadmin", "auditadmin"])
@pytest.mark.parametrize("deed", ["disable", "delete", "reset", "logout"])
async def test_the_system_administrator_cannot_shut_out_who_watches(office: Office, name: str, deed: str) -> None:
    system, accounts = await office.actor("sysadmin"), office.security.accounts
    deeds: dict[str, Callable[[], Awaitable[object]]] = {
        "disable": lambda: accounts.update(system, name, enabled=False),
        "delete": lambda: accounts.delete(system, name),
        "reset": lambda: accounts.reset_password(system, name),
        "logout": lambda: office.security.sessions.revoke_all(system, name),
    }
    with pytest.raises(Forbidden):
        await deeds[deed]()


async def test_the_security_administrator_cannot_take_over_an_audit_administrator(office: Office) -> None:
    with pytest.raises(Forbidden):
        await office.security.accounts.reset_password(await office.actor("secadmin"), "auditadmin")


async def test_a_peer_resets_a_security_administrator_s_password_and_sessions_end(office: Office) -> None:
    await office.person("sec2")
    await office.security.grants.create(
        await office.actor("secadmin"), SubjectKind.ACCOUNT, "sec2", "security-administrator"
    )
    _, token = await office.security.sessions.login("secadmin", office.passwords["secadmin"])
    peer = await office.actor("sec2")
    password = await office.security.accounts.reset_password(peer, "secadmin")
    with pytest.raises(Unauthenticated):
        await office.security.access.authenticate(token)
    with pytest.raises(Unauthenticated):
        await office.security.sessions.login("secadmin", office.passwords["secadmin"])
    await office.security.sessions.login("secadmin", password)
    with pytest.raises(Forbidden) as caught:
        await office.security.accounts.reset_password(peer, "sec2")
    assert caught.value.code == "user.self"


async def test_the_last_administrator_of_a_duty_stays(office: Office) -> None:
    security = await office.actor("secadmin")
    with pytest.raises(Conflict) as caught:
        await office.security.accounts.update(security, "auditadmin", enabled=False)
    assert caught.value.code == "duty.last_administrator"
    await office.person("audit2")
    await office.security.grants.create(security, SubjectKind.ACCOUNT, "audit2", "audit-administrator")
    await office.security.accounts.update(security, "auditadmin", enabled=False)
    with pytest.raises(Conflict) as caught:
        await office.security.accounts.delete(security, "audit2")
    assert caught.value.code == "duty.last_administrator"


async def test_builtin_accounts_and_oneself_cannot_be_removed(office: Office) -> None:
    system = await office.actor("sysadmin")
    await office.person("sys2")
    await office.security.grants.create(
        await office.actor("secadmin"), SubjectKind.ACCOUNT, "sys2", "system-administrator"
    )
    with pytest.raises(Conflict) as caught:
        await office.security.accounts.delete(await office.actor("sys2"), "sysadmin")
    assert caught.value.code == "user.builtin"
    with pytest.raises(Conflict) as caught:
        await office.security.accounts.update(system, "sysadmin", enabled=False)
    assert caught.value.code == "user.self"


async def test_a_deleted_account_leaves_nothing_behind(office: Office) -> None:
    system = await office.actor("sysadmin")
    account, password = await office.security.accounts.create(system, "carol")
    await office.security.groups.create(await office.actor("secadmin"), "team")
    await office.security.groups.add_member(await office.actor("secadmin"), "team", "carol")
    await office.security.grants.create(await office.actor("secadmin"), SubjectKind.ACCOUNT, "carol", "viewer")
    _, token = await office.security.sessions.login("carol", password)
    await office.security.accounts.delete(system, "carol")
    with pytest.raises(Unauthenticated):
        await office.security.access.authenticate(token)
    with pytest.raises(NotFound):
        await office.security.accounts.get(system, account.id)
    grants = await office.security.grants.list(await office.actor("secadmin"), ListQuery())
    assert account.id not in {grant.subject_id for grant in grants.items}
    assert (await office.security.groups.get(system, "team"))[1] == ()


async def test_an_old_password_does_not_come_back(office: Office) -> None:
    system = await office.actor("sysadmin")
    accounts = office.security.accounts
    await accounts.set_password(system, office.passwords["sysadmin"], "Garden-Ladder-77")
    await accounts.set_password(system, "Garden-Ladder-77", "Window-Kettle-31")
    for former in ("Window-Kettle-31", "Garden-Ladder-77"):
        with pytest.raises(InvalidInput) as caught:
            await accounts.set_password(system, "Window-Kettle-31", former)
        assert caught.value.code == "password.reused"


async def test_guessing_the_old_password_is_counted_as_a_failed_login(office: Office) -> None:
    system = await office.actor("sysadmin")
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await office.security.accounts.set_password(system, "wrong", "Garden-Ladder-77")
    with pytest.raises(Unauthenticated):
        await office.security.accounts.set_password(system, office.passwords["sysadmin"], "Garden-Ladder-77")


async def test_changing_the_password_ends_the_other_sessions(office: Office) -> None:
    _, one = await office.security.sessions.login("sysadmin", office.passwords["sysadmin"])
    _, two = await office.security.sessions.login("sysadmin", office.passwords["sysadmin"])
    actor = await office.security.access.authenticate(one)
    await office.security.accounts.set_password(actor, office.passwords["sysadmin"], "Garden-Ladder-77")
    await office.security.access.authenticate(one)
    with pytest.raises(Unauthenticated):
        await office.security.access.authenticate(two)


async def test_who_may_not_see_grants_sees_only_his_own(office: Office) -> None:
    system = await office.actor("sysadmin")
    assert (await office.security.accounts.get(system, "secadmin")).grants == ()
    assert [g.role for g in (await office.security.accounts.get(system, "sysadmin")).grants] == ["system-administrator"]
    seen = await office.security.accounts.get(await office.actor("secadmin"), "auditadmin")
    assert seen.duty is Duty.AUDIT


async def test_accounts_are_listed_and_filtered(office: Office) -> None:
    query = ListQuery(filters=(Filter("name", FilterOp.CONTAINS, ("admin",)),), sort="name", limit=2)
    page = await office.security.accounts.list(await office.actor("auditadmin"), query)
    assert [account.name for account in page.items] == ["auditadmin", "secadmin"]
    assert page.next is not None


async def test_a_change_on_an_old_revision_is_refused(office: Office) -> None:
    system = await office.actor("sysadmin")
    await office.person("carol")
    newer = await office.security.accounts.update(system, "carol", display_name="Carol", revision=1)
    assert newer.revision == 2
    with pytest.raises(Conflict) as caught:
        await office.security.accounts.update(system, "carol", display_name="Karla", revision=1)
    assert caught.value.code == "user.changed"


@pytest.mark.parametrize("reference", ["", "\x00", "\ud800", "x" * 10_000, "'; DROP TABLE accounts; --"])
async def test_strange_references_lead_nowhere_without_breaking(office: Office, reference: str) -> None:
    system, security = await office.actor("sysadmin"), await office.actor("secadmin")
    calls = [
        office.security.accounts.update(system, reference, enabled=False),
        office.security.sessions.revoke(system, reference),
        office.security.tokens.revoke(system, reference),
        office.security.grants.create(security, "account", reference, "viewer"),  # type: ignore[arg-type]
        office.security.grants.create(security, "account", "sysadmin", reference),  # type: ignore[arg-type]
        office.security.groups.add_member(security, reference, reference),
        office.security.roles.delete(security, reference),
        office.security.policies.get(security, reference),
    ]
    for call in calls:
        with pytest.raises(AltusError) as caught:
            await call
        assert isinstance(caught.value, NotFound)


async def test_root_brings_back_a_lost_administrator(office: Office) -> None:
    password = await office.security.local.recover("auditadmin")
    await office.security.sessions.login("auditadmin", password)
    assert ("root", "user.recover", "succeeded", "") in await office.trail()
