"""Security groups from the API to the real OVN, and back when somebody else changes them there."""

from __future__ import annotations

import asyncio
import subprocess

import pytest

from altus.common.errors import Conflict
from altus.wire.network_trace import NetworkQuestion
from altus.wire.security_groups import SecurityGroupCreate, SecurityGroupEdit, SecurityGroupView
from altus.wire.vms import NicEdit
from testbed.administrator import Administrator, fresh
from testbed.patience import until

pytestmark = pytest.mark.functional


def _nbctl(*arguments: str) -> str:
    done = subprocess.run(["ovn-nbctl", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


async def _web(admin: Administrator) -> SecurityGroupView:
    """A group that lets TCP to port 80 in."""
    rules = [{"direction": "in", "protocol": "tcp", "first_port": 80}]
    body = SecurityGroupCreate.model_validate({"name": fresh("group"), "rules": rules})
    await admin.altus.security_groups.create(body).run()
    return await admin.altus.security_groups.get(body.name)


async def _raised_and_cleared(admin: Administrator, kind: str) -> None:
    """Until an alarm of this kind has been raised, and none stands."""

    async def look() -> bool:
        tasks = (await admin.altus.tasks.page([f"kind:{kind}"])).items
        done = any(task.state.finished for task in tasks)
        return done and not (await admin.altus.alarms.page()).items

    await until(look, f"{kind} has put it right")


async def test_rules_reach_ovn_and_are_put_right_there(admin: Administrator) -> None:
    group, stranger = await _web(admin), await admin.vm()
    vm = await admin.vm()
    await admin.altus.vms.edit_nic(vm.id, vm.nics[0].id, NicEdit(security_groups=[group.name])).run()
    name = f"altus_{group.id.replace('-', '_')}"
    before = _nbctl("acl-list", name)
    assert "tcp.dst == 80" in before
    with pytest.raises(Conflict, match=vm.name):
        await admin.altus.security_groups.delete(group.id).run()

    async def passes(port: int) -> bool:
        question = NetworkQuestion(sender=stranger.name, receiver=vm.name, port=port)
        return (await admin.altus.networks.explain(question)).passes

    assert (await passes(80), await passes(81)) == (True, False)
    await asyncio.to_thread(_nbctl, "pg-del", name)
    await _raised_and_cleared(admin, "security_group.repair")
    assert _nbctl("acl-list", name) == before
    assert vm.nics[0].id in (_nbctl("--bare", "--columns=name", "list", "Logical_Switch_Port"))
    assert (await passes(80), await passes(81)) == (True, False)
    more = SecurityGroupEdit.model_validate({"add_rules": [{"direction": "in", "protocol": "tcp", "first_port": 81}]})
    await admin.altus.security_groups.edit(group.id, more).run()
    await until(lambda: passes(81), "the new rule holds")
