"""What is so now, from libvirt alone: the guest is not asked. Blocking: run it in a worker thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import libvirt

from altus.drivers.hypervisor.libvirt.build import NAME_PREFIX
from altus.drivers.hypervisor.libvirt.xml.metadata import NAMESPACE, AltusMetadata, parse_metadata
from altus.model.vm import VmObservation, VmState

CrashForgotten = Callable[[str], bool]
"""Whether somebody cut the power of the crashed VM with this id, after which it counts as stopped."""

_STATES = {
    libvirt.VIR_DOMAIN_RUNNING: VmState.RUNNING,
    libvirt.VIR_DOMAIN_BLOCKED: VmState.RUNNING,
    libvirt.VIR_DOMAIN_PAUSED: VmState.PAUSED,
    libvirt.VIR_DOMAIN_SHUTDOWN: VmState.RUNNING,  # on its way down, not there yet
    libvirt.VIR_DOMAIN_CRASHED: VmState.CRASHED,
    libvirt.VIR_DOMAIN_PMSUSPENDED: VmState.PAUSED,
}
TORN = frozenset({
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_POSTCOPY),
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_POSTCOPY_FAILED),
    (libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_RUNNING_POSTCOPY),
    (libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_RUNNING_POSTCOPY_FAILED),
})  # fmt: skip
"""States, with their reasons, of a VM whose memory is on two hosts: post-copy lasts, or has failed."""


def observe(domain: libvirt.virDomain, forgotten: CrashForgotten) -> VmObservation:
    """One domain."""
    order = time.monotonic_ns()
    state, reason = domain.state()
    saved = state == libvirt.VIR_DOMAIN_SHUTOFF and bool(domain.hasManagedSaveImage())
    return _observation(domain, state, reason, saved=saved, forgotten=forgotten, order=order)


def observe_all(connection: libvirt.virConnect, forgotten: CrashForgotten) -> list[VmObservation]:
    """Every domain of Altus: one call for all states, one for who has saved state, one per VM for its metadata."""
    order = time.monotonic_ns()
    saved = {domain.UUIDString() for domain in connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE)}
    found = []
    for domain, stats in connection.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE, 0):
        if not is_ours(domain):
            continue
        try:
            found.append(
                _observation(domain, stats["state.state"], stats["state.reason"],
                             saved=domain.UUIDString() in saved, forgotten=forgotten, order=order)
            )  # fmt: skip
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:  # undefined a moment ago
                raise
    return found


def is_ours(domain: libvirt.virDomain) -> bool:
    """Whether Altus manages it; told by the name, since a domain that is gone has nothing else left to ask."""
    return str(domain.name()).startswith(NAME_PREFIX)


def read_metadata(domain: libvirt.virDomain) -> AltusMetadata | None:
    """What the persistent definition (or, of a transient domain, the live one) says; None if somebody removed it."""
    for flag in (libvirt.VIR_DOMAIN_AFFECT_CONFIG, libvirt.VIR_DOMAIN_AFFECT_LIVE):
        try:
            return parse_metadata(domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, NAMESPACE, flag))
        except libvirt.libvirtError as error:
            if error.get_error_code() not in {libvirt.VIR_ERR_NO_DOMAIN_METADATA, libvirt.VIR_ERR_OPERATION_INVALID}:
                raise
    return None


def _observation(domain: Any, state: int, reason: int, *, saved: bool, forgotten: CrashForgotten,
                 order: int) -> VmObservation:  # fmt: skip
    metadata = read_metadata(domain)
    vm_id = str(domain.UUIDString())
    found = _state(state, reason, saved=saved)
    if found is VmState.CRASHED and state == libvirt.VIR_DOMAIN_SHUTOFF and forgotten(vm_id):
        found = VmState.STOPPED
    return VmObservation(
        id=vm_id,
        name=metadata.name if metadata else str(domain.name()),
        state=found,
        revision=metadata.revision if metadata else 0,
        order=order,
    )


def _state(state: int, reason: int, *, saved: bool) -> VmState:
    if state == libvirt.VIR_DOMAIN_SHUTOFF:
        if saved:
            return VmState.SUSPENDED
        return VmState.CRASHED if reason == libvirt.VIR_DOMAIN_SHUTOFF_CRASHED else VmState.STOPPED
    if state == libvirt.VIR_DOMAIN_PAUSED and reason == libvirt.VIR_DOMAIN_PAUSED_CRASHED:
        return VmState.CRASHED
    if (state, reason) in TORN:
        return VmState.PAUSED  # whoever moves it must not take it for one that has arrived
    return _STATES.get(state, VmState.UNKNOWN)
