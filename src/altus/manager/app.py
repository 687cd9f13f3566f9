"""The manager put together: database, engine, services, API, clocks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from altus.common.errors import Unauthenticated
from altus.common.files import write_whole
from altus.common.pki import Authority, Subject, client_context, make_csr, needs_renewal, open_key
from altus.manager.agents.pool import AgentPool
from altus.manager.periodic import news, retention
from altus.manager.periodic.hosts import HostWatch
from altus.manager.periodic.reconcile import Reconciler
from altus.manager.periodic.renewals import Renewals
from altus.manager.periodic.snapshot_schedules import ScheduleClock
from altus.manager.services.alarms import AlarmService
from altus.manager.services.changes import Changes
from altus.manager.services.consoles import ConsoleService
from altus.manager.services.directory import Services
from altus.manager.services.doctor import DoctorService
from altus.manager.services.enrolment import EnrolmentService
from altus.manager.services.floating_ips import FloatingIpService
from altus.manager.services.forwards import ForwardService
from altus.manager.services.hosts import InventoryService, ensure_defaults
from altus.manager.services.images import ImageService
from altus.manager.services.network_explain import NetworkExplainService
from altus.manager.services.networks import NetworkService
from altus.manager.services.placement import PlacementService
from altus.manager.services.pools import PoolService
from altus.manager.services.repairs import Repairs
from altus.manager.services.routers import RouterService
from altus.manager.services.security import Security, open_security
from altus.manager.services.security_groups import SecurityGroupService
from altus.manager.services.snapshot_schedules import SnapshotScheduleService
from altus.manager.services.snapshots import SnapshotService
from altus.manager.services.system import SystemService
from altus.manager.services.tasks import TaskService
from altus.manager.services.unmanaged import UnmanagedService
from altus.manager.services.uploads import UploadService
from altus.manager.services.vm_power import VmPowerService
from altus.manager.services.vms import VmService
from altus.manager.services.volumes import VolumeService
from altus.manager.settings import ManagerSettings
from altus.manager.store import migrate, move
from altus.manager.store.database import Database
from altus.manager.store.secrets import SecretBox
from altus.manager.tasks.engine import Engine, EngineSettings
from altus.manager.tasks.load import TASK_TYPES
from altus.manager.tasks.observer import Observer, trace
from altus.manager.tasks.run import World
from altus.model.account import BUILTIN_ACCOUNTS
from altus.model.permission import Duty

_log = structlog.get_logger(__name__)
FIRST_PASSWORDS = "first-passwords.json"
_LOOK, _LOOK_ALONE = 0.5, 5.0
"""Seconds between looks for tasks of other managers, and where there are none: own tasks wake the engine."""
_LEASE_ALONE = 30.0
"""Seconds at least of a lease that nobody waits for: to prolong it is most of what an idle manager writes."""


@dataclass(frozen=True)
class Manager:
    """A manager that works; `tls` holds its certificate (`manager.pem`), key and CA."""

    services: Services
    engine: Engine
    tls: Path


@asynccontextmanager
async def running(settings: ManagerSettings, observer: Observer = trace) -> AsyncIterator[Manager]:
    """A manager from its first migration to its orderly end; `observer` sees every boundary of every task."""
    settings.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    tls, authority = settings.state_dir / "tls", Authority.open(settings.state_dir / "ca")
    await asyncio.to_thread(_ensure_certificate, tls, authority, settings.names)
    db = Database(settings.database_url)
    await migrate.upgrade(db)
    await db.read(move.require_home)
    await db.write(ensure_defaults)
    pool = AgentPool(client_context(tls / "ca.pem", tls / "manager.pem", tls / "manager.key"),
                     settings.host_silence_seconds)  # fmt: skip
    security = _security(settings, db)
    await security.local.bootstrap(lambda made: _keep_passwords(settings.state_dir / FIRST_PASSWORDS, made))
    if settings.local_credentials is not None:
        await _keep_credentials(settings, security, settings.local_credentials, tls / "ca.pem")
    secrets = SecretBox.open(settings.state_dir / "secrets.key")
    world = World(db, pool, secrets, authority, security.audit_log.of_task_end)
    changes = Changes(world, security.audit_log, lambda: engine.wake())
    hosts = HostWatch(db, pool, Reconciler(DoctorService(world), Repairs(changes)))
    duties = [hosts.watch, ScheduleClock(changes).watch]
    engine = Engine(world, TASK_TYPES, _engine_settings(settings, db), observer, duties)
    services = _services(settings, world, engine, security, pool, authority, changes)
    renewals = Renewals(services.changes, services.inventory)
    clocks = [hosts.connect(), news.run(db), renewals.run(), retention.run(db, security, settings)]
    async with _background([engine.run(), *clocks]):
        yield Manager(services, engine, tls)
    await engine.resign()
    await pool.close()
    await security.close()
    db.close()


async def recovered(settings: ManagerSettings, account: str) -> str:
    """A one-time password for an account, with no manager running (SQLite says so itself: `database.in_use`)."""
    db = Database(settings.database_url)
    try:
        security = _security(settings, db)
        password = await security.local.recover(account)
        await security.close()
        return password
    finally:
        db.close()


async def moved(settings: ManagerSettings, url: str) -> str:
    """Move everything to the database `url`, with no manager running; its URL without a password."""
    target = Database(url)
    source = Database(settings.database_url)
    security = _security(settings, target)
    try:
        await move.move(source, target, security.local.note_move)
    finally:
        await security.close()
        target.close()
        source.close()
    return target.url.render_as_string(hide_password=True)


def _security(settings: ManagerSettings, db: Database) -> Security:
    folder = settings.state_dir / "audit"
    return open_security(db, audit_key=folder / "chain.key", audit_anchor=folder / "anchor.json")


def _engine_settings(settings: ManagerSettings, db: Database) -> EngineSettings:
    look = _LOOK_ALONE if db.is_sqlite else _LOOK
    lease = max(settings.lease_seconds, _LEASE_ALONE if db.is_sqlite else 0.0)
    return EngineSettings(holder=settings.node, sole=db.is_sqlite, lease_seconds=lease, look_seconds=look,
                          max_running=settings.max_running_tasks)  # fmt: skip


def _services(settings: ManagerSettings, world: World, engine: Engine, security: Security, pool: AgentPool,
              authority: Authority, changes: Changes) -> Services:  # fmt: skip
    db, audit = world.db, security.audit_log
    images = ImageService(db, audit)
    return Services(
        db=db,
        audit=audit,
        security=security,
        changes=changes,
        alarms=AlarmService(db),
        unmanaged=UnmanagedService(world),
        vms=VmService(db, world.secrets),
        power=VmPowerService(db),
        volumes=VolumeService(db),
        snapshots=SnapshotService(db),
        snapshot_schedules=SnapshotScheduleService(db),
        images=images,
        networks=NetworkService(db),
        network_explain=NetworkExplainService(world),
        security_groups=SecurityGroupService(db),
        floating_ips=FloatingIpService(db),
        forwards=ForwardService(db),
        routers=RouterService(db),
        inventory=InventoryService(db, audit),
        placement=PlacementService(db),
        pools=PoolService(db, audit),
        tasks=TaskService(world, audit, engine.wake),
        doctor=DoctorService(world),
        consoles=ConsoleService(db, pool, audit),
        uploads=UploadService(pool, images),
        enrolment=EnrolmentService(audit, authority, settings.url),
        system=SystemService(db, engine, authority.certificate),
    )


@asynccontextmanager
async def _background(loops: list[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Loops that last as long as the manager; one that ends by a fault of ours is logged at once."""
    tasks = [asyncio.create_task(loop) for loop in loops]
    for task in tasks:
        task.add_done_callback(_report)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("a loop of the manager ended", exc_info=error)


