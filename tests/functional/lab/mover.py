"""A VM of a lab that is to move."""

from __future__ import annotations

from functools import partial

from altus.model.migration import MigrationMode
from altus.wire.tasks import TaskView
from altus.wire.vms import VmMigrate, VmView
from testbed import guests
from testbed.patience import GUEST, until
from tests.functional.lab.pool import HOSTS, PoolOfLab

BOOT_ID = "cat /proc/sys/kernel/random/boot_id"
_SLOW, _FAST = 2, 8000
"""MiB a second: a migration that can be disturbed, and one that is to end."""


class Mover:
    """A VM on host1 that is to move to host2."""

    def __init__(self, pool: PoolOfLab, vm: VmView) -> None:
        self.pool = pool
        self.vm = vm

    async def within(self, host: str, script: str) -> str:
        """What the guest says, on that host."""
        return await guests.run(partial(self.pool.virsh, host), self.vm.id, script)

    def running_on(self) -> list[str]:
        """Where it really runs: hosts with power, libvirtd asked."""
        powered = [host for host in HOSTS if self.pool.lab.status()[host].power == "on"]
        return [host for host in powered if self.vm.id in self.pool.virsh(host, "list", "--uuid", "--state-running")]

    def runs_twice(self) -> bool:
        """Whether it runs on host1, which it leaves, after it was seen to run on host2. Asked the other way round, one
        that arrives between both answers would seem to."""
        there, here = (self.vm.id in self.pool.virsh(host, "list", "--uuid", "--state-running")
                       for host in ("host2", "host1"))  # fmt: skip
        return there and here

    def defined_on(self) -> list[str]:
        """Where it is known."""
        return [host for host in HOSTS if self.vm.id in self.pool.virsh(host, "list", "--all", "--uuid")]

    async def begin(self, mode: MigrationMode = MigrationMode.AUTO) -> TaskView:
        """A migration that is sending memory, slowly."""
        self.pool.virsh("host1", "migrate-setspeed", self.vm.id, str(_SLOW))
        task = await self.pool.altus.vms.migrate(self.vm.id, VmMigrate(host="host2", mode=mode))

        async def sends() -> bool:
            return " sent, " in (await self.pool.altus.tasks.get(task.id)).waiting_for

        await until(sends, "memory is being sent", GUEST)
        return task

    async def end(self, task: TaskView) -> TaskView:
        """The migration at its end, which is not slow any more."""
        for host in self.running_on():
            self.pool.virsh(host, "migrate-setspeed", self.vm.id, str(_FAST))

        async def ended() -> TaskView | None:
            found = await self.pool.altus.tasks.get(task.id)
            return found if found.state.finished else None

        return await until(ended, f"task {task.id} ends", GUEST)

    async def agrees(self) -> VmView:
        """The VM, when the doctor has nothing to say and all is known on one host only."""

        async def healthy() -> bool:
            return not (await self.pool.altus.system.doctor()).findings

        await until(healthy, "everything agrees")
        assert len(self.defined_on()) == 1
        return await self.pool.altus.vms.get(self.vm.id)
