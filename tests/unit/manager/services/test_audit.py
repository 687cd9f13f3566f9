"""Every change and every refusal leaves a record; only audit administrators read them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from altus.common.errors import Forbidden, NotFound, Unavailable
from altus.manager.services.audit import Act, verify_trail
from altus.manager.store.audit import RECORDS
from altus.manager.store.database import Database, Tx
from altus.model.audit import Outcome, Tampering
from altus.model.permission import Permission
from altus.model.query import Filter, FilterOp, ListQuery
from altus.model.task import Task
from tests.unit.manager.services.conftest import Office


@pytest.mark.parametrize("name", ["sysadmin", "secadmin"])
async def test_only_audit_administrators_read_and_verify_and_a_try_is_recorded(office: Office, name: str) -> None:
    actor = await office.actor(name)
    with pytest.raises(Forbidden):
        await office.security.audit.list(actor, ListQuery(sort="seq"))
    with pytest.raises(Forbidden):
        await office.security.audit.verify(actor)
    trail = await office.trail()
    assert (name, "audit.list", "denied", "access.denied") in trail
    assert (name, "audit.verify", "denied", "access.denied") in trail


async def test_what_is_denied_fails_or_succeeds_is_recorded_with_its_outcome(office: Office) -> None:
    system, accounts = await office.actor("sysadmin"), office.security.accounts
    await accounts.create(system, "carol")
    with pytest.raises(NotFound):
        await accounts.delete(system, "nobody")
    with pytest.raises(Forbidden):
        await accounts.delete(system, "auditadmin")
    assert (await office.trail())[-3:] == [
        ("sysadmin", "user.create", "succeeded", ""),
        ("sysadmin", "user.delete", "failed", "user.not_found"),
        ("sysadmin", "user.delete", "denied", "access.denied"),
    ]


async def test_an_unexpected_error_is_recorded_without_its_text(office: Office) -> None:
    def work(_tx: Tx) -> None:
        raise ZeroDivisionError("some internal secret")

    with pytest.raises(ZeroDivisionError):
        await office.security.audit_log.change(await office.actor("sysadmin"), Act("vm.create"), work)
    assert (await office.trail())[-1] == ("sysadmin", "vm.create", "failed", "internal")
    stored = await office.db.read(lambda tx: str(tx.execute(sa.select(RECORDS.table)).all()))
    assert "some internal secret" not in stored


async def test_a_record_names_who_what_where_and_how_long(office: Office) -> None:
    _, token = await office.security.sessions.login("sysadmin", office.passwords["sysadmin"], "10.0.0.1", "req-0")
    actor = await office.security.access.authenticate(token, "10.0.0.1", "req-1")
    await office.security.accounts.set_password(actor, office.passwords["sysadmin"], "Garden-Ladder-77")
    actor = await office.security.access.authenticate(token, "10.0.0.1", "req-2")
    account, _ = await office.security.accounts.create(actor, "carol")
    query = ListQuery(filters=(Filter("request_id", FilterOp.EQUAL, ("req-2",)),), sort="seq")
    [record] = (await office.security.audit.list(await office.actor("auditadmin"), query)).items
    assert (record.actor_id, record.actor_name, record.duty) == (actor.account_id, "sysadmin", "system")
    assert (record.source, record.noun, record.object_id, record.object_name) == (
        "10.0.0.1",
        "user",
        account.id,
        "carol",
    )
    assert 0 <= record.duration_ms < 10_000


async def test_no_password_or_token_is_ever_in_the_trail(office: Office) -> None:
    secrets = list(office.passwords.values())
    _, token = await office.security.sessions.login("sysadmin", office.passwords["sysadmin"])
    actor = await office.security.access.authenticate(token)
    await office.security.accounts.set_password(actor, office.passwords["sysadmin"], "Garden-Ladder-77")
    _, password = await office.security.accounts.create(await office.actor("sysadmin"), "carol")
    reset = await office.security.accounts.reset_password(await office.actor("sysadmin"), "carol")
    local = await office.security.local.issue_token("sysadmin", "local")
    with pytest.raises(Exception, match="wrong"):
        await office.security.sessions.login("Typed-My-Password-1", "x")
    secrets += [token, "Garden-Ladder-77", password, reset, local, "Typed-My-Password-1", "typed-my-password-1"]
    stored = await office.db.read(lambda tx: str(tx.execute(sa.select(RECORDS.table)).all()))
    assert [secret for secret in secrets if secret in stored] == []


async def test_verifying_is_recorded_and_tells_the_kind_of_tampering(office: Office) -> None:
    auditor = await office.actor("auditadmin")
    assert (await office.security.audit.verify(auditor)).intact
    table = RECORDS.table
    await office.db.write(lambda tx: tx.execute(table.update().where(table.c.seq == 1).values(actor_name="nobody")))
    verdict = await office.security.audit.verify(auditor)
    assert (verdict.tampering, verdict.first_broken) == (Tampering.ALTERED, 1)
    assert verdict.explanation
    assert (await office.trail())[-1] == ("auditadmin", "audit.verify", "failed", "audit.altered")


async def test_the_trail_stays_intact_over_a_restart(office: Office, anchor_path: Path) -> None:
    await office.security.close()
    assert await asyncio.to_thread(anchor_path.exists)
    assert (await verify_trail(office.db, office.security.audit_log.chain)).intact


async def test_a_trail_that_cannot_be_written_does_not_hide_the_refusal(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_self: Database, _work: object) -> object:
        raise Unavailable("The disk is full.")

    system = await office.actor("sysadmin")
    monkeypatch.setattr(Database, "write", full)
    with pytest.raises(Forbidden):
        await office.security.audit.list(system, ListQuery(sort="seq"))


async def test_without_a_record_there_is_no_change(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object) -> None:
        raise Unavailable("no record can be written")

    system = await office.actor("sysadmin")
    monkeypatch.setattr(office.security.audit_log.chain, "append", broken)
    with pytest.raises(Unavailable):
        await office.security.accounts.create(system, "carol")
    with pytest.raises(NotFound):
        await office.security.accounts.get(system, "carol")


async def test_a_submitted_task_and_a_deed_are_recorded_with_their_actor(office: Office) -> None:
    actor, log = await office.actor("sysadmin"), office.security.audit_log
    task = Task(id="t", kind="vm.start", title="Start", noun="vm", object_id="v", object_name="web", arguments={})

    def work(tx: Tx) -> None:
        log.submitted(tx, actor, task)
        log.acted(tx, actor, "project.create", noun="project", object_id="p", object_name="lab")

    await office.db.write(work)
    page = await office.security.audit.list(
        await office.actor("auditadmin"), ListQuery(sort="seq", descending=True, limit=2)
    )
    assert [(r.action, r.outcome, r.object_id, r.actor_id) for r in page.items] == [
        ("project.create", Outcome.SUCCEEDED, "p", actor.account_id),
        ("vm.start", Outcome.ALLOWED, "v", actor.account_id),
    ]


async def test_strange_text_of_the_asker_is_recorded_harmlessly(office: Office) -> None:
    system = await office.actor("sysadmin")
    name = "\x00\ud800\n\x1b[31m" + "x" * 5000
    await office.security.audit_log.failed(system, Act("vm.create", name, name, name, {"name": name}), NotFound(name))
    page = await office.security.audit.list(
        await office.actor("auditadmin"), ListQuery(sort="seq", descending=True, limit=1)
    )
    assert page.items[0].object_name == "????[31m" + "x" * 248
    assert page.items[0].details == {"name": page.items[0].object_name}


def test_only_the_audit_role_holds_its_permissions() -> None:
    from altus.model.permission import BUILTIN_ROLES

    holders = [name for name, role in BUILTIN_ROLES.items() if Permission.AUDIT_READ in role.permissions]
    assert holders == ["audit-administrator"]
