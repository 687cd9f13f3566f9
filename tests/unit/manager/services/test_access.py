"""From a token to an actor: fast, and never stale within this manager."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from altus.common.errors import Unauthenticated, Unavailable
from altus.manager.services import access as module
from altus.manager.services.access import Access
from altus.manager.store.database import Database, Tx
from altus.model.account import SubjectKind
from altus.model.permission import Permission
from tests.unit.manager.services.conftest import Office


async def accepts(access: Access, token: str) -> bool:
    try:
        await access.authenticate(token)
    except Unauthenticated:
        return False
    return True


async def test_a_known_token_is_resolved_in_much_less_than_a_millisecond(office: Office) -> None:
    _, token = await office.security.sessions.login("sysadmin", office.passwords["sysadmin"])
    await office.security.access.authenticate(token)
    began = time.perf_counter()
    for _ in range(1000):
        (await office.security.access.authenticate(token, "10.0.0.1", "r")).may(Permission.SELF)
    assert time.perf_counter() - began < 0.5


async def test_a_change_during_resolution_is_not_covered_up_by_what_was_read_before(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.person("carol")
    security = await office.actor("secadmin")
    grant = await office.security.grants.create(security, SubjectKind.ACCOUNT, "carol", "viewer")
    _, token = await office.security.tokens.create(await office.actor("carol"), "ci", timedelta(hours=1))
    access, read = Access(office.db, office.clock), office.db.read

    async def slow(work: Callable[[Tx], Any]) -> Any:
        result = await read(work)
        monkeypatch.setattr(office.db, "read", read)
        await office.security.grants.delete(security, grant.id)
        access.forget()
        return result

    monkeypatch.setattr(office.db, "read", slow)
    assert (await access.authenticate(token)).may(Permission.VM_READ), "as it was when it was read"
    assert not (await access.authenticate(token)).may(Permission.VM_READ)


async def test_what_another_manager_changed_takes_effect_within_the_time_to_live(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TTL", 0.2)
    system = await office.actor("sysadmin")
    _, token = await office.security.tokens.create(system, "ci", timedelta(hours=1))
    other = Access(office.db, office.clock)
    await other.authenticate(token)
    await office.security.tokens.revoke(system, "ci")
    await other.authenticate(token)
    deadline = time.monotonic() + 5
    while await accepts(other, token):  # that time passes is just what is waited for
        assert time.monotonic() < deadline


async def test_a_database_that_takes_no_writes_refuses_nobody_for_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, token = await office.security.tokens.create(await office.actor("sysadmin"), "ci", timedelta(hours=1))

    async def full(_self: Database, _work: object) -> object:
        raise Unavailable("The disk is full.")

    monkeypatch.setattr(Database, "write", full)
    assert (await office.security.access.authenticate(token)).name == "sysadmin"
