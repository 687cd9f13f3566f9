"""Alarms on the public API, and domains that Altus does not manage."""

from __future__ import annotations

from datetime import datetime

from altus.model.vm import VmState
from altus.wire.base import View


class AlarmView(View):
    """Something that is not as it should be, since when; it goes away by itself when it is right again."""

    id: str
    kind: str
    noun: str
    object_id: str
    host_id: str
    message: str
    hint: str
    since: datetime


class DomainDiskView(View):
    """A disk's path, and the volume that it is, if it is one."""

    path: str
    volume_id: str


class DomainNicView(View):
    """A NIC, and the port that it is plugged into, if it is one of Open vSwitch."""

    mac: str
    port_id: str


class UnmanagedView(View):
    """A domain on a host that is no VM of Altus; `ours`: Altus made it once. `memory` in bytes; one that is not
    `persistent` is gone when it stops. `refusals`: why it cannot be adopted; empty if it can."""

    id: str
    name: str
    host_id: str
    state: VmState
    ours: bool
    persistent: bool
    vcpus: int
    memory: int
    disks: list[DomainDiskView]
    nics: list[DomainNicView]
    refusals: list[str]
