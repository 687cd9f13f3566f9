"""What hosts tell becomes what the database knows; what tasks are about to say is left to them."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import pytest

from altus.common.errors import Conflict
from altus.common.ids import new_id
from altus.manager.services.observe import Observer
from altus.manager.store import lease as leases
from altus.manager.store.database import Database, LeaseLostError, Tx
from altus.manager.store.resources import HOST, STORAGE, VM
from altus.model.host import Host, HostState
from altus.model.label import Label
from altus.model.resource import utc_now
from altus.model.storage import StorageKind
from altus.model.vm import (
    GuestFacts,
    Vm,
    VmEvent,
    VmEventKind,
    VmHardware,
    VmObservation,
    VmState,
)
from altus.wire.agent import Hello, StateSeen, StorageSeen, VmHappened
from testbed.local_hosts import LocalHost

Put = Callable[..., Awaitable[Vm]]


@pytest.fixture
async def host(sqlite_db: Database) -> Host:
    host = Host(id=new_id(), name="host1", label=Label.INTERNAL, state=HostState.UP)
    return await sqlite_db.write(lambda tx: HOST.insert(tx, host))


@pytest.fixture
async def observer(sqlite_db: Database) -> Observer:
    lease = await sqlite_db.write(lambda tx: leases.acquire(tx, "test", 60, force=True, own=None))
    assert lease is not None
    return Observer(sqlite_db, lease.epoch)


@pytest.fixture
def put(sqlite_db: Database, host: Host) -> Put:
    """Stores a VM of the host."""

    async def make(state: VmState, **fields: object) -> Vm:
        vm = Vm(id=new_id(), name=new_id(), host_id=host.id, state=state, hardware=VmHardware(), **fields)  # type: ignore[arg-type]
        return await sqlite_db.write(lambda tx: VM.insert(tx, vm))

    return make


def _seen(vm: Vm, state: VmState, order: int = 0) -> VmObservation:
    return VmObservation(id=vm.id, name=vm.name, state=state, order=order)


def _happened(vm: Vm, state: VmState | None, order: int = 0) -> VmHappened:
    kind = VmEventKind.REMOVED if state is None else VmEventKind.CHANGED
    seen = None if state is None else _seen(vm, state, order)
    return VmHappened(event=VmEvent(kind=kind, vm_id=vm.id, reason="test", observation=seen))


async def _hello(host: Host, folder: Path) -> Hello:
    """What a host without VMs says."""
    local = LocalHost(host.id, folder)
    await local.core.facts.refresh()
    try:
        return await local.core.hello()
    finally:
        await local.core.close()


async def _state(db: Database, vm: Vm) -> VmState:
    return (await db.read(lambda tx: VM.get(tx, vm.id))).state


async def test_event_changes_the_state(sqlite_db: Database, observer: Observer, put: Put, host: Host) -> None:
    vm = await put(VmState.RUNNING)
    await observer.on_news(host.id, _happened(vm, VmState.CRASHED))
    assert await _state(sqlite_db, vm) is VmState.CRASHED


async def test_event_older_than_what_is_known_changes_nothing(sqlite_db: Database, observer: Observer, put: Put,
                                                              host: Host) -> None:  # fmt: skip
    vm = await put(VmState.RUNNING, observed=20)  # as a task's answer told
    await observer.on_news(host.id, _happened(vm, VmState.PAUSED, 19))
    assert await _state(sqlite_db, vm) is VmState.RUNNING
    await observer.on_news(host.id, _happened(vm, VmState.PAUSED, 21))
    await observer.on_news(host.id, StateSeen(order=22, vms=[_seen(vm, VmState.RUNNING, 20)]))
    assert await _state(sqlite_db, vm) is VmState.PAUSED


async def test_what_a_guest_told_counts_though_an_answer_overtook_it(sqlite_db: Database, observer: Observer, put: Put,
                                                                     host: Host) -> None:  # fmt: skip
    vm = await put(VmState.RUNNING, observed=20)  # a task's answer, which says nothing about the guest
    told = dataclasses.replace(_seen(vm, VmState.RUNNING, 19), guest=GuestFacts(hostname="h"))
    await observer.on_news(host.id, VmHappened(event=VmEvent(kind=VmEventKind.CHANGED, vm_id=vm.id, reason="test",
                                                             observation=told)))  # fmt: skip
    now = await sqlite_db.read(lambda tx: VM.get(tx, vm.id))
    assert (now.guest, now.observed) == (told.guest, 20)
    await observer.on_news(host.id, _happened(vm, VmState.PAUSED, 19))
    assert (await sqlite_db.read(lambda tx: VM.get(tx, vm.id))).guest == told.guest
    await observer.on_news(host.id, _happened(vm, VmState.STOPPED, 19))  # it was off between: that guest is no more
    now = await sqlite_db.read(lambda tx: VM.get(tx, vm.id))
    assert (now.state, now.guest) == (VmState.RUNNING, None)


async def test_host_that_booted_begins_its_clock_anew(sqlite_db: Database, observer: Observer, put: Put, host: Host,
                                                      tmp_path: Path) -> None:  # fmt: skip
    hello = await _hello(host, tmp_path)
    await observer.on_hello(hello)
    vm = await put(VmState.RUNNING, observed=1000)
    same_clock = {"order": 2000, "vms": [_seen(vm, VmState.STOPPED, 999)]}
    await observer.on_hello(hello.model_copy(update=same_clock))
    assert await _state(sqlite_db, vm) is VmState.RUNNING
    booted = {"boot_id": "next", "order": 10, "vms": [_seen(vm, VmState.STOPPED, 9)]}
    await observer.on_hello(hello.model_copy(update=booted))
    assert await _state(sqlite_db, vm) is VmState.STOPPED
    await observer.on_news(host.id, _happened(vm, VmState.RUNNING, 12))
    assert await _state(sqlite_db, vm) is VmState.RUNNING


async def test_host_that_booted_before_its_hypervisor_answers_is_believed_when_it_does(
    sqlite_db: Database, observer: Observer, put: Put, host: Host, tmp_path: Path
) -> None:
    hello = await _hello(host, tmp_path)
    await observer.on_hello(hello)
    vm, gone = [await put(VmState.RUNNING, observed=1000) for _ in range(2)]
    await observer.on_hello(hello.model_copy(update={"boot_id": "next", "order": 10, "vms": None}))
    await observer.on_news(host.id, StateSeen(order=20, vms=[_seen(vm, VmState.STOPPED, 19)]))
    assert [await _state(sqlite_db, one) for one in (vm, gone)] == [VmState.STOPPED, VmState.UNKNOWN]


async def test_vm_made_after_its_host_was_looked_at_is_not_missing(sqlite_db: Database, observer: Observer, put: Put,
                                                                   host: Host) -> None:  # fmt: skip
    made, gone = await put(VmState.STOPPED, observed=21), await put(VmState.STOPPED, observed=19)
    await observer.on_news(host.id, StateSeen(order=20, vms=[]))
    assert [await _state(sqlite_db, vm) for vm in (made, gone)] == [VmState.STOPPED, VmState.UNKNOWN]


async def test_vm_gone_from_its_host_is_unknown(sqlite_db: Database, observer: Observer, put: Put, host: Host) -> None:
    vm, other = await put(VmState.RUNNING), await put(VmState.STOPPED)
    await observer.on_news(host.id, _happened(vm, None))
    assert await _state(sqlite_db, vm) is VmState.UNKNOWN
    await observer.on_news(host.id, StateSeen(order=1, vms=[_seen(vm, VmState.RUNNING)]))
    assert [await _state(sqlite_db, one) for one in (vm, other)] == [VmState.RUNNING, VmState.UNKNOWN]


@pytest.mark.parametrize("state", [VmState.CREATING, VmState.DELETING, VmState.FAILED])
async def test_what_only_tasks_change_stays(sqlite_db: Database, observer: Observer, put: Put, host: Host,
                                            state: VmState) -> None:  # fmt: skip
    vm = await put(state)
    await observer.on_news(host.id, _happened(vm, VmState.RUNNING))
    await observer.on_down(host.id)
    assert await _state(sqlite_db, vm) is state


async def test_event_during_creation_counts_when_the_vm_is_whole(sqlite_db: Database, observer: Observer, put: Put,
                                                                 host: Host) -> None:  # fmt: skip
    vm = await put(VmState.CREATING)
    for state in (VmState.RUNNING, VmState.CRASHED):
        await observer.on_news(host.id, _happened(vm, state))
    await observer.settle()
    assert await _state(sqlite_db, vm) is VmState.CREATING
    await sqlite_db.write(lambda tx: VM.change(tx, vm.id, state=VmState.RUNNING))  # as the task had heard
    await observer.settle()
    assert await _state(sqlite_db, vm) is VmState.CRASHED
    await sqlite_db.write(lambda tx: VM.change(tx, vm.id, state=VmState.RUNNING))
    await observer.settle()
    assert await _state(sqlite_db, vm) is VmState.RUNNING  # it counts once


async def _arrived(db: Database, vm: Vm) -> None:
    """It moves no more."""
    await db.write(lambda tx: VM.change(tx, vm.id, other_host_id=None))


async def test_what_hosts_tell_of_a_vm_that_moves_counts_when_it_has_come(sqlite_db: Database, observer: Observer,
                                                                          put: Put, host: Host) -> None:  # fmt: skip
    vm = await put(VmState.RUNNING, other_host_id="elsewhere")
    await observer.on_news(host.id, _happened(vm, VmState.CRASHED, 5))
    await observer.on_news("elsewhere", _happened(vm, VmState.PAUSED, 9))
    await observer.settle()
    assert await _state(sqlite_db, vm) is VmState.RUNNING
    await _arrived(sqlite_db, vm)
    await observer.settle()
    assert await _state(sqlite_db, vm) is VmState.CRASHED


async def test_host_that_is_back_while_a_vm_moves_is_not_unheard(sqlite_db: Database, observer: Observer, put: Put,
                                                                 host: Host, tmp_path: Path) -> None:  # fmt: skip
    told, booted = [await put(VmState.RUNNING, other_host_id="elsewhere", observed=1000) for _ in range(2)]
    await observer.on_down(host.id)
    await observer.on_news(host.id, StateSeen(order=1001, vms=[_seen(told, VmState.RUNNING, 1001)]))
    hello = await _hello(host, tmp_path)
    await observer.on_hello(
        hello.model_copy(update={"boot_id": "next", "order": 10, "vms": [_seen(booted, VmState.STOPPED, 9)]})
    )
    await observer.settle()
    assert [await _state(sqlite_db, vm) for vm in (told, booted)] == [VmState.UNKNOWN] * 2
    for vm in (told, booted):
        await _arrived(sqlite_db, vm)
    await observer.settle()
    assert [await _state(sqlite_db, vm) for vm in (told, booted)] == [VmState.RUNNING, VmState.STOPPED]


async def test_what_a_host_told_before_its_silence_does_not_count_after_it(sqlite_db: Database, observer: Observer,
                                                                           put: Put, host: Host) -> None:  # fmt: skip
    vm = await put(VmState.RUNNING, other_host_id="elsewhere")
    await observer.on_news(host.id, _happened(vm, VmState.PAUSED, 5))
    await observer.on_down(host.id)
    await _arrived(sqlite_db, vm)
    await observer.settle()
    assert await _state(sqlite_db, vm) is VmState.UNKNOWN


async def test_vms_of_a_silent_host_are_unknown(sqlite_db: Database, observer: Observer, put: Put, host: Host) -> None:
    vm = await put(VmState.RUNNING)
    await observer.on_down(host.id)
    assert await _state(sqlite_db, vm) is VmState.UNKNOWN
    assert (await sqlite_db.read(lambda tx: HOST.get(tx, host.id))).state is HostState.UNREACHABLE


async def test_a_host_was_seen_last_when_its_stream_broke_off(sqlite_db: Database, observer: Observer, host: Host,
                                                              tmp_path: Path) -> None:  # fmt: skip
    async def seen_at() -> datetime | None:
        return (await sqlite_db.read(lambda tx: HOST.get(tx, host.id))).seen_at

    await observer.on_down(host.id)
    assert await seen_at() is None  # this manager has not heard it yet
    await observer.on_hello(await _hello(host, tmp_path))
    told, broke_off = await seen_at(), utc_now()
    assert told is not None
    assert told <= broke_off
    await observer.on_down(host.id)
    silent_since = await seen_at()
    assert silent_since is not None
    assert silent_since >= broke_off
    await observer.on_down(host.id)
    assert await seen_at() == silent_since


async def test_host_that_never_came_stays_enrolling(sqlite_db: Database, observer: Observer) -> None:
    host = await sqlite_db.write(lambda tx: HOST.insert(tx, Host(id=new_id(), name="host2")))
    await observer.on_down(host.id)
    assert (await sqlite_db.read(lambda tx: HOST.get(tx, host.id))).state is HostState.ENROLLING


async def test_maintenance_outlasts_the_hosts_silence(sqlite_db: Database, observer: Observer, host: Host,
                                                      tmp_path: Path) -> None:  # fmt: skip
    def maintain(tx: Tx) -> None:
        HOST.change(tx, host.id, state=HostState.MAINTENANCE, maintenance=True)

    await sqlite_db.write(maintain)
    await observer.on_down(host.id)
    assert (await sqlite_db.read(lambda tx: HOST.get(tx, host.id))).state is HostState.UNREACHABLE
    local = LocalHost(host.id, tmp_path)
    await local.core.facts.refresh()
    await observer.on_hello(await local.core.hello())
    assert (await sqlite_db.read(lambda tx: HOST.get(tx, host.id))).state is HostState.MAINTENANCE
    await local.core.close()


async def test_state_goes_only_where_the_table_allows(sqlite_db: Database, host: Host) -> None:
    with pytest.raises(Conflict) as caught:
        await sqlite_db.write(lambda tx: HOST.change(tx, host.id, state=HostState.ENROLLING))
    assert caught.value.code == "host.transition"


async def test_stopped_vm_has_no_restart_pending_and_no_guest(sqlite_db: Database, observer: Observer, put: Put,
                                                              host: Host) -> None:  # fmt: skip
    vm = await put(VmState.RUNNING, restart_pending=True, guest=GuestFacts(hostname="h"))
    await observer.on_news(host.id, _happened(vm, VmState.STOPPED))
    now = await sqlite_db.read(lambda tx: VM.get(tx, vm.id))
    assert (now.restart_pending, now.guest) == (False, None)


async def test_hello_brings_storages_under_the_hosts_label(sqlite_db: Database, observer: Observer, host: Host,
                                                           tmp_path: Path) -> None:  # fmt: skip
    hello = await _hello(host, tmp_path)
    store = StorageSeen(id=new_id(), name="local", kind=StorageKind.DIRECTORY, shared=False, usage=None)
    hello = Hello.model_validate(hello.model_dump() | {"storages": [store.model_dump()]})
    for _ in range(2):
        await observer.on_hello(hello)
    (found,) = await sqlite_db.read(STORAGE.all)
    assert (found.id, found.name, found.label, found.host_id) == (store.id, "host1-local", Label.INTERNAL, host.id)


async def test_manager_that_lost_the_lease_writes_nothing(sqlite_db: Database, observer: Observer, put: Put,
                                                          host: Host) -> None:  # fmt: skip
    vm = await put(VmState.RUNNING)

    def other(tx: Tx) -> None:
        leases.acquire(tx, "other", 60, force=True, own=None)

    await sqlite_db.write(other)
    with pytest.raises(LeaseLostError):
        await observer.on_news(host.id, _happened(vm, VmState.STOPPED))
    with pytest.raises(LeaseLostError):
        await observer.on_down(host.id)
    assert await _state(sqlite_db, vm) is VmState.RUNNING
