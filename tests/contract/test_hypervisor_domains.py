"""Every hypervisor tells of all domains, whoever made them, and takes over those of others."""

from __future__ import annotations

import dataclasses

import pytest

from altus.common.errors import NotFound
from altus.common.ids import new_id
from altus.common.units import MIB
from altus.drivers.hypervisor.base import Hypervisor
from altus.model.domain import DomainFacts
from altus.model.network import mac_of
from altus.model.vm import VmHardware, VmState
from tests.contract.hypervisor_rigs import Rig
from tests.contract.hypervisor_samples import attachments, defined, definition, nics, revised
from tests.contract.test_hypervisor import state


async def test_domains_are_told_as_they_are_defined(driver: Hypervisor) -> None:
    vm = definition(hardware=VmHardware(vcpus=3, memory=96 * MIB, nics=nics(1)))
    given = attachments(vm)
    await driver.define(vm, given)
    found = next(domain for domain in await driver.domains() if domain.id == vm.id)
    assert (found.ours, found.persistent, found.state) == (True, True, VmState.STOPPED)
    assert (found.vcpus, found.memory) == (3, 96 * MIB)
    assert [disk.path for disk in found.disks] == [disk.path for disk in given.disks]
    assert [disk.bus for disk in found.disks] == [disk.bus for disk in vm.hardware.disks]
    wanted = [(nic.mac, nic.id, nic.model) for nic in vm.hardware.nics]
    assert [(nic.mac, nic.port_id, nic.model) for nic in found.nics] == wanted


async def _only(driver: Hypervisor) -> DomainFacts:
    (found,) = await driver.domains()
    return found


async def test_a_strangers_domain_is_told_and_is_no_vm(rig: Rig) -> None:
    domain_id = new_id()
    await rig.stranger(domain_id)
    found = await _only(rig.driver)
    assert (found.id, found.name, found.ours, found.state) == (domain_id, "legacy", False, VmState.STOPPED)
    assert (found.vcpus, found.memory, found.obstacles) == (2, 64 * MIB, ())
    assert [(nic.mac, nic.model, nic.port_id) for nic in found.nics] == [(mac_of(domain_id), "virtio", "")]
    assert await rig.driver.observe_all() == []
    await rig.expel(domain_id)


@pytest.mark.parametrize("how_far", ["taken", "defined"])
async def test_a_domain_that_was_taken_is_given_back_as_it_was(rig: Rig, how_far: str) -> None:
    domain_id, driver = new_id(), rig.driver
    await rig.stranger(domain_id)
    before = await _only(driver)
    for _ in range(2):
        await driver.adoptions.take(domain_id)
        assert (await _only(driver)).ours
    if how_far == "defined":
        vm = dataclasses.replace(definition(), id=domain_id)
        await driver.define(vm, attachments(vm))
        assert await state(driver, domain_id) is VmState.STOPPED
        assert (await _only(driver)).vcpus == vm.hardware.vcpus
    for _ in range(2):
        await driver.adoptions.give_back(domain_id)
        assert await _only(driver) == before
    await rig.expel(domain_id)


async def test_a_domain_that_altus_made_and_forgot_is_taken_like_any_other(driver: Hypervisor) -> None:
    vm = await defined(driver)
    before = await _only(driver)
    for _ in range(2):
        await driver.adoptions.take(vm.id)
        assert await _only(driver) == before
    for _ in range(2):
        await driver.adoptions.give_back(vm.id)
        assert await _only(driver) == before


async def test_what_is_not_there_is_not_taken_and_need_not_be_given_back(driver: Hypervisor) -> None:
    with pytest.raises(NotFound) as caught:
        await driver.adoptions.take(new_id())
    assert caught.value.code == "vm.not_on_host"
    await driver.adoptions.give_back(new_id())


async def test_sign_is_another_one_after_each_change_of_a_definition(driver: Hypervisor) -> None:
    vm = await defined(driver)
    signs = [await driver.sign()]
    assert await driver.sign() == signs[0]
    await defined(driver, revised(vm, VmHardware(vcpus=2)))
    signs.append(await driver.sign())
    await driver.undefine(vm.id)
    signs.append(await driver.sign())
    assert len(set(signs)) == 3
