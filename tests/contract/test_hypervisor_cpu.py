"""Every hypervisor gives a VM the CPU it is defined with, or none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from altus.common.errors import Conflict
from altus.drivers.hypervisor.base import Hypervisor
from altus.model.cpu import GuestCpu, best_cpu
from altus.model.vm import VmState
from tests.contract.hypervisor_rigs import Rig
from tests.contract.hypervisor_samples import defined, definition


async def test_a_vm_has_just_the_cpu_it_was_started_with(rig: Rig) -> None:
    driver, offer = rig.driver, (await rig.driver.capabilities()).guest_cpus
    assert len(offer.models) > 1
    given = best_cpu(offer)
    vm = await defined(driver, replace(definition(), cpu=given))
    await driver.start(vm.id)
    assert await rig.guest_cpu(vm.id) == given
    plain = best_cpu(offer, offer.models[-1])
    await defined(driver, replace(vm, revision=2, cpu=plain))
    assert await rig.guest_cpu(vm.id) == given  # it runs on
    await driver.destroy(vm.id)
    await driver.start(vm.id)
    after = await rig.guest_cpu(vm.id)
    assert after.model == plain.model
    assert set(after.features) < set(given.features)


@pytest.mark.parametrize("cpu", [GuestCpu(model="Nonesuch"), GuestCpu(model="qemu64", features=("cmov", "nonesuch")),
                                 GuestCpu(model="qemu64", vendor="Nobody")])  # fmt: skip
async def test_a_vm_does_not_start_without_the_cpu_it_is_to_have(driver: Hypervisor, cpu: GuestCpu) -> None:
    vm = replace(definition(), cpu=cpu)
    await defined(driver, vm)
    with pytest.raises(Conflict) as refused:
        await driver.start(vm.id)
    assert refused.value.code == "host.cpu"
    seen = await driver.observe(vm.id)
    assert seen is not None
    assert seen.state is VmState.STOPPED
