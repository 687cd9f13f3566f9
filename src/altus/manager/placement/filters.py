"""Rules that make a host unsuitable: each tells why, or nothing."""

from __future__ import annotations

from collections.abc import Callable

from altus.common.units import format_size
from altus.manager.placement.declare import Candidate, Request
from altus.model.cpu import cpu_lack
from altus.model.cpu_baseline import offer_of
from altus.model.host import HostState
from altus.model.label import may_combine
from altus.model.placement import Relation


def _host_up(_request: Request, candidate: Candidate) -> str:
    if candidate.host.state is not HostState.UP:
        return f"the host is {candidate.host.state.words}"
    return "maintenance of the host was asked for" if candidate.host.maintenance else ""


def _leaving(request: Request, candidate: Candidate) -> str:
    return "the VM is on this host already" if request.leaving == candidate.host.id else ""


def _asked_for(request: Request, candidate: Candidate) -> str:
    return "" if request.host_id in ("", candidate.host.id) else "another host was asked for"


def _labels(request: Request, candidate: Candidate) -> str:
    if may_combine(request.label, candidate.host.label, candidate.storage.label):
        return ""
    there = f"host {candidate.host.label}, storage {candidate.storage.label}"
    return f"label {request.label} may not be combined with {there}"


def _storage(request: Request, candidate: Candidate) -> str:
    return "" if request.storage_id in ("", candidate.storage.id) else "the image or the storage asked for is elsewhere"


def _disks(request: Request, candidate: Candidate) -> str:
    free = candidate.free_storage
    if not request.disks or free is None or request.disks <= free:
        return ""
    there = f"storage {candidate.storage.name} has {format_size(max(free, 0))} free"
    return f"{format_size(request.disks)} of disks have to be copied, and {there}"


def _acceleration(request: Request, candidate: Candidate) -> str:
    there = candidate.host.facts.acceleration if candidate.host.facts else None
    return "" if request.acceleration in (None, there) else f"the guest runs by {request.acceleration}, not by {there}"


def _cpu(request: Request, candidate: Candidate) -> str:
    if candidate.cpu_refusal:
        return f"the host {candidate.cpu_refusal}"
    if request.cpu is None:
        return ""
    offer = offer_of(candidate.host)
    why = "has not told which CPUs it can give" if offer is None else cpu_lack(offer, request.cpu)
    return f"the host {why}" if why else ""


def _required_tags(request: Request, candidate: Candidate) -> str:
    if not request.placement.required_tags:
        return ""
    missing = [tag for tag in request.placement.required_tags if tag not in candidate.host.tags]
    return f"the host has no tag {', '.join(missing)}" if missing else ""


def _forbidden_tags(request: Request, candidate: Candidate) -> str:
    if not request.placement.forbidden_tags:
        return ""
    there = [tag for tag in request.placement.forbidden_tags if tag in candidate.host.tags]
    return f"the host has the tag {', '.join(there)}" if there else ""


def _groups(request: Request, candidate: Candidate) -> str:
    for rule in request.placement.groups:
        hosts = request.members.get(rule.group)
        if not rule.must or not hosts:
            continue
        if rule.relation is Relation.APART and candidate.host.id in hosts:
            return f"group {rule.group} must be apart, and a member is here"
        if rule.relation is Relation.TOGETHER and candidate.host.id not in hosts:
            return f"group {rule.group} must be together, and its members are elsewhere"
    return ""


def _vcpus(request: Request, candidate: Candidate) -> str:
    if not request.started or request.vcpus <= candidate.free_vcpus:
        return ""
    return f"{request.vcpus} vCPUs do not fit: {max(candidate.free_vcpus, 0)} of {candidate.capacity.vcpus} are free"


def _memory(request: Request, candidate: Candidate) -> str:
    if not request.started or request.memory <= candidate.free_memory:
        return ""
    return f"{format_size(request.memory)} of memory do not fit: {format_size(max(candidate.free_memory, 0))} are free"


FILTERS: tuple[Callable[[Request, Candidate], str], ...] = (
    _host_up, _leaving, _asked_for, _labels, _storage, _disks, _acceleration, _cpu, _required_tags, _forbidden_tags,
    _groups, _vcpus, _memory,
)  # fmt: skip
