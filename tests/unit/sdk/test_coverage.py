"""Every operation of the API has a method of the SDK that asks for exactly it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from altus.common.errors import NotFound
from altus.manager.api.app import PREFIX, openapi
from altus.model.permission import Duty, Permission
from altus.sdk.client import AltusClient
from altus.sdk.transport import Transport
from altus.wire.agent import EnrolRequest
from altus.wire.disk_limits import DiskLimitsShape
from altus.wire.floating_ips import FloatingIpAttach, FloatingIpCreate
from altus.wire.forwards import ForwardCreate
from altus.wire.network_trace import NetworkQuestion
from altus.wire.placement import PlacementQuestion
from altus.wire.pools import PoolCreate, PoolEdit
from altus.wire.resources import HostEdit, ImageBuild, ImageCreate, NetworkCreate, VolumeCreate, VolumeResize
from altus.wire.routers import RouterCreate
from altus.wire.security_groups import SecurityGroupCreate, SecurityGroupEdit
from altus.wire.snapshot_schedules import RetentionShape, SnapshotScheduleCreate, SnapshotScheduleEdit
from altus.wire.snapshots import SnapshotCreate
from altus.wire.users import GrantCreate, RoleCreate, TokenCreate, UserCreate, UserEdit
from altus.wire.vms import DiskEdit, NicEdit, VmAdopt, VmClone, VmCreate, VmEdit


class Recorded(NotFound):
    """Instead of an answer."""


class Recorder(Transport):
    """Remembers what is asked for; what stands in `answers` is answered, so that the next request is seen."""

    def __init__(self, answers: dict[str, bytes]) -> None:
        super().__init__("https://127.0.0.1:1", patience=0)
        self.asked: list[tuple[str, str]] = []
        self._answers = answers

    @asynccontextmanager
    async def open(self, method: str, path: str, **_more: Any) -> AsyncIterator[Any]:
        if (answer := self._answers.get(method)) is not None:
            yield SimpleNamespace(status=200, read=AsyncMock(return_value=answer))
            return
        self.asked.append((method, path))
        raise Recorded("recorded")


async def _first_event(altus: AltusClient) -> object:
    async with aclosing(altus.events.follow()) as events:
        return await anext(events)


ANSWERS = {"upload_image": {"GET": b'{"offset": 0}'}}
METHODS: dict[str, Callable[[AltusClient], Awaitable[object]]] = {
    "get_health": lambda a: a.system.health(),
    "get_ca": lambda a: a.system.ca(),
    "get_metrics": lambda a: a.system.metrics(),
    "examine": lambda a: a.system.doctor(),
    "login": lambda a: a.sessions.login("x", "y"),
    "logout": lambda a: a.sessions.logout(),
    "whoami": lambda a: a.sessions.whoami(),
    "list_sessions": lambda a: a.sessions.list(),
    "revoke_session": lambda a: a.sessions.revoke("x"),
    "change_password": lambda a: a.sessions.change_password("x", "y"),
    "list_tokens": lambda a: a.tokens.list(),
    "create_token": lambda a: a.tokens.create(TokenCreate(name="x", expires_in="1h")),
    "revoke_token": lambda a: a.tokens.revoke("x"),
    "list_users": lambda a: a.users.page(),
    "create_user": lambda a: a.users.create(UserCreate(name="x")),
    "get_user": lambda a: a.users.get("x"),
    "edit_user": lambda a: a.users.edit("x", UserEdit(enabled=True)),
    "delete_user": lambda a: a.users.delete("x"),
    "unlock_user": lambda a: a.users.unlock("x"),
    "reset_password": lambda a: a.users.reset_password("x"),
    "logout_user": lambda a: a.users.logout("x"),
    "list_groups": lambda a: a.groups.page(),
    "create_group": lambda a: a.groups.create("x"),
    "get_group": lambda a: a.groups.get("x"),
    "delete_group": lambda a: a.groups.delete("x"),
    "add_group_member": lambda a: a.groups.add("x", "y"),
    "remove_group_member": lambda a: a.groups.remove("x", "y"),
    "list_grants": lambda a: a.grants.page(),
    "create_grant": lambda a: a.grants.create(GrantCreate(subject="x", role="y")),
    "delete_grant": lambda a: a.grants.delete("x"),
    "list_roles": lambda a: a.roles.list(),
    "create_role": lambda a: a.roles.create(RoleCreate(name="x", duty=Duty.SYSTEM, permissions=[Permission.VM_READ])),
    "delete_role": lambda a: a.roles.delete("x"),
    "get_policy": lambda a: a.policies.get("x"),
    "edit_policy": lambda a: a.policies.edit("x", {"min_length": 14}),
    "list_alarms": lambda a: a.alarms.page(),
    "list_unmanaged": lambda a: a.hosts.unmanaged("x"),
    "list_audit": lambda a: a.audit.page(),
    "verify_audit": lambda a: a.audit.verify(),
    "list_vms": lambda a: a.vms.page(),
    "create_vm": lambda a: a.vms.create(VmCreate(name="x", image="y")).submit(),
    "get_vm": lambda a: a.vms.get("x"),
    "edit_vm": lambda a: a.vms.edit("x", VmEdit(vcpus=2)).submit(),
    "edit_vm_nic": lambda a: a.vms.edit_nic("x", "y", NicEdit(security_groups=[])).submit(),
    "edit_vm_disk": lambda a: a.vms.edit_disk("x", "y", DiskEdit(limits=DiskLimitsShape())).submit(),
    "delete_vm": lambda a: a.vms.delete("x").submit(),
    "clone_vm": lambda a: a.vms.clone("x", VmClone(name="y")).submit(),
    "start_vm": lambda a: a.vms.start("x").submit(),
    "stop_vm": lambda a: a.vms.stop("x").submit(),
    "restart_vm": lambda a: a.vms.restart("x").submit(),
    "kill_vm": lambda a: a.vms.kill("x").submit(),
    "pause_vm": lambda a: a.vms.pause("x").submit(),
    "resume_vm": lambda a: a.vms.resume("x").submit(),
    "adopt_vm": lambda a: a.vms.adopt("x", VmAdopt(domain="y")).submit(),
    "repair_vm": lambda a: a.vms.repair("x").submit(),
    "migrate_vm": lambda a: a.vms.migrate("x").submit(),
    "suspend_vm": lambda a: a.vms.suspend("x").submit(),
    "list_vm_events": lambda a: a.vms.events("x"),
    "get_screenshot": lambda a: a.vms.screenshot("x"),
    "open_console": lambda a: a.consoles.ticket("x"),
    "list_volumes": lambda a: a.volumes.page(),
    "create_volume": lambda a: a.volumes.create(VolumeCreate(name="x", image="y")).submit(),
    "get_volume": lambda a: a.volumes.get("x"),
    "resize_volume": lambda a: a.volumes.resize("x", VolumeResize(size=2**30)).submit(),
    "delete_volume": lambda a: a.volumes.delete("x").submit(),
    "list_snapshots": lambda a: a.snapshots.page("x"),
    "create_snapshot": lambda a: a.snapshots.create("x", SnapshotCreate(name="y")).submit(),
    "get_snapshot": lambda a: a.snapshots.get("x", "y"),
    "revert_snapshot": lambda a: a.snapshots.revert("x", "y").submit(),
    "keep_snapshot": lambda a: a.snapshots.keep("x", "y").submit(),
    "delete_snapshot": lambda a: a.snapshots.delete("x", "y").submit(),
    "list_snapshot_schedules": lambda a: a.snapshot_schedules.page(),
    "create_snapshot_schedule": lambda a: a.snapshot_schedules.create(
        SnapshotScheduleCreate(name="x", cron="0 * * * *", tags=["y"], keep=RetentionShape(last=1))
    ).submit(),
    "get_snapshot_schedule": lambda a: a.snapshot_schedules.get("x"),
    "edit_snapshot_schedule": lambda a: a.snapshot_schedules.edit("x", SnapshotScheduleEdit(enabled=True)).submit(),
    "run_snapshot_schedule": lambda a: a.snapshot_schedules.run("x").submit(),
    "delete_snapshot_schedule": lambda a: a.snapshot_schedules.delete("x").submit(),
    "list_images": lambda a: a.images.page(),
    "create_image": lambda a: a.images.begin(ImageCreate(name="x")),
    "build_image": lambda a: a.images.build(ImageBuild.model_validate({"image": "tiny"})).submit(),
    "get_image": lambda a: a.images.get("x"),
    "get_upload": lambda a: a.images.arrived("x"),
    "upload_image": lambda a: a.images.upload("x", Path(__file__)),
    "finish_upload": lambda a: a.images.finish("x").submit(),
    "delete_image": lambda a: a.images.delete("x").submit(),
    "list_networks": lambda a: a.networks.page(),
    "create_network": lambda a: a.networks.create(NetworkCreate(name="x", cidr="10.0.0.0/24")).submit(),
    "get_network": lambda a: a.networks.get("x"),
    "explain_network": lambda a: a.networks.explain(NetworkQuestion(sender="x", receiver="y", port=1)),
    "delete_network": lambda a: a.networks.delete("x").submit(),
    "list_security_groups": lambda a: a.security_groups.page(),
    "create_security_group": lambda a: a.security_groups.create(SecurityGroupCreate(name="x")).submit(),
    "get_security_group": lambda a: a.security_groups.get("x"),
    "edit_security_group": lambda a: a.security_groups.edit("x", SecurityGroupEdit(name="y")).submit(),
    "delete_security_group": lambda a: a.security_groups.delete("x").submit(),
    "list_floating_ips": lambda a: a.floating_ips.page(),
    "create_floating_ip": lambda a: a.floating_ips.create(FloatingIpCreate(network="x")).submit(),
    "get_floating_ip": lambda a: a.floating_ips.get("x"),
    "attach_floating_ip": lambda a: a.floating_ips.attach("x", FloatingIpAttach(vm="y")).submit(),
    "detach_floating_ip": lambda a: a.floating_ips.detach("x").submit(),
    "delete_floating_ip": lambda a: a.floating_ips.delete("x").submit(),
    "list_forwards": lambda a: a.forwards.page(),
    "create_forward": lambda a: a.forwards.create(ForwardCreate(network="x", port=1, vm="y", to_port=2)).submit(),
    "get_forward": lambda a: a.forwards.get("x"),
    "delete_forward": lambda a: a.forwards.delete("x").submit(),
    "list_routers": lambda a: a.routers.page(),
    "create_router": lambda a: a.routers.create(RouterCreate(name="x")).submit(),
    "get_router": lambda a: a.routers.get("x"),
    "attach_router": lambda a: a.routers.attach("x", "y").submit(),
    "detach_router": lambda a: a.routers.detach("x", "y").submit(),
    "delete_router": lambda a: a.routers.delete("x").submit(),
    "list_hosts": lambda a: a.hosts.page(),
    "get_host": lambda a: a.hosts.get("x"),
    "explain_placement": lambda a: a.placement.explain(PlacementQuestion()),
    "list_pools": lambda a: a.pools.page(),
    "create_pool": lambda a: a.pools.create(PoolCreate(name="x")),
    "get_pool": lambda a: a.pools.get("x"),
    "edit_pool": lambda a: a.pools.edit("x", PoolEdit(vcpu_ratio=3.0)),
    "delete_pool": lambda a: a.pools.delete("x"),
    "edit_host": lambda a: a.hosts.edit("x", HostEdit(tags=["y"])),
    "maintain_host": lambda a: a.hosts.maintain("x").submit(),
    "activate_host": lambda a: a.hosts.activate("x").submit(),
    "renew_host": lambda a: a.hosts.renew("x").submit(),
    "remove_host": lambda a: a.hosts.remove("x").submit(),
    "forget_host": lambda a: a.hosts.forget("x").submit(),
    "create_enrolment": lambda a: a.hosts.enrol_token("x"),
    "enrol_host": lambda a: a.hosts.redeem(EnrolRequest(secret="x", csr="x", hostname="x", address="x:1")),
    "list_storages": lambda a: a.storages.page(),
    "get_storage": lambda a: a.storages.get("x"),
    "list_projects": lambda a: a.projects.page(),
    "create_project": lambda a: a.projects.create("x"),
    "list_tasks": lambda a: a.tasks.page(),
    "get_task": lambda a: a.tasks.get("x"),
    "list_task_children": lambda a: a.tasks.children("x"),
    "cancel_task": lambda a: a.tasks.cancel("x"),
    "stream_events": _first_event,
}


def _operations() -> dict[str, tuple[str, str]]:
    return {
        operation["operationId"]: (method.upper(), path.removeprefix(PREFIX))
        for path, methods in openapi()["paths"].items()
        for method, operation in methods.items()
    }


OPERATIONS = _operations()


def test_every_operation_has_a_method() -> None:
    assert set(METHODS) == set(OPERATIONS)


@pytest.mark.parametrize("name", METHODS)
async def test_method_asks_for_its_operation(name: str) -> None:
    async with AltusClient("https://127.0.0.1:1") as altus:
        recorder = Recorder(ANSWERS.get(name, {}))
        altus.transport = recorder
        for noun in vars(altus).values():
            if hasattr(noun, "_transport"):
                noun._transport = recorder
        with pytest.raises(Recorded):
            await METHODS[name](altus)
    [(method, path)] = recorder.asked
    wanted, template = OPERATIONS[name]
    pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
    assert method == wanted
    assert re.fullmatch(pattern, path), f"{path} is not {template}"
