"""How libvirt is told to send a VM's memory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libvirt

from altus.common.units import KIB
from altus.drivers.hypervisor.libvirt.errors import is_connection_loss
from altus.drivers.hypervisor.libvirt.migration_doors import disks_socket, memory_socket
from altus.drivers.hypervisor.libvirt.migration_xml import copied, is_coherent, relocated
from altus.model.migration import MigrationMode, MigrationOptions

_THROTTLES = {MigrationMode.AUTO: (10, 10), MigrationMode.AUTO_CONVERGE: (50, 20)}
"""Percent of its vCPUs' time that is taken from a guest at first, and then more each time. QEMU begins with it when the
guest has changed more than half of what was sent, in two passes, so one that does not is left alone in both modes. The
capability itself cannot be given later: QEMU refuses it while memory is being sent."""
_FLAGS = {
    MigrationMode.AUTO: libvirt.VIR_MIGRATE_AUTO_CONVERGE,
    MigrationMode.AUTO_CONVERGE: libvirt.VIR_MIGRATE_AUTO_CONVERGE,
    MigrationMode.POST_COPY: libvirt.VIR_MIGRATE_POSTCOPY,
}
_WAITS = libvirt.VIR_MIGRATE_PAUSED
_TRICKLE = 1
"""MiB a second until post-copy of an emulated guest begins, which it does at once: its first pass must not end, and the
guest not go on there, before it was seen to have stood still."""
_ENDING_SHARE = 1 / 64
"""With so much of the memory left, QEMU may hand over the disks at any moment, if its guest does not run."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """How a VM with `memory` bytes is sent: what was asked for, its `definition` on the other host, and whether it is
    `emulated`. Afterwards it waits there, but runs there at once with post-copy: then libvirtd of this host is spoken
    to through `door` (see `Doors.near`). Without `live` it stands still from the beginning of its memory; then there is
    no post-copy. With `copies` its disks are sent before its memory."""

    options: MigrationOptions
    definition: str
    door: Path
    memory: int
    emulated: bool
    live: bool = True
    copies: bool = False

    @property
    def post_copy(self) -> bool:
        """Whether it may run there before it is whole."""
        return self.live and self.options.mode is MigrationMode.POST_COPY


def send(domain: libvirt.virDomain, far: libvirt.virConnect, order: Order) -> dict[str, Any]:
    """In a worker thread of its own, since it lasts: what libvirt counted."""
    vm_id = domain.UUIDString()
    live = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_MIGRATABLE | libvirt.VIR_DOMAIN_XML_SECURE)
    flags = libvirt.VIR_MIGRATE_LIVE | _FLAGS.get(order.options.mode, 0) if order.live else 0
    if is_coherent(live):
        flags |= libvirt.VIR_MIGRATE_UNSAFE  # libvirt goes by the file system's kind; we know that it is shared
    asked = parameters(order) | {
        libvirt.VIR_MIGRATE_PARAM_URI: f"unix://{memory_socket(vm_id)}",
        libvirt.VIR_MIGRATE_PARAM_DEST_XML: relocated(live, order.definition, copies=order.copies),
    }
    names = copied(live) if order.copies else []
    if names:
        flags |= libvirt.VIR_MIGRATE_NON_SHARED_DISK
        asked |= {
            libvirt.VIR_MIGRATE_PARAM_DISKS_URI: f"unix://{disks_socket(vm_id)}",
            libvirt.VIR_MIGRATE_PARAM_MIGRATE_DISKS: names,
        }
    domain.migrateSetMaxDowntime(order.options.downtime)
    uri = f"qemu+unix:///system?socket={order.door}" if order.post_copy else domain.connect().getURI()
    with _opened(uri) as near:
        waits = 0 if order.post_copy else _WAITS
        return _counted(near.lookupByUUIDString(vm_id).migrate3(far, asked, flags | waits))


def break_off(domain: libvirt.virDomain) -> bool:
    """In a worker thread: have the VM's migration end where it is; whether it was told to. At its very end that is not
    done: the other QEMU has the disks then, this one lets its guest go on without them, and dies when it is to hand
    them over again (QEMU 7.2). It has come over soon, and whoever asks next sees what is to be done."""
    stats = domain.jobStats()
    hands_over = bool(stats.get("memory_iteration")) and stats.get("memory_remaining", 0) <= _ENDING_SHARE * (
        domain.maxMemory() * KIB
    )
    if hands_over and domain.state()[0] != libvirt.VIR_DOMAIN_RUNNING:
        return False
    domain.abortJob()
    return True


def parameters(order: Order) -> dict[str, Any]:
    """What of libvirt's parameters the order is."""
    found: dict[str, Any] = {}
    limit = None if order.copies else order.options.bandwidth  # then the doors see to it
    if limit is not None:
        found[libvirt.VIR_MIGRATE_PARAM_BANDWIDTH] = limit
    if order.post_copy and limit is not None:
        found[libvirt.VIR_MIGRATE_PARAM_BANDWIDTH_POSTCOPY] = limit
    if order.post_copy and order.emulated:
        found[libvirt.VIR_MIGRATE_PARAM_BANDWIDTH] = _TRICKLE
    if order.live and order.options.mode in _THROTTLES:
        first, more = _THROTTLES[order.options.mode]
        found |= {
            libvirt.VIR_MIGRATE_PARAM_AUTO_CONVERGE_INITIAL: first,
            libvirt.VIR_MIGRATE_PARAM_AUTO_CONVERGE_INCREMENT: more,
        }
    return found


def _counted(moved: libvirt.virDomain) -> dict[str, Any]:
    try:
        return dict(moved.jobStats(libvirt.VIR_DOMAIN_JOB_STATS_COMPLETED))
    except libvirt.libvirtError as error:
        if is_connection_loss(error):  # the VM has moved all the same, which whoever looks next finds out
            return {}
        raise


@contextmanager
def _opened(uri: str) -> Iterator[libvirt.virConnect]:
    """A connection of the migration's own: libvirtd reads no more from one with five calls that last, not even signs of
    life, and then takes it for dead."""
    near = libvirt.open(uri)
    try:
        yield near
    finally:
        with contextlib.suppress(libvirt.libvirtError):
            near.close()
