"""Every hypervisor keeps the protocol's promises (`altus.drivers.hypervisor.base`)."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from altus.common.errors import Conflict, InvalidInput, NotFound, Unavailable
from altus.common.ids import new_id
from altus.common.units import MIB
from altus.drivers.hypervisor.base import ByteStream, Hypervisor, VmAttachments
from altus.model.vm import CloudInit, VmDefinition, VmEvent, VmEventKind, VmHardware, VmState
from tests.contract.hypervisor_rigs import PATIENCE, FakeRig, LibvirtRig, Rig, until, until_state
from tests.contract.hypervisor_samples import attachments, definition, largest, nics, revised

Call = Callable[[Hypervisor, str], Coroutine[Any, Any, object]]

CALLS: dict[str, Call] = {
    "start": lambda driver, vm_id: driver.start(vm_id),
    "shutdown": lambda driver, vm_id: driver.shutdown(vm_id),
    "reboot": lambda driver, vm_id: driver.reboot(vm_id, force=False),
    "reset": lambda driver, vm_id: driver.reboot(vm_id, force=True),
    "pause": lambda driver, vm_id: driver.pause(vm_id),
    "resume": lambda driver, vm_id: driver.resume(vm_id),
    "suspend": lambda driver, vm_id: driver.suspend(vm_id),
    "guest": lambda driver, vm_id: driver.guest(vm_id),
    "open_serial": lambda driver, vm_id: driver.open_serial(vm_id),
    "open_vnc": lambda driver, vm_id: driver.open_vnc(vm_id),
    "screenshot": lambda driver, vm_id: driver.screenshot(vm_id),
}
NEED_A_RUNNING_VM = sorted(set(CALLS) - {"start", "shutdown", "guest"})


async def state(driver: Hypervisor, vm_id: str) -> VmState | None:
    seen = await driver.observe(vm_id)
    return seen.state if seen else None


async def defined(driver: Hypervisor, vm: VmDefinition | None = None) -> VmDefinition:
    """A stopped VM without anything to boot from: it starts fast and does nothing."""
    vm = vm or definition()
    await driver.define(vm, attachments(vm))
    return vm


async def running(driver: Hypervisor) -> VmDefinition:
    vm = await defined(driver)
    await driver.start(vm.id)
    return vm


async def with_guest(rig: Rig, hardware: VmHardware | None = None) -> VmDefinition:
    """A VM whose guest's agent answers."""
    vm = definition(hardware=hardware)
    await rig.driver.define(vm, await rig.bootable(vm))
    await rig.driver.start(vm.id)
    await until_guest(rig.driver, vm.id)
    return vm


async def until_guest(driver: Hypervisor, vm_id: str) -> None:
    async def answers() -> bool:
        return await driver.guest(vm_id) is not None

    await until(answers, "guest agent answers")


async def next_event(events: AsyncIterator[VmEvent], reason: str) -> VmEvent:
    """The next event with this reason."""
    async with asyncio.timeout(PATIENCE):
        async for event in events:
            if event.reason == reason:
                return event
    raise AssertionError(f"events ended before {reason!r}")


async def read_until(stream: ByteStream, wanted: bytes) -> bytes:
    seen = b""
    async with asyncio.timeout(PATIENCE):
        while wanted not in seen:
            data = await stream.read()
            assert data, f"the stream ended with {seen[-200:]!r}"
            seen += data
    return seen


# -- capabilities and definitions --------------------------------------------------------------------------------------


async def test_capabilities_give_a_reason_and_versions(driver: Hypervisor) -> None:
    found = await driver.capabilities()
    assert found.acceleration_reason.endswith(".")
    assert found.versions
    assert found.uefi
    assert await driver.capabilities() == found


async def test_defined_vm_is_observed_as_stopped(driver: Hypervisor) -> None:
    vm = await defined(driver)
    seen = await driver.observe(vm.id)
    assert seen is not None
    assert (seen.id, seen.name, seen.state, seen.revision, seen.guest) == (vm.id, vm.name, VmState.STOPPED, 1, None)


async def test_define_again_replaces_the_definition(driver: Hypervisor) -> None:
    vm = await defined(driver)
    await defined(driver, revised(vm, VmHardware(vcpus=2, memory=256 * MIB)))
    seen = await driver.observe(vm.id)
    assert seen is not None
    assert seen.revision == 2
    assert len(await driver.observe_all()) == 1


