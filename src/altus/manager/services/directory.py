"""All services, made once at start and handed to the API."""

from __future__ import annotations

from dataclasses import dataclass

from altus.manager.services.access import Access
from altus.manager.services.audit import AuditLog, AuditService
from altus.manager.services.changes import Changes
from altus.manager.services.doctor import DoctorService
from altus.manager.services.hosts import InventoryService
from altus.manager.services.images import ImageService
from altus.manager.services.networks import NetworkService
from altus.manager.services.system import SystemService
from altus.manager.services.tasks import TaskService
from altus.manager.services.vm_power import VmPowerService
from altus.manager.services.vms import VmService
from altus.manager.services.volumes import VolumeService
from altus.manager.store.database import Database


@dataclass(frozen=True, kw_only=True)
class Services:
    """What routes may use."""

    db: Database
    audit: AuditLog
    access: Access
    changes: Changes
    vms: VmService
    power: VmPowerService
    volumes: VolumeService
    images: ImageService
    networks: NetworkService
    inventory: InventoryService
    tasks: TaskService
    doctor: DoctorService
    trail: AuditService
    system: SystemService
