"""Every hypervisor lets a running VM go on on other files, or refuses with the reason."""

from __future__ import annotations

from collections.abc import Awaitable

import pytest

from altus.common.errors import Conflict, NotFound
from altus.common.ids import new_id
from altus.drivers.hypervisor.base import Hypervisor
from tests.contract.hypervisor_samples import defined


async def refused(call: Awaitable[object], code: str) -> None:
    with pytest.raises(Conflict) as caught:
        await call
    assert caught.value.code == code


async def test_disks_of_a_vm_that_is_off_are_not_switched(driver: Hypervisor) -> None:
    vm = await defined(driver)
    await refused(driver.disks.switch(vm.id, ["/nowhere"]), "vm.not_running")
    with pytest.raises(NotFound):
        await driver.disks.switch(new_id(), ["/nowhere"])


async def test_without_an_agent_file_systems_are_not_written_out(driver: Hypervisor) -> None:
    vm = await defined(driver)
    await driver.start(vm.id)
    await driver.pause(vm.id)
    await refused(driver.disks.switch(vm.id, ["/nowhere"], quiesce=True), "snapshot.not_quiesced")
