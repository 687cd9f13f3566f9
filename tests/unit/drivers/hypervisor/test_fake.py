"""What the fake has beyond the protocol: faults on demand and VMs that outlive it."""

from __future__ import annotations

from pathlib import Path

import pytest

from altus.common.errors import Failed
from altus.drivers.hypervisor.fake import FakeHypervisor
from altus.model.vm import VmState
from tests.contract.hypervisor_samples import attachments, definition


async def test_asked_for_fault_is_raised_once_and_changes_nothing() -> None:
    fake = FakeHypervisor()
    vm = definition()
    fake.fail_next("define", Failed("The disk is on fire.", code="test.fire"))
    with pytest.raises(Failed) as refused:
        await fake.define(vm, attachments(vm))
    assert refused.value.code == "test.fire"
    assert await fake.observe(vm.id) is None
    await fake.define(vm, attachments(vm))
    assert await fake.observe(vm.id) is not None


async def test_vms_outlive_a_driver_that_was_not_closed(tmp_path: Path) -> None:
    path = tmp_path / "state" / "fake.db"
    killed = FakeHypervisor(path)
    vm, other = definition(), definition("other")
    for each in (vm, other):
        await killed.define(each, attachments(each))
    await killed.start(vm.id)
    await killed.undefine(other.id)
    heir = FakeHypervisor(path)
    assert {(seen.id, seen.name, seen.state) for seen in await heir.observe_all()} == {(vm.id, "web1", VmState.RUNNING)}
    assert await heir.guest(vm.id) is not None
