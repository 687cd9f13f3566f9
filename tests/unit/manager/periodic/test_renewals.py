"""Certificates are renewed in time, once at a time, and not at once again after a failure."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from altus.common.errors import Failed
from altus.common.pki import LIFE, serial
from altus.manager.periodic.renewals import PAUSE, Renewals
from altus.manager.store import certificates
from altus.manager.store.database import Database
from altus.manager.store.resources import HOST
from altus.model.host import HostState
from altus.model.resource import utc_now
from altus.model.task import TaskState
from altus.wire.operations import CERTIFICATE_TAKE
from tests.unit.manager.changes.site import Site, tasks_of

DUE = LIFE * 2 / 3 + timedelta(days=1)


class Clock:
    """Stands still until it is put forward."""

    def __init__(self) -> None:
        self.now = utc_now()

    def __call__(self) -> datetime:
        """The time."""
        return self.now


@pytest.fixture
async def site(sqlite_db: Database, tmp_path: Path) -> AsyncIterator[Site]:
    """One host, with a new certificate."""
    site = await Site.new(sqlite_db, tmp_path)
    yield site
    await site.agents.close()


def _renewals(site: Site, clock: Clock) -> Renewals:
    return Renewals(site.changes(), site.inventory, clock)


async def test_certificate_is_renewed_when_a_third_of_its_life_is_left(site: Site) -> None:
    clock, local = Clock(), site.agents.hosts[site.host_id]
    old = local.shown
    clock.now += LIFE * 2 / 3 - timedelta(days=1)
    await _renewals(site, clock).submit()
    assert await tasks_of(site, "host.renew") == []
    clock.now += timedelta(days=2)
    await _renewals(site, clock).submit()
    await _renewals(site, clock).submit()  # of another manager, or a minute later
    (task,) = await tasks_of(site, "host.renew")
    assert task.actor == "altus"
    async with site.running():
        assert (await site.ended(task)).state is TaskState.SUCCEEDED
    assert local.shown == serial(local.identity.certificate.read_text()) != old
    assert await site.db.read(certificates.revoked) == {old: site.host_id}


async def test_hosts_that_do_not_answer_are_left_alone(site: Site) -> None:
    clock = Clock()
    clock.now += DUE
    await site.db.write(lambda tx: HOST.change(tx, site.host_id, state=HostState.UNREACHABLE))
    await _renewals(site, clock).submit()
    assert await tasks_of(site, "host.renew") == []
    await site.db.write(lambda tx: HOST.change(tx, site.host_id, state=HostState.UP))
    await _renewals(site, clock).submit()
    assert len(await tasks_of(site, "host.renew")) == 1


async def test_after_a_failure_there_is_a_pause(site: Site) -> None:
    clock, local = Clock(), site.agents.hosts[site.host_id]
    old = local.shown
    clock.now += DUE
    site.agents.fail_next(site.host_id, CERTIFICATE_TAKE.name, Failed("The disk is full.", code="test.full"))
    await _renewals(site, clock).submit()
    (first,) = await tasks_of(site, "host.renew")
    async with site.running():
        ended = await site.ended(first)
    assert (ended.state, local.shown) == (TaskState.FAILED, old)
    assert ended.finished_at is not None
    clock.now = ended.finished_at + PAUSE - timedelta(seconds=1)
    await site.db.write(lambda tx: tx.execute(certificates.CERTIFICATES.update().values(renew_at=0)))
    await _renewals(site, clock).submit()
    assert len(await tasks_of(site, "host.renew")) == 1
    clock.now += timedelta(seconds=1)
    await _renewals(site, clock).submit()
    second = (await tasks_of(site, "host.renew"))[-1]
    async with site.running():
        assert (await site.ended(second)).state is TaskState.SUCCEEDED
    assert local.shown != old
