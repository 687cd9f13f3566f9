"""Values as a manager sends them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from altus.common.ids import new_id
from altus.model.task import TaskState
from altus.wire.tasks import EventView, TaskView

AT = "2026-01-02T03:04:05Z"
HOST_ID = "01890000-0000-7000-8000-000000000001"


def _resource(name: str) -> dict[str, Any]:
    return {"id": new_id(), "name": name, "project_id": "default", "label": "open", "created_at": AT, "updated_at": AT,
            "revision": 1}  # fmt: skip


def vm(name: str, **fields: Any) -> dict[str, Any]:
    """A stopped VM with 512 MiB."""
    return {
        **_resource(name), "state": "stopped", "intent": "stopped", "host_id": HOST_ID, "storage_id": new_id(),
        "description": "", "tags": [], "protected": False, "restart_pending": False, "vcpus": 2, "memory": 512 * 2**20,
        "cpu_model": "auto", "cpu": {"model": "Westmere", "features": ["avx2", "lm"], "vendor": "", "address_bits": 0},
        "firmware": "bios", "boot": ["disk"], "disks": [], "nics": [], "cdrom_image_id": None,
        "addresses": ["10.0.0.7"], "guest": None,
        "placement": {"required_tags": [], "forbidden_tags": [], "groups": []}, "migration": None,
        "snapshot_id": None,
        "allowed_actions": {"start": {"allowed": True, "reason": ""}},
        **fields,
    }  # fmt: skip


def snapshot(name: str, parent: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A ready one of one disk."""
    return {**_resource(name), "vm_id": HOST_ID, "parent_id": parent["id"] if parent else None, "state": "ready",
            "description": "", "current": False, "disks": [{"volume_id": HOST_ID, "size": 2**20}], "vcpus": 1,
            "memory": 2**27, "schedule_id": None, "due_at": None, "allowed_actions": {}, **fields}  # fmt: skip


def snapshot_schedule(name: str, **fields: Any) -> dict[str, Any]:
    """One that has never run."""
    keep = {"last": 0, "hourly": 0, "daily": 7, "weekly": 4, "monthly": 0}
    return {**_resource(name), "description": "", "cron": "30 2 * * *", "timezone": "UTC", "vm_ids": [],
            "tags": ["production"], "quiesce": False, "keep": keep, "enabled": True, "next_at": AT, "last_run": None,
            "skipped": None, "allowed_actions": {}, **fields}  # fmt: skip


def image(name: str) -> dict[str, Any]:
    """One that is being uploaded."""
    return {**_resource(name), "storage_id": new_id(), "state": "uploading", "size": 0, "file_size": 0, "sha256": "",
            "source_format": None, "direct_boot": False, "built": None, "allowed_actions": {}}  # fmt: skip


def host() -> dict[str, Any]:
    """One that has not told its facts."""
    return {**_resource("node1"), "id": HOST_ID, "state": "up", "maintenance": False, "address": "127.0.0.1:8441",
            "pool_id": new_id(), "tags": [], "reserved_vcpus": 0, "reserved_memory": 0, "migrations": 8, "facts": None,
            "seen_at": AT, "cpu_refusal": "", "allowed_actions": {}}  # fmt: skip


def session(token: str) -> dict[str, Any]:
    """A new one."""
    return {"id": new_id(), "account_id": new_id(), "source": "127.0.0.1", "created_at": AT, "last_seen_at": AT,
            "expires_at": AT, "token": token, "must_change_password": True}  # fmt: skip


def token(name: str) -> dict[str, Any]:
    """A new one."""
    return {"id": new_id(), "account_id": new_id(), "name": name, "permissions": None, "scope_kind": "everything",
            "scope_id": "", "created_at": AT, "expires_at": AT, "last_used_at": None, "last_used_from": "",
            "token": "altt_new"}  # fmt: skip


def user(name: str) -> dict[str, Any]:
    """A new one with its one-time password."""
    return {"id": new_id(), "name": name, "display_name": "", "enabled": True, "builtin": False,
            "must_change_password": True, "locked_until": None, "last_login_at": None, "created_at": AT,
            "updated_at": AT, "revision": 1, "password": "once-only-77"}  # fmt: skip


def plan(verb: str, name: str) -> dict[str, Any]:
    """Of a change of a VM."""
    verdicts = [
        {"host_name": "node1", "storage_name": "local", "suitable": True, "chosen": True,
         "reasons": ["8 GiB of memory free"]},
        {"host_name": "node2", "storage_name": "local", "suitable": False, "chosen": False,
         "reasons": ["the host is unreachable"]},
    ]  # fmt: skip
    steps = [{"name": "place", "title": "Choose a host", "undoable": True},
             {"name": "define", "title": "Define it", "undoable": False}]  # fmt: skip
    return {"kind": f"vm.{verb}", "title": "Create VM", "noun": "vm", "object_name": name, "steps": steps,
            "locks": ["vm:1 (exclusive)"], "waits_for": [], "details": {"placement": verdicts}}  # fmt: skip


def task(kind: str, object_id: str, name: str) -> TaskView:
    """One that is queued."""
    return TaskView(id=new_id(), seq=1, kind=kind, title=kind.replace("vm.", "").capitalize() + " VM", noun="vm",
                    object_id=object_id, object_name=name, project_id="", parent_id=None, state=TaskState.QUEUED,
                    progress=0.0, waiting_for="", trail=[], result=None, error=None, host_id=None, actor="sysadmin",
                    reason="", request_id="request-1", cancel_requested=False, cancellable=True,
                    created_at=datetime.fromisoformat(AT), started_at=None, finished_at=None)  # fmt: skip


def event(seq: int, kind: str, noun: str, object_id: str, data: dict[str, Any]) -> EventView:
    """One line of the stream."""
    return EventView(seq=seq, at=datetime.fromisoformat(AT), kind=kind, noun=noun, object_id=object_id, project_id="",
                     task_id="", data=data)  # fmt: skip
