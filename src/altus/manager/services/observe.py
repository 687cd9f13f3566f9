"""What hosts report becomes the database's last observation. Only the manager with the lease writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import structlog

from altus.manager.agents.watch import HostNews
from altus.manager.store import lease as leases
from altus.manager.store import tasks as task_rows
from altus.manager.store.database import Database, Tx
from altus.manager.store.resources import HOST, STORAGE, VM
from altus.model.host import Host, HostState
from altus.model.resource import utc_now
from altus.model.storage import Storage, public_name
from altus.model.vm import GuestFacts, Vm, VmEvent, VmEventKind, VmObservation, VmState
from altus.wire.agent import FactsChanged, Hello, StateSeen, StoragesChanged, StorageSeen, VmHappened

R = TypeVar("R")
_log = structlog.get_logger(__name__)
_NOT_OBSERVED = (VmState.CREATING, VmState.DELETING, VmState.FAILED)
"""States which only tasks change."""


class Observer:
    """Applies reports (it is the agents' `HostWatcher`); applying one twice changes nothing.

    What is seen of a VM while a task makes or moves it is remembered, since only the task knows when it is whole; then
    `settle` applies it.
    """

    def __init__(self, db: Database, epoch: int) -> None:
        self.db = db
        self.epoch = epoch
        self._early: dict[tuple[str, str], VmObservation] = {}
        self._heard: set[str] = set()

    async def on_hello(self, hello: Hello) -> None:
        """A host is (again) there and tells everything."""

        def work(tx: Tx) -> list[VmObservation]:
            known = HOST.peek(tx, hello.host_id)
            if known is None:
                return []
            if known.boot_id != hello.boot_id:
                _forget_orders(tx, known.id)
            host = HOST.change(tx, known.id, state=known.answering, facts=hello.facts, boot_id=hello.boot_id,
                               seen_at=utc_now()) or known  # fmt: skip
            _apply_storages(tx, host, hello.storages)
            return [] if hello.vms is None else _apply_all(tx, host.id, hello.vms)

        self._remember(hello.host_id, await self._write(work))
        self._heard.add(hello.host_id)

    async def on_news(self, host_id: str, news: HostNews) -> None:
        """Something is different on a host."""
        if isinstance(news, VmHappened):
            await self._on_vm(host_id, news.event)
            return

        def work(tx: Tx) -> list[VmObservation]:
            host = HOST.peek(tx, host_id)
            if host is None:
                return []
            match news:
                case StateSeen(order=order, vms=vms):
                    return _apply_all(tx, host_id, vms, looked=order)
                case FactsChanged(facts=facts):
                    HOST.change(tx, host_id, facts=facts, seen_at=utc_now())
                case StoragesChanged(storages=storages):
                    _apply_storages(tx, host, storages)
            return []

        self._remember(host_id, await self._write(work))

    async def settle(self) -> None:
        """Take over what was seen of VMs too early, once they are whole."""
        early = dict(self._early)

        def work(tx: Tx) -> None:
            for (vm_id, host_id), seen in early.items():
                _apply_to(tx, host_id, vm_id, seen)

        if early:
            unripe = await self.db.read(lambda tx: {vm_id for vm_id, _ in early if _is_unripe(VM.peek(tx, vm_id))})
            early = {key: seen for key, seen in early.items() if key[0] not in unripe}
        if early:
            await self._write(work)
            for key, applied in early.items():
                if self._early.get(key) == applied:
                    del self._early[key]

    async def _on_vm(self, host_id: str, event: VmEvent) -> None:
        seen = None if event.kind is VmEventKind.REMOVED else event.observation

        def work(tx: Tx) -> bool:
            _apply_to(tx, host_id, event.vm_id, seen)
            return _is_unripe(VM.peek(tx, event.vm_id))

        self._early.pop((event.vm_id, host_id), None)
        if not await self.db.read(lambda tx: _is_news(tx, event.vm_id, seen)):
            return  # most of what happens was done by tasks, which have told it: the one writer has other things to do
        if await self._write(work) and seen is not None:
            self._remember(host_id, [seen])

    def _remember(self, host_id: str, early: Iterable[VmObservation]) -> None:
        self._early.update({(seen.id, host_id): seen for seen in early})

    async def on_down(self, host_id: str) -> None:
        """A host does not answer: what runs there is not known now. One that never has is still enrolling."""

        def work(tx: Tx) -> None:
            host = HOST.peek(tx, host_id)
            if host is None or host.state is HostState.ENROLLING:
                return
            seen_at = utc_now() if host_id in self._heard else host.seen_at  # until its stream broke off, just now
            HOST.change(tx, host_id, state=HostState.UNREACHABLE, seen_at=seen_at)
            for vm in VM.all(tx, VM.table.c.host_id == host_id):
                if vm.state not in _NOT_OBSERVED:
                    VM.change(tx, vm.id, state=VmState.UNKNOWN)

        self._early = {key: seen for key, seen in self._early.items() if key[1] != host_id}
        await self._write(work)
        self._heard.discard(host_id)

    async def _write(self, work: Callable[[Tx], R]) -> R:
        """Under the lease: what a manager saw before it was frozen must not overwrite what the next one sees."""

        def fenced(tx: Tx) -> R:
            leases.fence(tx, self.epoch)
            return work(tx)

        return await self.db.write(fenced)


def _apply_storages(tx: Tx, host: Host, storages: Iterable[StorageSeen]) -> None:
    """The repositories a host brings are known from now on, under their own ids."""
    for seen in storages:
        if STORAGE.peek(tx, seen.id) is not None:
            STORAGE.change(tx, seen.id, usage=seen.usage)
            continue
        name = seen.name if seen.shared else public_name(seen.name, host.name)
        STORAGE.insert(tx, Storage(id=seen.id, name=name, label=host.label, kind=seen.kind, usage=seen.usage,
                                   host_id=None if seen.shared else host.id))  # fmt: skip


def _forget_orders(tx: Tx, host_id: str) -> None:
    """The host has booted, so that its clock began anew: whatever it tells now is newer than all it has told."""
    for vm in VM.all(tx, VM.table.c.host_id == host_id, VM.table.c.observed > 0):
        VM.change(tx, vm.id, observed=0)


def _apply_all(tx: Tx, host_id: str, vms: Iterable[VmObservation], looked: int | None = None) -> list[VmObservation]:
    """`looked` is when the host looked: a VM that was observed later, by the task that made it, may rightly be missing.
    Returns what was seen of VMs for which it is too early."""
    seen, early = {vm.id: vm for vm in vms}, []
    for vm in VM.all(tx, (VM.table.c.host_id == host_id) | (VM.table.c.other_host_id == host_id)):
        found = seen.get(vm.id)
        if found is None and looked is not None and vm.observed > looked:
            continue
        if not _is_unripe(vm):
            _apply(tx, vm, found)
        elif found is not None:
            early.append(found)
    return early


def _apply_to(tx: Tx, host_id: str, vm_id: str, seen: VmObservation | None) -> None:
    vm = VM.peek(tx, vm_id)
    if vm is not None and vm.host_id == host_id:
        _apply(tx, vm, seen)


def _is_unripe(vm: Vm | None) -> bool:
    """Whether a task makes it or brings it to another host: then each host tells a part, and only the task knows the
    whole."""
    return vm is not None and (vm.state is VmState.CREATING or vm.other_host_id is not None)


def _apply(tx: Tx, vm: Vm, seen: VmObservation | None) -> None:
    """Take over what was seen, unless a task is about to say it itself.

    A state older than what is known does not count: its way through the stream may be longer than that of a task's
    answer. What a guest told counts nevertheless, since no answer brings it and the host says it only once.
    """
    if vm.state in _NOT_OBSERVED or _is_unripe(vm):
        return
    if seen is None:
        if not task_rows.unfinished_of(tx, vm.id):
            _log.warning("a VM is gone from its host", vm=vm.id, host=vm.host_id)
            VM.change(tx, vm.id, state=VmState.UNKNOWN, guest=None)
        return
    if changes := _changes(vm, seen):
        VM.change(tx, vm.id, **changes)


def _is_news(tx: Tx, vm_id: str, seen: VmObservation | None) -> bool:
    """Whether what was seen of a VM may be other than what is known."""
    vm = VM.peek(tx, vm_id)
    return vm is not None and (seen is None or _is_unripe(vm) or bool(_changes(vm, seen)))


def _changes(vm: Vm, seen: VmObservation) -> dict[str, Any]:
    """What is different now; nothing if all is as known."""
    newest = seen.order >= vm.observed
    state, order = (seen.state, seen.order) if newest else (vm.state, vm.observed)
    guest = (seen.guest or vm.guest) if seen.state.keeps_guest and state.keeps_guest else None
    if _same(vm.guest, guest) and vm.state is state:
        return {}
    pending = vm.restart_pending and state is not VmState.STOPPED
    return {"state": state, "guest": guest, "restart_pending": pending, "observed": order}


def _same(old: GuestFacts | None, new: GuestFacts | None) -> bool:
    """Alike but for the time of asking."""
    if old is None or new is None:
        return old is new
    return {**vars(old), "observed_at": None} == {**vars(new), "observed_at": None}