async def test_define_while_running_lets_the_vm_run(driver: Hypervisor) -> None:
    vm = await running(driver)
    await defined(driver, revised(vm, VmHardware(vcpus=2, memory=256 * MIB)))
    seen = await driver.observe(vm.id)
    assert seen is not None
    assert (seen.state, seen.revision) == (VmState.RUNNING, 2)


async def test_vms_of_one_name_live_side_by_side(driver: Hypervisor) -> None:
    first, second = await defined(driver), await defined(driver)
    assert {seen.id for seen in await driver.observe_all()} == {first.id, second.id}


async def test_vm_at_all_limits_is_defined(driver: Hypervisor) -> None:
    vm = await defined(driver, definition(hardware=largest()))
    assert await state(driver, vm.id) is VmState.STOPPED


async def test_unreadable_cloud_config_is_refused_and_nothing_is_defined(driver: Hypervisor) -> None:
    vm = definition()
    broken = CloudInit(user_data="#cloud-config\n- [", password="x")
    with pytest.raises(InvalidInput) as refused:
        await driver.define(vm, VmAttachments(disks=[], nics=[], seed=broken))
    assert refused.value.code == "cloud_init.invalid"
    assert await driver.observe(vm.id) is None


async def test_undefined_vm_is_gone(driver: Hypervisor) -> None:
    vm = await defined(driver)
    for _ in range(2):
        await driver.undefine(vm.id)
        assert await driver.observe(vm.id) is None
    assert await driver.observe_all() == []


async def test_running_vm_is_not_undefined(driver: Hypervisor) -> None:
    vm = await running(driver)
    with pytest.raises(Conflict) as refused:
        await driver.undefine(vm.id)
    assert refused.value.code == "vm.running"
    assert await state(driver, vm.id) is VmState.RUNNING


@pytest.mark.parametrize("call", CALLS)
async def test_unknown_vm_is_not_found(driver: Hypervisor, call: str) -> None:
    with pytest.raises(NotFound) as refused:
        await CALLS[call](driver, new_id())
    assert refused.value.code == "vm.not_on_host"


async def test_unknown_vm_is_destroyed_undefined_and_observed_without_error(driver: Hypervisor) -> None:
    vm_id = new_id()
    await driver.destroy(vm_id)
    await driver.undefine(vm_id)
    assert await driver.observe(vm_id) is None


# -- power -------------------------------------------------------------------------------------------------------------


async def test_started_vm_runs_and_starting_it_again_changes_nothing(driver: Hypervisor) -> None:
    vm = await defined(driver)
    for _ in range(2):
        await driver.start(vm.id)
        assert await state(driver, vm.id) is VmState.RUNNING


async def test_concurrent_starts_all_succeed(driver: Hypervisor) -> None:
    vm = await defined(driver)
    await asyncio.gather(*(driver.start(vm.id) for _ in range(4)))
    assert await state(driver, vm.id) is VmState.RUNNING


async def test_destroyed_vm_is_stopped(driver: Hypervisor) -> None:
    vm = await running(driver)
    for _ in range(2):
        await driver.destroy(vm.id)
        assert await state(driver, vm.id) is VmState.STOPPED


async def test_paused_vm_stays_paused_until_resumed(driver: Hypervisor) -> None:
    vm = await running(driver)
    for call in ("pause", "pause", "start"):
        await CALLS[call](driver, vm.id)
        assert await state(driver, vm.id) is VmState.PAUSED
    for _ in range(2):
        await driver.resume(vm.id)
        assert await state(driver, vm.id) is VmState.RUNNING


async def test_suspended_vm_runs_on_when_started(driver: Hypervisor) -> None:
    vm = await running(driver)
    for _ in range(2):
        await driver.suspend(vm.id)
        assert await state(driver, vm.id) is VmState.SUSPENDED
    assert [seen.state for seen in await driver.observe_all()] == [VmState.SUSPENDED]
    await driver.start(vm.id)
    assert await state(driver, vm.id) is VmState.RUNNING


async def test_vm_suspended_while_paused_runs_when_started(driver: Hypervisor) -> None:
    vm = await running(driver)
    await driver.pause(vm.id)
    await driver.suspend(vm.id)
    await driver.start(vm.id)
    assert await state(driver, vm.id) is VmState.RUNNING


async def test_destroying_a_suspended_vm_drops_its_memory(driver: Hypervisor) -> None:
    vm = await running(driver)
    await driver.suspend(vm.id)
    await driver.destroy(vm.id)
    assert await state(driver, vm.id) is VmState.STOPPED


async def test_suspended_vm_can_be_undefined(driver: Hypervisor) -> None:
    vm = await running(driver)
    await driver.suspend(vm.id)
    await driver.undefine(vm.id)
    assert await driver.observe(vm.id) is None


