"""Logging in, locking out, sessions and API tokens."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from altus.common.errors import Conflict, Forbidden, InvalidInput, LimitExceeded, NotFound, Unauthenticated
from altus.manager.services.access import Access, bearer
from altus.manager.services.hashing import Hasher
from altus.manager.services.hosts import ensure_defaults
from altus.manager.store.accounts import ACCOUNT, SESSIONS, TOKENS
from altus.model.account import SubjectKind
from altus.model.permission import Permission, Scope, ScopeKind
from tests.unit.manager.services.conftest import Office


async def fail(office: Office, name: str = "sysadmin", times: int = 1) -> list[Unauthenticated]:
    errors = []
    for _ in range(times):
        with pytest.raises(Unauthenticated) as caught:
            await office.security.sessions.login(name, "wrong", "10.0.0.9")
        errors.append(caught.value)
    return errors


async def login(office: Office, name: str = "sysadmin") -> str:
    return (await office.security.sessions.login(name, office.passwords[name], "10.0.0.1"))[1]


async def refused(office: Office, token: str) -> bool:
    try:
        await office.security.access.authenticate(token)
    except Unauthenticated:
        return True
    return False


async def test_a_login_gives_a_token_of_which_only_a_digest_is_stored(office: Office) -> None:
    token = await login(office)
    assert token.startswith("alts_")
    assert len(token) >= 5 + 43
    actor = await office.security.access.authenticate(token, "10.0.0.1", "req-1")
    assert (actor.name, actor.source, actor.request_id, actor.is_session) == ("sysadmin", "10.0.0.1", "req-1", True)
    stored = await office.db.read(lambda tx: str(tx.execute(SESSIONS.table.select()).all()))
    assert token not in stored
    assert token.removeprefix("alts_") not in stored
    assert ("sysadmin", "session.login", "succeeded", "") in await office.trail()


async def test_names_are_not_case_sensitive_at_login(office: Office) -> None:
    await office.security.sessions.login("SysAdmin", office.passwords["sysadmin"])


@pytest.mark.parametrize("name", ["nobody", "", "\x00", "\ud800", "x" * 10_000])
async def test_an_unknown_name_is_answered_like_a_wrong_password(office: Office, name: str) -> None:
    unknown, wrong = (await fail(office, name))[0], (await fail(office))[0]
    assert unknown.to_dict() == wrong.to_dict()
    assert ("", "session.login", "failed", "login.unknown_account") in await office.trail()


async def test_an_unknown_name_costs_a_hash_too(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []
    verify = PasswordHasher.verify

    def noted(self: PasswordHasher, stored: str, password: bytes) -> bool:
        compared.append(stored.rpartition("$")[0].rpartition("$")[0])  # how dear it is, without salt and hash
        return verify(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", noted)
    hasher = Hasher()
    for stored in (await hasher.hash("Garden-Ladder-77"), None):
        assert not await hasher.matches(stored, "wrong")
    hasher.close()
    known, unknown = compared
    assert known == unknown
    assert known.startswith("$argon2id$")


async def test_five_failures_lock_the_account_for_a_while_even_for_the_right_password(office: Office) -> None:
    errors = await fail(office, times=5)
    with pytest.raises(Unauthenticated) as caught:
        await login(office)
    assert caught.value.to_dict() == errors[0].to_dict(), "being locked must not tell that the password is right"
    office.clock.advance(minutes=14)
    with pytest.raises(Unauthenticated):
        await login(office)
    office.clock.advance(minutes=2)
    await login(office)
    codes = [code for _, action, _, code in await office.trail() if action == "session.login"]
    assert codes == [*["login.wrong_password"] * 4, "login.locked_now", "login.locked", "login.locked", ""]


async def test_a_success_starts_the_count_anew(office: Office) -> None:
    await fail(office, times=4)
    await login(office)
    await fail(office, times=4)
    await login(office)


async def test_many_guesses_at_once_get_no_more_tries(office: Office) -> None:
    wrong = [office.security.sessions.login("sysadmin", f"wrong-{n}") for n in range(20)]
    results = await asyncio.gather(*wrong, return_exceptions=True)
    assert all(isinstance(result, Unauthenticated) for result in results)
    codes = [code for _, _, _, code in await office.trail()]
    assert codes.count("login.wrong_password") + codes.count("login.locked_now") == 5
    assert codes.count("login.locked") == 15


async def test_the_lock_out_follows_the_policy_and_an_administrator_lifts_it(office: Office) -> None:
    await office.security.policies.update(await office.actor("secadmin"), "password", {"lockout_attempts": 3})
    await fail(office, "auditadmin", times=3)
    with pytest.raises(Unauthenticated):
        await login(office, "auditadmin")
    with pytest.raises(Forbidden):
        await office.security.accounts.unlock(await office.actor("sysadmin"), "auditadmin")
    await office.security.accounts.unlock(await office.actor("secadmin"), "auditadmin")
    await login(office, "auditadmin")


async def test_being_locked_out_does_not_end_sessions(office: Office) -> None:
    token = await login(office)
    await fail(office, times=5)
    assert not await refused(office, token)


async def test_a_disabled_account_cannot_log_in_and_its_sessions_end_at_once(office: Office) -> None:
    account, password = await office.security.accounts.create(await office.actor("sysadmin"), "carol")
    _, token = await office.security.sessions.login("carol", password)
    assert not await refused(office, token)
    await office.security.accounts.update(await office.actor("sysadmin"), account.id, enabled=False)
    assert await refused(office, token)
    with pytest.raises(Unauthenticated):
        await office.security.sessions.login("carol", password)


async def test_too_many_logins_at_once_are_put_off(office: Office) -> None:
    logins = [office.security.sessions.login("nobody", "x") for _ in range(300)]
    results = await asyncio.gather(*logins, return_exceptions=True)
    assert {type(result) for result in results} == {Unauthenticated, LimitExceeded}


async def test_an_idle_session_ends(office: Office) -> None:
    token = await login(office)
    for _ in range(3):
        office.clock.advance(minutes=29)
        assert not await refused(office, token)
    office.clock.advance(minutes=31)
    assert await refused(office, token)


async def test_a_session_in_use_is_not_idle_for_another_manager(office: Office) -> None:
    token = await login(office)
    other = Access(office.db, office.clock)
    for _ in range(4):
        office.clock.advance(minutes=20)
        await office.security.access.authenticate(token)
        await other.authenticate(token)


async def test_no_session_outlives_its_absolute_end(office: Office) -> None:
    token = await login(office)
    for _ in range(12 * 4 - 1):
        office.clock.advance(minutes=15)
        assert not await refused(office, token)
    office.clock.advance(minutes=16)
    assert await refused(office, token)
    assert await office.security.sessions.forget_expired() == 1


async def test_beyond_the_limit_the_oldest_session_ends(office: Office) -> None:
    await office.security.policies.update(await office.actor("secadmin"), "session", {"sessions_per_account": 2})
    first, second, third = [await login(office) for _ in range(3)]
    assert [await refused(office, token) for token in (first, second, third)] == [True, False, False]
    assert len(await office.security.sessions.list(await office.actor("sysadmin"))) == 2


async def test_logging_out_takes_effect_at_once(office: Office) -> None:
    token, other = await login(office), await login(office)
    actor = await office.security.access.authenticate(token)
    await office.security.sessions.logout(actor)
    assert await refused(office, token)
    assert not await refused(office, other)


async def test_nobody_ends_a_session_of_somebody_else_by_its_id(office: Office) -> None:
    session, token = await office.security.sessions.login("secadmin", office.passwords["secadmin"])
    with pytest.raises(NotFound):
        await office.security.sessions.revoke(await office.actor("sysadmin"), session.id)
    assert not await refused(office, token)
    assert await office.security.sessions.revoke_all(await office.actor("secadmin"), "secadmin") == 1
    assert await refused(office, token)


async def test_an_aged_password_must_be_changed(office: Office) -> None:
    system = await office.actor("sysadmin")
    await office.security.accounts.set_password(system, office.passwords["sysadmin"], "Garden-Ladder-77")
    await office.security.policies.update(await office.actor("secadmin"), "password", {"max_age_days": 30})
    office.clock.advance(days=31)
    _, token = await office.security.sessions.login("sysadmin", "Garden-Ladder-77")
    assert (await office.security.access.authenticate(token)).must_change_password


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "alts_x"])
def test_only_bearer_tokens_are_taken(header: str | None) -> None:
    with pytest.raises(Unauthenticated) as caught:
        bearer(header)
    assert caught.value.code == "auth.missing"


@pytest.mark.parametrize("token", ["", "x", "alts_", "altt_", "alts_\x00", "alts_\ud800", "alts_" + "x" * 100_000])
async def test_made_up_tokens_are_refused(office: Office, token: str) -> None:
    assert await refused(office, token)


HOUR = timedelta(hours=1)


async def test_an_api_token_acts_for_its_account_until_it_expires(office: Office) -> None:
    made, text = await office.security.tokens.create(await office.actor("sysadmin"), "ci", HOUR)
    assert text.startswith("altt_")
    actor = await office.security.access.authenticate(text, "10.0.0.7")
    assert actor.may(Permission.VM_CREATE)
    assert not actor.must_change_password, "that is for people"
    assert not actor.is_session
    [listed] = await office.security.tokens.list(await office.actor("sysadmin"))
    assert (listed.id, listed.last_used_at, listed.last_used_from) == (made.id, office.clock.now, "10.0.0.7")
    office.clock.advance(hours=1)
    assert await refused(office, text)


async def test_last_use_is_stored_at_most_once_a_minute(office: Office) -> None:
    _, text = await office.security.tokens.create(await office.actor("sysadmin"), "ci", HOUR)
    began = office.clock.now
    for seconds in (0, 20, 20):
        office.clock.advance(seconds=seconds)
        await office.security.access.authenticate(text)
    [listed] = await office.security.tokens.list(await office.actor("sysadmin"))
    assert listed.last_used_at == began
    office.clock.advance(seconds=30)
    await office.security.access.authenticate(text)
    [listed] = await office.security.tokens.list(await office.actor("sysadmin"))
    assert listed.last_used_at == office.clock.now


async def test_a_restricted_token_may_no_more_than_it_says_nor_than_its_account(office: Office) -> None:
    await office.db.write(ensure_defaults)
    await office.person("carol")
    security = await office.actor("secadmin")
    grant = await office.security.grants.create(security, SubjectKind.ACCOUNT, "carol", "operator")
    wanted = [Permission.VM_READ, Permission.VM_DELETE]
    scope = Scope(ScopeKind.POOL, "default")
    _, text = await office.security.tokens.create(await office.actor("carol"), "ci", HOUR, wanted, scope)
    actor = await office.security.access.authenticate(text)
    assert actor.may(Permission.VM_READ)
    assert not actor.may(Permission.VM_OPERATE)
    assert not actor.may(Permission.VM_DELETE)
    await office.security.grants.delete(security, grant.id)
    actor = await office.security.access.authenticate(text)
    assert not actor.may(Permission.VM_READ), "a taken grant takes effect at once"


async def test_tokens_do_not_make_tokens_beyond_themselves(office: Office) -> None:
    system = await office.actor("sysadmin")
    _, free = await office.security.tokens.create(system, "free", HOUR)
    _, bound = await office.security.tokens.create(system, "bound", HOUR, [Permission.SELF])
    access, tokens = office.security.access, office.security.tokens
    await tokens.create(await access.authenticate(free), "child", HOUR)
    with pytest.raises(Forbidden) as caught:
        await tokens.create(await access.authenticate(free), "longer", 2 * HOUR)
    assert caught.value.code == "token.outlives_creator"
    with pytest.raises(Forbidden) as caught:
        await tokens.create(await access.authenticate(bound), "wider", HOUR)
    assert caught.value.code == "token.restricted"


async def test_a_revoked_token_is_refused_at_once(office: Office) -> None:
    system = await office.actor("sysadmin")
    _, text = await office.security.tokens.create(system, "ci", HOUR)
    assert not await refused(office, text)
    await office.security.tokens.revoke(system, "ci")
    assert await refused(office, text)
    assert text not in await office.db.read(lambda tx: str(tx.execute(TOKENS.table.select()).all()))


async def test_tokens_of_others_are_managed_by_who_manages_the_account(office: Office) -> None:
    await office.person("carol")
    _, text = await office.security.tokens.create(await office.actor("carol"), "ci", HOUR)
    with pytest.raises(Forbidden):
        await office.security.tokens.list(await office.actor("secadmin"), "carol")
    await office.security.tokens.revoke(await office.actor("sysadmin"), "ci", "carol")
    assert await refused(office, text)


async def test_token_names_times_and_numbers_are_bounded(office: Office) -> None:
    system, tokens = await office.actor("sysadmin"), office.security.tokens
    await office.security.policies.update(await office.actor("secadmin"), "session", {"tokens_per_account": 1})
    for life in (timedelta(0), timedelta(days=366)):
        with pytest.raises(InvalidInput) as invalid:
            await tokens.create(system, "ci", life)
        assert invalid.value.code == "token.expiry"
    await tokens.create(system, "ci", HOUR)
    with pytest.raises(Conflict) as taken:
        await tokens.create(system, "ci", HOUR)
    assert taken.value.code == "token.name_taken"
    with pytest.raises(LimitExceeded):
        await tokens.create(system, "ci2", HOUR)
    with pytest.raises(InvalidInput):
        await tokens.create(system, "../x", HOUR)


async def test_this_machine_s_token_is_replaced_when_issued_again(office: Office) -> None:
    first = await office.security.local.issue_token("sysadmin", "local")
    second = await office.security.local.issue_token("sysadmin", "local")
    assert await refused(office, first)
    assert (await office.security.access.authenticate(second)).may(Permission.VM_CREATE)
    office.clock.advance(days=4000)
    assert not await refused(office, second)
    assert await office.security.tokens.forget_expired() == 0


async def test_an_outdated_hash_is_renewed_at_the_next_login(office: Office) -> None:
    from argon2 import PasswordHasher

    from altus.manager.store.accounts import ACCOUNTS, passwords_of, rehash_password

    cheap = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(office.passwords["sysadmin"])
    account = await office.db.read(lambda tx: ACCOUNT.first(tx, ACCOUNTS.table.c.name == "sysadmin"))
    assert account is not None
    account_id = account.id
    [old] = await office.db.read(lambda tx: passwords_of(tx, account_id, 5))
    await office.db.write(lambda tx: rehash_password(tx, account_id, old, cheap))
    await login(office)
    [new] = await office.db.read(lambda tx: passwords_of(tx, account_id, 5))
    assert "m=19456,t=2,p=1" in new
    await login(office)
