"""What hosts report becomes the database's last observation. Only the manager with the lease writes it."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from altus.manager.store import tasks as task_rows
from altus.manager.store.database import Database, Tx
from altus.manager.store.resources import HOST, STORAGE, VM
from altus.model.host import HostFacts, HostState
from altus.model.resource import utc_now
from altus.model.storage import Storage, StorageUsage
from altus.model.vm import GuestFacts, Vm, VmEvent, VmEventKind, VmObservation, VmState

_log = structlog.get_logger(__name__)
_NOT_OBSERVED = (VmState.CREATING, VmState.DELETING, VmState.FAILED)
"""States which only tasks change."""


class Observer:
    """Applies reports; calling it twice with the same report changes nothing."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def hello(self, host_id: str, facts: HostFacts, vms: Iterable[VmObservation]) -> None:
        """A host is (again) there and tells everything."""
        seen = {vm.id: vm for vm in vms}

        def work(tx: Tx) -> None:
            HOST.change(tx, host_id, state=HostState.UP, facts=facts, seen_at=utc_now())
            for vm in VM.all(tx, VM.table.c.host_id == host_id):
                _apply(tx, vm, seen.get(vm.id))

        await self.db.write(work)

    async def state(self, host_id: str, vms: Iterable[VmObservation]) -> None:
        """All VMs of a host anew, after its hypervisor was away."""
        seen = {vm.id: vm for vm in vms}

        def work(tx: Tx) -> None:
            for vm in VM.all(tx, VM.table.c.host_id == host_id):
                _apply(tx, vm, seen.get(vm.id))

        await self.db.write(work)

    async def event(self, host_id: str, event: VmEvent) -> None:
        """Something happened to one VM."""

        def work(tx: Tx) -> None:
            vm = VM.peek(tx, event.vm_id)
            if vm is not None and vm.host_id == host_id:
                _apply(tx, vm, None if event.kind is VmEventKind.REMOVED else event.observation)

        await self.db.write(work)

    async def facts(self, host_id: str, facts: HostFacts) -> None:
        """The host describes itself anew."""
        await self.db.write(lambda tx: HOST.change(tx, host_id, facts=facts, seen_at=utc_now()))

    async def usage(self, storage_id: str, usage: StorageUsage) -> None:
        """How full a repository is."""
        await self.db.write(lambda tx: STORAGE.change(tx, storage_id, usage=usage))

    async def storages(self, storages: Iterable[Storage]) -> None:
        """The repositories a host brings: known from now on, under their own ids."""

        def work(tx: Tx) -> None:
            for storage in storages:
                if STORAGE.peek(tx, storage.id) is None:
                    STORAGE.insert(tx, storage)

        await self.db.write(work)

    async def down(self, host_id: str) -> None:
        """A host does not answer: what runs there is not known now."""

        def work(tx: Tx) -> None:
            HOST.change(tx, host_id, state=HostState.UNREACHABLE)
            for vm in VM.all(tx, VM.table.c.host_id == host_id):
                if vm.state not in _NOT_OBSERVED:
                    VM.change(tx, vm.id, state=VmState.UNKNOWN)

        await self.db.write(work)


def _apply(tx: Tx, vm: Vm, seen: VmObservation | None) -> None:
    """Take over what was seen, unless a task is about to say it itself."""
    if vm.state in _NOT_OBSERVED:
        return
    if seen is None:
        if not task_rows.unfinished_of(tx, vm.id):
            _log.warning("a VM is gone from its host", vm=vm.id, host=vm.host_id)
            VM.change(tx, vm.id, state=VmState.UNKNOWN, guest=None)
        return
    guest = seen.guest if seen.state is VmState.RUNNING else None
    if guest is None and seen.state is VmState.RUNNING:
        guest = vm.guest
    if _same(vm.guest, guest) and vm.state is seen.state:
        return
    VM.change(tx, vm.id, state=seen.state, guest=guest)


def _same(old: GuestFacts | None, new: GuestFacts | None) -> bool:
    """Alike but for the time of asking."""
    if old is None or new is None:
        return old is new
    return {**vars(old), "observed_at": None} == {**vars(new), "observed_at": None}
