"""Every table. Migrations must lead to just these (tests/unit/manager/store/test_migrations.py)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from altus.manager.store.columns import Record
from altus.model.alarm import Alarm
from altus.model.floating_ip import FloatingIp
from altus.model.forward import Forward
from altus.model.host import Host
from altus.model.image import Image
from altus.model.network import Network
from altus.model.pool import Pool
from altus.model.resource import Resource, utc_now
from altus.model.router import Router
from altus.model.security_group import SecurityGroup
from altus.model.snapshot import Snapshot
from altus.model.snapshot_schedule import SnapshotSchedule
from altus.model.storage import Storage
from altus.model.task import Task
from altus.model.vm import Vm
from altus.model.volume import Volume

METADATA = sa.MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s"}
)


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of the outbox: something changed. `kind` is `noun.verb`; `data` small and without secrets."""

    seq: int = 0
    at: datetime = field(default_factory=utc_now)
    kind: str
    noun: str
    object_id: str
    project_id: str = ""
    task_id: str = ""
    data: dict[str, Any] = field(default_factory=dict)


def _named(*columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint("project_id", "name", *columns)


VMS = Record(METADATA, "vms", Vm, sa.Column("sealed", sa.LargeBinary), _named(), sa.Index(None, "state", "intent"),
             sa.Index(None, "host_id"), sa.Index(None, "other_host_id"), sa.Index(None, "name", "id"),
             shared=True)  # fmt: skip
VOLUMES = Record(METADATA, "volumes", Volume, _named(), sa.Index(None, "vm_id"), sa.Index(None, "storage_id"),
                 shared=True)  # fmt: skip
SNAPSHOTS = Record(METADATA, "snapshots", Snapshot, sa.UniqueConstraint("vm_id", "name"), sa.Index(None, "schedule_id"),
                   shared=True)  # fmt: skip
SNAPSHOT_SCHEDULES = Record(METADATA, "snapshot_schedules", SnapshotSchedule, _named(), shared=True)
IMAGES = Record(METADATA, "images", Image, _named())
NETWORKS = Record(METADATA, "networks", Network, _named())
SECURITY_GROUPS = Record(METADATA, "security_groups", SecurityGroup, _named(), shared=True)
FLOATING_IPS = Record(METADATA, "floating_ips", FloatingIp, _named(), sa.UniqueConstraint("address"),
                      sa.Index(None, "vm_id"), sa.Index(None, "network_id"), shared=True)  # fmt: skip
FORWARDS = Record(METADATA, "forwards", Forward, _named(), sa.UniqueConstraint("address", "protocol", "port"),
                  sa.Index(None, "vm_id"), sa.Index(None, "network_id"), shared=True)  # fmt: skip
ROUTERS = Record(METADATA, "routers", Router, _named(), shared=True)
STORAGES = Record(METADATA, "storages", Storage, _named())
HOSTS = Record(METADATA, "hosts", Host, _named(), shared=True)
POOLS = Record(METADATA, "pools", Pool, sa.UniqueConstraint("name"))
PROJECTS = Record(METADATA, "projects", Resource, sa.UniqueConstraint("name"))
PORTS = sa.Table(
    "ports",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("network_id", sa.Text, nullable=False),
    sa.Column("vm_id", sa.Text, nullable=False),
    sa.Column("mac", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.UniqueConstraint("network_id", "address"),
    sa.UniqueConstraint("network_id", "mac"),
    sa.Index(None, "vm_id"),
)
TASKS = Record(METADATA, "tasks", Task, sa.UniqueConstraint("id"), sa.Index(None, "state", "seq"),
               sa.Index(None, "object_id"), sa.Index(None, "parent_id"), key="seq", counted=True)  # fmt: skip
CLAIMS = sa.Table(
    "claims",
    METADATA,
    sa.Column("task_id", sa.Text, primary_key=True),
    sa.Column("resource", sa.Text, primary_key=True),
    sa.Column("mode", sa.Text, primary_key=True),
    sa.Index(None, "resource", "mode"),
)
EVENTS = Record(METADATA, "events", Event, sa.Index(None, "object_id"), key="seq", counted=True)
ALARMS = Record(METADATA, "alarms", Alarm, sa.Index(None, "host_id"), sa.Index(None, "object_id"))
LEASES = sa.Table(
    "leases",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
)