@pytest.mark.parametrize("call", NEED_A_RUNNING_VM)
async def test_stopped_vm_refuses_what_needs_a_running_one(driver: Hypervisor, call: str) -> None:
    vm = await defined(driver)
    with pytest.raises(Conflict) as refused:
        await CALLS[call](driver, vm.id)
    assert refused.value.code == "vm.not_running"


async def test_shutdown_of_a_stopped_vm_is_success_and_of_a_suspended_one_refused(driver: Hypervisor) -> None:
    vm = await defined(driver)
    await driver.shutdown(vm.id)
    assert await driver.guest(vm.id) is None
    await driver.start(vm.id)
    await driver.suspend(vm.id)
    with pytest.raises(Conflict) as refused:
        await driver.shutdown(vm.id)
    assert refused.value.code == "vm.not_running"


async def test_reset_vm_runs_on(driver: Hypervisor) -> None:
    vm = await running(driver)
    await driver.reboot(vm.id, force=True)
    assert await state(driver, vm.id) is VmState.RUNNING


async def test_vms_run_on_without_the_driver(rig: Rig) -> None:
    vm = await running(rig.driver)
    await rig.reopen()
    assert await state(rig.driver, vm.id) is VmState.RUNNING


async def test_closed_driver_is_unavailable(rig: Rig) -> None:
    await rig.driver.capabilities()
    await rig.driver.close()
    with pytest.raises(Unavailable):
        await rig.driver.observe_all()
    await rig.reopen()


# -- events ------------------------------------------------------------------------------------------------------------


async def test_events_tell_every_change(driver: Hypervisor) -> None:
    await driver.capabilities()
    events = driver.events()
    vm = await defined(driver)
    steps: list[tuple[str, str, VmState]] = [
        ("start", "started", VmState.RUNNING),
        ("pause", "paused", VmState.PAUSED),
        ("resume", "resumed", VmState.RUNNING),
        ("suspend", "suspended", VmState.SUSPENDED),
        ("start", "started", VmState.RUNNING),
    ]
    assert (await next_event(events, "defined")).kind is VmEventKind.CHANGED
    for call, reason, expected in steps:
        await CALLS[call](driver, vm.id)
        event = await next_event(events, reason)
        assert event.vm_id == vm.id
        assert event.observation is not None
        assert event.observation.state is expected
    await driver.destroy(vm.id)
    await next_event(events, "power cut")
    await driver.undefine(vm.id)
    event = await next_event(events, "undefined")
    assert (event.kind, event.vm_id, event.observation) == (VmEventKind.REMOVED, vm.id, None)


async def test_two_subscribers_get_the_same_events(driver: Hypervisor) -> None:
    await driver.capabilities()
    first, second = driver.events(), driver.events()
    vm = await running(driver)
    for events in (first, second):
        assert (await next_event(events, "started")).vm_id == vm.id


async def test_power_cut_by_others_is_told(rig: Rig) -> None:
    vm = await running(rig.driver)
    events = rig.driver.events()
    await rig.cut_power(vm.id)
    event = await next_event(events, "power cut")
    assert event.observation is not None
    assert event.observation.state is VmState.STOPPED


async def test_killed_process_is_told_as_a_crash_until_the_power_is_cut(rig: Rig) -> None:
    vm = await running(rig.driver)
    events = rig.driver.events()
    await rig.kill_process(vm.id)
    event = await next_event(events, "crashed")
    assert event.observation is not None
    assert event.observation.state is VmState.CRASHED
    await rig.driver.destroy(vm.id)
    assert await state(rig.driver, vm.id) is VmState.STOPPED


async def test_crashed_vm_starts_and_its_next_crash_is_seen_again(rig: Rig) -> None:
    vm = await running(rig.driver)
    for _ in range(2):
        await rig.kill_process(vm.id)
        await until_state(rig.driver, vm.id, VmState.CRASHED)
        await rig.driver.destroy(vm.id)
        assert await state(rig.driver, vm.id) is VmState.STOPPED
        await rig.driver.start(vm.id)
        assert await state(rig.driver, vm.id) is VmState.RUNNING


