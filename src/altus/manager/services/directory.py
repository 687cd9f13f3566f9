"""All services, made once at start and handed to the API."""

from __future__ import annotations

from dataclasses import dataclass

from altus.manager.services.alarms import AlarmService
from altus.manager.services.audit import AuditLog
from altus.manager.services.changes import Changes
from altus.manager.services.consoles import ConsoleService
from altus.manager.services.doctor import DoctorService
from altus.manager.services.enrolment import EnrolmentService
from altus.manager.services.floating_ips import FloatingIpService
from altus.manager.services.forwards import ForwardService
from altus.manager.services.hosts import InventoryService
from altus.manager.services.images import ImageService
from altus.manager.services.network_explain import NetworkExplainService
from altus.manager.services.networks import NetworkService
from altus.manager.services.placement import PlacementService
from altus.manager.services.pools import PoolService
from altus.manager.services.routers import RouterService
from altus.manager.services.security import Security
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
from altus.manager.store.database import Database


@dataclass(frozen=True, kw_only=True)
class Services:
    """What routes may use."""

    db: Database
    audit: AuditLog
    security: Security
    changes: Changes
    alarms: AlarmService
    unmanaged: UnmanagedService
    vms: VmService
    power: VmPowerService
    volumes: VolumeService
    snapshots: SnapshotService
    snapshot_schedules: SnapshotScheduleService
    images: ImageService
    networks: NetworkService
    network_explain: NetworkExplainService
    security_groups: SecurityGroupService
    floating_ips: FloatingIpService
    forwards: ForwardService
    routers: RouterService
    inventory: InventoryService
    placement: PlacementService
    pools: PoolService
    tasks: TaskService
    doctor: DoctorService
    consoles: ConsoleService
    uploads: UploadService
    enrolment: EnrolmentService
    system: SystemService