def _ensure_certificate(folder: Path, authority: Authority, names: list[str]) -> None:
    """The manager's own certificate, from its own CA; renewed when it nears its end or its names change."""
    key = open_key(folder / "manager.key")
    write_whole(folder / "ca.pem", authority.certificate.encode(), 0o644)
    path, named = folder / "manager.pem", folder / "names.json"
    wanted = json.dumps(names)
    if path.exists() and not needs_renewal(path.read_text()) and named.exists() and named.read_text() == wanted:
        return
    subject = Subject(common_name="altus-manager", names=tuple(names))
    write_whole(path, authority.issue(make_csr(key, "altus-manager"), subject).encode(), 0o644)
    write_whole(named, wanted.encode(), 0o644)


async def _keep_credentials(settings: ManagerSettings, security: Security, path: Path, ca: Path) -> None:
    """A file by which root on this machine is its system administrator; a good one stays as it is."""
    try:
        written = await asyncio.to_thread(path.read_text)
        await security.access.authenticate(json.loads(written)["token"])
    except (OSError, Unauthenticated, ValueError, KeyError) as error:
        _log.info("local credentials are made", path=str(path), why=type(error).__name__)
    else:
        return
    token = await security.local.issue_token(BUILTIN_ACCOUNTS[Duty.SYSTEM], "local-root")
    content = {"url": settings.url, "token": token, "ca_file": str(ca)}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, (json.dumps(content, indent=2) + "\n").encode(), 0o600)


def _keep_passwords(path: Path, made: Mapping[str, str]) -> None:
    """Where root finds them, before they become true."""
    write_whole(path, (json.dumps(dict(made), indent=2) + "\n").encode(), 0o600)
