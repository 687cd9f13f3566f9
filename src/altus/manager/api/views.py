"""From the model's objects to what clients see."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from altus.manager.services.pools import PoolCpus, undeletable
from altus.manager.services.vms import allowed_actions
from altus.model.actor import Actor
from altus.model.cpu_baseline import CpuBaseline
from altus.model.floating_ip import FloatingIp, FloatingIpState
from altus.model.forward import Forward
from altus.model.host import Host
from altus.model.host_action import HostAction, refusal
from altus.model.image import Image, ImageState
from altus.model.network import Network
from altus.model.permission import Permission
from altus.model.pool import Pool
from altus.model.resource import Resource, utc_now
from altus.model.router import Router, RouterState
from altus.model.security_group import SecurityGroup, SecurityGroupState
from altus.model.snapshot import Snapshot, SnapshotState
from altus.model.snapshot import refusal as snapshot_refusal
from altus.model.snapshot_schedule import SnapshotSchedule
from altus.model.task import Task
from altus.model.vm import Vm, VmState
from altus.model.volume import Volume, VolumeState
from altus.wire.base import ActionView
from altus.wire.floating_ips import FloatingIpView
from altus.wire.forwards import ForwardView
from altus.wire.pools import CpuBaselineView, CpuLimitView, CpuRefusedView, PoolView
from altus.wire.resources import HostView, ImageView, NetworkView, VolumeView
from altus.wire.routers import RouterView
from altus.wire.security_groups import SecurityGroupView, SecurityRuleView
from altus.wire.snapshot_schedules import SnapshotScheduleView
from altus.wire.snapshots import SnapshotView
from altus.wire.tasks import QueueView, TaskView
from altus.wire.vms import VmDiskView, VmNicView, VmView

_ALLOWED = ActionView(allowed=True)
_VM = TypeAdapter(VmView)
_REMEMBERED = 16_384
"""VMs whose JSON is kept, some kilobytes each."""


def _action(allowed: bool, reason: str) -> ActionView:
    return ActionView.of(allowed=allowed, reason=reason) if reason else _ALLOWED


@dataclass(frozen=True, eq=False)
class _Identical:
    """A VM that is equal only to itself: rows that did not change are one object (`Record`), and to compare VMs part by
    part takes as long as to show them."""

    vm: Vm

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identical) and self.vm is other.vm

    def __hash__(self) -> int:
        return id(self.vm)


def vm_json(actor: Actor, vm: Vm) -> bytes:
    """A VM in a list. What did not change since it was last shown to somebody with the same rights is not made anew."""
    return _vm_json(actor.permissions(vm.project_id, vm.id), _Identical(vm))


@functools.lru_cache(_REMEMBERED)
def _vm_json(permitted: frozenset[Permission], shown: _Identical) -> bytes:
    return _VM.dump_json(_vm_view(permitted, shown.vm))


def vm_view(actor: Actor, vm: Vm, busy: str = "") -> VmView:
    """A VM."""
    return _vm_view(actor.permissions(vm.project_id, vm.id), vm, busy)


def _vm_view(permitted: frozenset[Permission], vm: Vm, busy: str = "") -> VmView:
    """Built without validation: the model was validated when it was made, and lists must be fast."""
    hardware = vm.hardware
    guest = vm.guest if vm.state is VmState.RUNNING else None
    verdicts = allowed_actions(permitted, vm, busy)
    views = {verdict: _action(*verdict) for verdict in set(verdicts.values())}  # most say the same
    actions = {name: views[verdict] for name, verdict in verdicts.items()}
    return VmView.of(
        **_common(vm),
        state=vm.state,
        intent=vm.intent,
        host_id=vm.host_id,
        storage_id=vm.storage_id,
        description=vm.description,
        tags=list(vm.tags),
        protected=vm.protected,
        restart_pending=vm.restart_pending,
        vcpus=hardware.vcpus,
        memory=hardware.memory,
        cpu_model=hardware.cpu_model,
        cpu=vm.cpu,
        firmware=hardware.firmware,
        boot=list(hardware.boot),
        disks=[VmDiskView.of(volume_id=d.volume_id, bus=d.bus, limits=d.limits) for d in hardware.disks],
        nics=[VmNicView.of(id=n.id, network_id=n.network_id, mac=n.mac, address=n.address, model=n.model,
                           security_groups=list(n.security_groups), limit_in=n.limit_in, limit_out=n.limit_out,
                           link=n.link)
              for n in hardware.nics],
        cdrom_image_id=hardware.cdrom_image_id,
        addresses=list(guest.addresses) if guest is not None else [],
        guest=guest,
        placement=vm.placement,
        migration=vm.migration,
        snapshot_id=vm.snapshot_id,
        allowed_actions=actions,
    )  # fmt: skip


def volume_view(actor: Actor, volume: Volume) -> VolumeView:
    """A volume."""
    may = _may(actor, Permission.VOLUME_WRITE, volume)
    attached = "It is attached to a VM." if volume.vm_id is not None else ""
    unready = "" if volume.state is VolumeState.READY else f"It is {volume.state}."
    actions = {"resize": _verdict(may or unready), "delete": _verdict(may or attached)}
    return VolumeView.model_validate({**vars(volume), "allowed_actions": actions})


def snapshot_view(actor: Actor, vm: Vm, snapshot: Snapshot) -> SnapshotView:
    """A snapshot of this VM."""
    may = _may(actor, Permission.SNAPSHOT_WRITE, vm)
    unready = "" if snapshot.state is SnapshotState.READY else f"It is {snapshot.state}."
    actions = {"revert": _verdict(may or unready or snapshot_refusal(vm, "revert")), "keep": _verdict(may or unready),
               "delete": _verdict(may or snapshot_refusal(vm, "delete a snapshot of"))}  # fmt: skip
    return SnapshotView.of(**_common(snapshot), vm_id=snapshot.vm_id, parent_id=snapshot.parent_id,
                           state=snapshot.state, description=snapshot.description,
                           current=vm.snapshot_id == snapshot.id, disks=list(snapshot.disks),
                           vcpus=snapshot.hardware.vcpus, memory=snapshot.hardware.memory,
                           schedule_id=snapshot.schedule_id, due_at=snapshot.due_at,
                           allowed_actions=actions)  # fmt: skip


def snapshot_schedule_view(actor: Actor, schedule: SnapshotSchedule) -> SnapshotScheduleView:
    """A snapshot schedule. What it does is done to VMs of its project, so a right to it alone is not enough."""
    needed = Permission.SNAPSHOT_WRITE
    may = "" if actor.may(needed, project_id=schedule.project_id) else f"You lack the permission {needed}."
    lists = {name: list(getattr(schedule, name)) for name in ("vm_ids", "tags")}
    coming = schedule.next_times(utc_now(), 1)
    actions = {action: _verdict(may) for action in ("edit", "run", "delete")}
    return SnapshotScheduleView.model_validate(
        {**vars(schedule), **lists, "next_at": coming[0] if coming else None, "allowed_actions": actions}
    )


def image_view(actor: Actor, image: Image) -> ImageView:
    """An image."""
    may = _may(actor, Permission.IMAGE_WRITE, image)
    not_uploading = "" if image.state is ImageState.UPLOADING else f"It is {image.state}."
    actions = {"upload": _verdict(may or not_uploading), "delete": _verdict(may)}
    return ImageView.model_validate({**vars(image), "allowed_actions": actions})


def network_view(actor: Actor, network: Network) -> NetworkView:
    """A network."""
    actions = {"delete": _verdict(_may(actor, Permission.NETWORK_WRITE, network))}
    return NetworkView.model_validate(
        {**vars(network), "dns": list(network.dns), "reserved": list(network.reserved), "allowed_actions": actions}
    )


def security_group_view(actor: Actor, group: SecurityGroup) -> SecurityGroupView:
    """A security group."""
    may = _may(actor, Permission.SECURITY_GROUP_WRITE, group)
    unready = "" if group.state is SecurityGroupState.READY else f"It is {group.state}."
    actions = {"edit": _verdict(may or unready), "delete": _verdict(may)}
    rules = [SecurityRuleView.model_validate(rule) for rule in group.rules]
    return SecurityGroupView.model_validate({**vars(group), "rules": rules, "allowed_actions": actions})


def floating_ip_view(actor: Actor, floating: FloatingIp) -> FloatingIpView:
    """A floating address."""
    may = _may(actor, Permission.FLOATING_IP_WRITE, floating)
    unready = "" if floating.state is FloatingIpState.READY else f"It is {floating.state}."
    attached, free = ("It is attached.", "") if floating.vm_id else ("", "It is attached to no VM.")
    actions = {"attach": _verdict(may or unready or attached), "detach": _verdict(may or unready or free),
               "delete": _verdict(may or attached)}  # fmt: skip
    return FloatingIpView.model_validate({**vars(floating), "allowed_actions": actions})


def forward_view(actor: Actor, forward: Forward) -> ForwardView:
    """A port forward."""
    actions = {"delete": _verdict(_may(actor, Permission.FORWARD_WRITE, forward))}
    return ForwardView.model_validate({**vars(forward), "allowed_actions": actions})


def router_view(actor: Actor, router: Router) -> RouterView:
    """A router."""
    may = _may(actor, Permission.ROUTER_WRITE, router)
    unready = "" if router.state is RouterState.READY else f"It is {router.state}."
    used = "It has networks." if router.networks else ""
    actions = {"attach": _verdict(may or unready), "detach": _verdict(may or unready), "delete": _verdict(may or used)}
    return RouterView.model_validate({**vars(router), "networks": list(router.networks), "allowed_actions": actions})


def host_view(actor: Actor, host: Host, cpus: PoolCpus) -> HostView:
    """A host, with what its pool thinks of its CPU."""
    may = _may(actor, Permission.HOST_WRITE, host)
    actions = {action.value: _verdict(may or refusal(host, action)) for action in HostAction}
    return HostView.model_validate({**vars(host), "cpu_refusal": cpus.refusal(host), "allowed_actions": actions})


def pool_view(actor: Actor, pool: Pool, cpus: PoolCpus) -> PoolView:
    """A pool, with what it gives its VMs."""
    may = _may(actor, Permission.POOL_WRITE, pool)
    actions = {"edit": _verdict(may), "delete": _verdict(may or undeletable(pool, []))}
    baselines = [_baseline_view(found, cpus.names) for found in cpus.baselines.get(pool.id, ())]
    return PoolView.model_validate({**vars(pool), "baselines": baselines, "allowed_actions": actions})


def _baseline_view(found: CpuBaseline, names: Mapping[str, str]) -> CpuBaselineView:
    limits = [CpuLimitView(host_id=host, host_name=names[host], lacks=list(lacks))
              for host, lacks in found.limits.items()]  # fmt: skip
    refused = [CpuRefusedView(host_id=host, host_name=names[host], reason=f"It {why}.")
               for host, why in found.refused.items()]  # fmt: skip
    return CpuBaselineView(acceleration=found.acceleration, cpu=found.cpu, limited_by=limits, refused=refused)


def task_view(task: Task, waits_for: list[str] | None = None) -> TaskView:
    """A task; with what it waits for, if that was looked up."""
    view = TaskView.model_validate(task)
    if waits_for:
        return view.model_copy(update={"queue": QueueView(position=len(waits_for), waits_for=waits_for)})
    return view


def _may(actor: Actor, permission: Permission, resource: Resource) -> str:
    allowed = actor.may(permission, project_id=resource.project_id, object_id=resource.id)
    return "" if allowed else f"You lack the permission {permission}."


def _verdict(reason: str) -> ActionView:
    return _action(not reason, reason)


def _common(resource: Resource) -> dict[str, Any]:
    return {
        "id": resource.id,
        "name": resource.name,
        "project_id": resource.project_id,
        "label": resource.label,
        "created_at": resource.created_at,
        "updated_at": resource.updated_at,
        "revision": resource.revision,
    }