async def test_lost_daemon_ends_events_and_is_found_again(rig: Rig) -> None:
    vm = await running(rig.driver)
    events = rig.driver.events()
    waiting = asyncio.ensure_future(next_event(events, "never"))
    await rig.lose_daemon()
    with pytest.raises(AssertionError, match="events ended"):
        await waiting
    for _ in range(2):
        with pytest.raises(Unavailable) as refused:
            await rig.driver.start(vm.id)
        assert refused.value.code == "hypervisor.unavailable"
    with pytest.raises(Unavailable):
        await next_event(rig.driver.events(), "never")
    await rig.restore_daemon()
    assert await state(rig.driver, vm.id) is VmState.RUNNING
    events = rig.driver.events()
    await rig.driver.pause(vm.id)
    assert (await next_event(events, "paused")).vm_id == vm.id


# -- guest and consoles ------------------------------------------------------------------------------------------------


async def test_guest_tells_about_itself_and_powers_off_when_asked(rig: Rig) -> None:
    await rig.driver.capabilities()
    events = rig.driver.events()
    vm = await with_guest(rig)
    event = await next_event(events, "guest agent connected")
    assert event.vm_id == vm.id
    facts = await rig.driver.guest(vm.id)
    assert facts is not None
    assert facts.hostname == vm.name
    assert facts.agent_version
    assert facts.os_name
    assert facts.kernel
    await rig.driver.shutdown(vm.id)
    event = await next_event(events, "powered off by its guest")
    assert event.observation is not None
    assert event.observation.state is VmState.STOPPED
    assert await rig.driver.guest(vm.id) is None


async def test_agents_facts_come_with_an_event(rig: Rig) -> None:
    await rig.driver.capabilities()
    events = rig.driver.events()
    vm = await with_guest(rig)
    async with asyncio.timeout(PATIENCE):
        async for event in events:
            if event.observation is not None and event.observation.guest is not None:
                assert event.observation.guest.hostname == vm.name
                return


async def test_paused_guest_gives_no_facts(rig: Rig) -> None:
    vm = await with_guest(rig)
    await rig.driver.pause(vm.id)
    assert await rig.driver.guest(vm.id) is None


async def test_rebooted_guest_comes_back(rig: Rig) -> None:
    vm = await with_guest(rig)
    events = rig.driver.events()
    await rig.driver.reboot(vm.id, force=False)
    await next_event(events, "restarted by its guest")
    await until_guest(rig.driver, vm.id)


async def test_serial_console_carries_both_ways(rig: Rig) -> None:
    vm = await with_guest(rig)
    console = await rig.driver.open_serial(vm.id)
    await console.write(b"\r")
    await read_until(console, b"login: ")
    await console.write(b"altus-was-here")
    await read_until(console, b"altus-was-here")
    await console.close()
    await console.close()


async def test_new_serial_console_takes_over(driver: Hypervisor) -> None:
    vm = await running(driver)
    old = await driver.open_serial(vm.id)
    new = await driver.open_serial(vm.id)
    async with asyncio.timeout(PATIENCE):
        while await old.read():
            pass
    await new.close()
    await old.close()


@pytest.mark.parametrize("end", ["power cut", "daemon lost"])
async def test_consoles_end_with_what_they_show(rig: Rig, end: str) -> None:
    vm = await running(rig.driver)
    serial, vnc = await rig.driver.open_serial(vm.id), await rig.driver.open_vnc(vm.id)
    await read_until(vnc, b"RFB ")
    if end == "power cut":
        await rig.driver.destroy(vm.id)
        streams = [serial, vnc]
    else:
        await rig.lose_daemon()
        streams = [serial] if isinstance(rig, LibvirtRig) else []  # QEMU itself serves VNC, and runs on
    async with asyncio.timeout(PATIENCE):
        for stream in streams:
            while await stream.read():
                pass
            await stream.write(b"to nobody")
    for stream in (serial, vnc):
        await stream.close()


async def test_vnc_speaks_rfb(driver: Hypervisor) -> None:
    vm = await running(driver)
    first, second = await driver.open_vnc(vm.id), await driver.open_vnc(vm.id)
    for stream in (first, second):
        assert (await read_until(stream, b"\n")).startswith(b"RFB 003.008\n")
        await stream.close()


async def test_screenshot_is_a_png_of_the_display(driver: Hypervisor) -> None:
    vm = await running(driver)
    picture = await driver.screenshot(vm.id)
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", picture[16:24])
    assert width >= 640
    assert height >= 400


async def test_guests_addresses_are_told(tmp_path: Path) -> None:
    rig = FakeRig(tmp_path)  # the real one's NICs need a network: tests/functional has them
    vm = await with_guest(rig, VmHardware(nics=nics(2)))
    facts = await rig.driver.guest(vm.id)
    assert facts is not None
    assert facts.addresses == ("10.20.0.10", "10.20.0.11")
    await rig.clear()
