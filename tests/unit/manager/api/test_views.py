"""What lists show of VMs is remembered; nobody is shown what is another's, or what was."""

from __future__ import annotations

import dataclasses
import json

from altus.common.ids import new_id
from altus.manager.api.views import vm_json, vm_view
from altus.model.actor import Actor, Right
from altus.model.permission import SYSTEM_ROLE, Duty, Permission
from altus.model.vm import Vm, VmHardware, VmState


def _actor(permissions: frozenset[Permission]) -> Actor:
    return Actor(account_id=new_id(), name="somebody", duty=Duty.SYSTEM, rights=(Right(permissions),))


def test_list_shows_each_actor_what_it_may_do_and_each_vm_as_it_is() -> None:
    vm = Vm(id=new_id(), name="web", hardware=VmHardware(vcpus=1, memory=1 << 27), state=VmState.RUNNING)
    master, reader = _actor(SYSTEM_ROLE.permissions), _actor(frozenset({Permission.VM_READ}))
    for one in (vm, dataclasses.replace(vm, state=VmState.STOPPED, revision=vm.revision)):
        for actor in (master, reader, master):
            assert json.loads(vm_json(actor, one)) == vm_view(actor, one).model_dump(mode="json")
    assert json.loads(vm_json(master, vm))["allowed_actions"]["stop"]["allowed"]
    assert not json.loads(vm_json(reader, vm))["allowed_actions"]["stop"]["allowed"]
