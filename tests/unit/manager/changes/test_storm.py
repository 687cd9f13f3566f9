"""Many changes at once, while managers die and hosts come and go: in the end everything agrees.

Other storms, and longer ones: set `ALTUS_STORM_SEEDS="4 5 6"` and `ALTUS_STORM_OPERATIONS=5000` in the environment.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from altus.common.errors import AltusError, Conflict, Internal, Unavailable
from altus.common.ids import new_id
from altus.common.units import MIB
from altus.manager.services.tasks import TaskService
from altus.manager.store import tasks as rows
from altus.manager.store.resources import HOST, IMAGE, VM, VOLUME, Resources
from altus.manager.tasks.host_maintain import HOST_MAINTAIN
from altus.manager.tasks.vm_migrate import VM_MIGRATE_TASK
from altus.model.host_action import HostAction
from altus.model.migration import MigrationMode
from altus.model.query import ListQuery
from altus.model.task import Task, TaskState
from altus.model.vm import VmState
from altus.model.vm_action import VmAction
from altus.wire import resources as shapes
from altus.wire import vms as vm_shapes
from testbed.killer import Life, MortalAgents, MortalDatabase
from tests.unit.manager.changes.cases import Draft
from tests.unit.manager.changes.site import ADMIN, Site

_OPERATIONS = int(os.environ.get("ALTUS_STORM_OPERATIONS", "200"))
_FEW = 5
"""VMs, so many as there shall be at least."""
_CLIENTS = 3
"""At most so many ask for something at once."""
_SEEDS = [int(seed) for seed in os.environ.get("ALTUS_STORM_SEEDS", "1 2 3").split()]
_SIMPLE = (VmAction.START, VmAction.KILL, VmAction.PAUSE, VmAction.RESUME, VmAction.SUSPEND)


async def test_fifty_conflicting_requests_on_one_vm_all_have_a_sound_end(site: Site) -> None:
    chance = random.Random(50)  # noqa: S311 - repeatable on purpose
    async with site.running(watch=True):
        vm = await site.new_vm(start=True)
        drafts: list[Callable[[], Draft]] = [
            *(lambda verb=verb: site.power.simple(ADMIN, vm.id, verb) for verb in _SIMPLE),
            lambda: site.power.stop(ADMIN, vm.id, vm_shapes.VmStop(timeout=5)),
            lambda: site.power.restart(ADMIN, vm.id, vm_shapes.VmRestart()),
            lambda: site.vms.edit(ADMIN, vm.id, vm_shapes.VmEdit(vcpus=chance.randint(1, 4))),
            lambda: site.vms.edit(ADMIN, vm.id, vm_shapes.VmEdit.model_validate({"add_nics": [{"network": site.lan}]})),
            lambda: site.vms.clone(ADMIN, vm.id, vm_shapes.VmClone(name=f"c-{new_id()[-12:]}")),
        ]
        asked = await asyncio.gather(*(site.submit(chance.choice(drafts)()) for _ in range(50)), return_exceptions=True)
        refused = [one for one in asked if not isinstance(one, Task)]
        assert all(isinstance(one, Conflict) for one in refused), refused
        tasks = [await site.ended(one) for one in asked if isinstance(one, Task)]
        assert len(tasks) > 25
        for task in tasks:
            assert task.state is TaskState.SUCCEEDED or (task.error or {})["code"] in ("vm.state", "vm.suspended"), task
        spans = sorted((task.started_at, task.finished_at) for task in tasks if task.started_at and task.finished_at)
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans)), "two at once"
        await site.settled()


@pytest.mark.parametrize("seed", _SEEDS)
async def test_random_changes_under_kills_and_disconnections_end_in_order(site: Site, seed: int) -> None:
    await _rage(Storm(site, random.Random(seed)))  # noqa: S311 - repeatable on purpose


@pytest.mark.parametrize("seed", _SEEDS)
async def test_vms_of_a_storm_over_two_hosts_move_and_never_run_twice(pair: Site, seed: int) -> None:
    await _rage(storm := Storm(pair, random.Random(seed)))  # noqa: S311 - repeatable on purpose
    kinds = Counter(task.kind for task in storm.tasks)
    assert kinds[VM_MIGRATE_TASK.kind] > _OPERATIONS / 50
    assert kinds[HOST_MAINTAIN.kind] > 0


async def _rage(storm: Storm) -> None:
    site, done = storm.site, 0
    while done < _OPERATIONS:
        async with storm.manager():
            for _ in range(storm.chance.randint(5, 20)):
                done += await storm.operate()
    await storm.calm()
    async with site.running(watch=True):
        ended = [await site.ended(task) for task in storm.tasks]
        await site.settled()
    states = Counter(task.state for task in ended)
    in_time = [task for task in ended if not _too_late(task)]
    assert states[TaskState.SUCCEEDED] > len(in_time) / 3, states
    assert all((task.error or {}).get("kind") != Internal.kind for task in ended)
    assert not [task for task in ended if (task.error or {}).get("code") == "task.undo_failed"]


def _too_late(task: Task) -> bool:
    """Whether what it was about had gone, or had been changed by others, when its turn came."""
    return str((task.error or {}).get("code", "")).endswith((".not_found", ".state"))


class Storm:
    """Random operations on whatever there is."""

    def __init__(self, site: Site, chance: random.Random) -> None:
        self.site = site
        self.chance = chance
        self.tasks: list[Task] = []
        self.refused: Counter[str] = Counter()
        self.dead_agents: set[str] = set()

    @contextlib.asynccontextmanager
    async def manager(self) -> AsyncIterator[None]:
        """A manager that dies at the end of the block, in the middle of whatever it does."""
        life = Life(None)
        world = self.site.world
        mortal = dataclasses.replace(world, db=MortalDatabase(world.db, life), agents=MortalAgents(world.agents, life))
        generation = dataclasses.replace(self.site, world=mortal)
        async with generation.running(watch=True):
            yield
            life.dead.set()

    def require_single(self) -> None:
        """No VM runs on two hosts."""
        hosts = self.site.agents.hosts.values()
        running = Counter(vm_id for host in hosts for vm_id in host.hypervisor.others.running())
        assert not [vm_id for vm_id, times in running.items() if times > 1]

    async def operate(self) -> int:
        """One operation, or one of each of several clients at once; how many."""
        self.require_single()
        if self.chance.random() < 0.1:
            await self._weather()
        clients = self.chance.randint(1, _CLIENTS)
        await asyncio.gather(*(self._ask() for _ in range(clients)))
        if self.chance.random() < 0.1:
            await self._cancel()
        if self.chance.random() < 0.5:
            await self._lull()
        return clients

    async def _ask(self) -> None:
        """A refusal must be a clear one."""
        draft = await self._draft()
        if draft is None:
            return
        try:
            task = await self.site.submit(draft)
        except (Internal, Unavailable):
            raise
        except AltusError as refusal:
            self.refused[refusal.code] += 1
        else:
            self.tasks.append(task)

    async def _lull(self) -> None:
        """Until few are under way, or for a moment where some wait for a host that is away: a slow machine's storm
        shall not be made of refusals."""
        few = self.chance.randint(0, 5)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                while len(await self.site.world.db.read(rows.unfinished)) > few:
                    await asyncio.sleep(0.005)

    async def calm(self) -> None:
        """All hosts are there again."""
        for host_id, host in self.site.agents.hosts.items():
            if host_id in self.dead_agents:
                host.restart()
            host.connect()
        self.dead_agents.clear()

    async def _weather(self) -> None:
        away = [one for one in self.site.agents.hosts if one in self.dead_agents or not self.site.agents.is_up(one)]
        likely = away if away and self.chance.random() < 0.75 else list(self.site.agents.hosts)
        host_id = self.chance.choice(likely)
        if host_id in self.dead_agents:
            self.site.agents.restart(host_id)
            self.dead_agents.discard(host_id)
        elif not self.site.agents.is_up(host_id):
            self.site.agents.connect(host_id)
        elif self.chance.random() < 0.5:
            self.site.agents.disconnect(host_id)
        else:
            await self.site.agents.kill(host_id)
            self.dead_agents.add(host_id)

    async def _cancel(self) -> None:
        if self.tasks:
            service = TaskService(self.site.world, self.site.audit, lambda: None)
            with contextlib.suppress(Conflict):
                await service.cancel(ADMIN, self.chance.choice(self.tasks[-10:]).id)

    async def _any(self, nouns: Resources[Any]) -> str:
        """The id of one of them, but not of the image that all VMs are made of."""
        found = [one for one in await self.site.db.read(nouns.all) if one.id != self.site.base_image]
        return str(self.chance.choice(found).id) if found else "nothing"

    async def _draft(self) -> Draft | None:
        site, vm = self.site, await self._any(VM)
        volume, image = await self._any(VOLUME), await self._any(IMAGE)
        name = f"n-{new_id()[-12:]}"
        edits: list[dict[str, Any]] = [
            {"add_nics": [{"network": site.lan}]}, {"vcpus": self.chance.randint(1, 9)}, {"name": name},
            {"attach_volumes": [volume]}, {"detach_volumes": [volume]},
        ]  # fmt: skip
        body = site.vm_body(start=self.chance.random() < 0.5, **self._place())
        build = shapes.ImageBuild.model_validate({"image": "tiny", "name": name})
        grown = shapes.VolumeResize(size=self.chance.randint(2, 9) * 64 * MIB)
        empty = shapes.VolumeCreate(name=name, size=2 * MIB)
        linked = self.chance.random() < 0.5
        choices: list[tuple[int, Callable[[], Draft]]] = [
            (6, lambda: site.vms.create(ADMIN, body)),
            (10, lambda: site.power.simple(ADMIN, vm, self.chance.choice(_SIMPLE))),
            (3, lambda: site.power.stop(ADMIN, vm, vm_shapes.VmStop(timeout=2, force=True))),
            (3, lambda: site.power.restart(ADMIN, vm, vm_shapes.VmRestart(force=True))),
            (5, lambda: site.vms.edit(ADMIN, vm, vm_shapes.VmEdit.model_validate(self.chance.choice(edits)))),
            (3, lambda: site.vms.clone(ADMIN, vm, vm_shapes.VmClone(name=name, linked=linked))),
            (4, lambda: site.vms.delete(ADMIN, vm, vm_shapes.VmDelete(keep_volumes=linked))),
            (2, lambda: site.volumes.create(ADMIN, empty)),
            (2, lambda: site.volumes.resize(ADMIN, volume, grown)),
            (2, lambda: site.volumes.delete(ADMIN, volume)),
            (1, lambda: site.images.build(ADMIN, build)),
            (1, lambda: site.images.delete(ADMIN, image)),
        ]  # fmt: skip
        if len(site.agents.hosts) > 1:
            choices += await self._moves(vm)
        if len(await site.db.read(VM.all)) < _FEW and self.chance.random() < 0.5:
            return choices[0][1]()  # nothing happens where there are none
        (chosen,) = self.chance.choices([make for _, make in choices], [weight for weight, _ in choices])
        return chosen()

    def _place(self) -> dict[str, Any]:
        """Where there are several hosts, half of the VMs have disks that only one of them reaches."""
        if len(self.site.agents.hosts) == 1 or self.chance.random() < 0.5:
            return {}
        number = self.chance.randrange(len(self.site.agents.hosts))
        return {"image": None, "storage": f"host{number}-local"}

    async def _moves(self, vm: str) -> list[tuple[int, Callable[[], Draft]]]:
        """What there is to do where there are several hosts; mostly what is possible, as far as it is known."""
        site, host = self.site, self.chance.choice(list(self.site.agents.hosts))
        running = [one.id for one in await site.db.read(VM.all) if one.state is VmState.RUNNING]
        if running and self.chance.random() < 0.75:
            vm = self.chance.choice(running)
        closed = {one.id: one.maintenance for one in await site.db.read(HOST.all)}
        to_open, to_close = (self._likely(closed, wanted) for wanted in (True, False))
        mode = self.chance.choice(list(MigrationMode))
        move = vm_shapes.VmMigrate(host=self.chance.choice([None, host]), mode=mode)
        return [
            (60, lambda: site.power.migrate(ADMIN, vm, move)),
            (12, lambda: site.inventory.change_host(ADMIN, to_close, HostAction.MAINTAIN)),
            (16, lambda: site.inventory.change_host(ADMIN, to_open, HostAction.ACTIVATE)),
        ]

    def _likely(self, found: dict[str, bool], wanted: bool) -> str:
        """One of those of which that is so, where there are any; now and then any."""
        good = [one for one, so in found.items() if so is wanted]
        return self.chance.choice(good if good and self.chance.random() < 0.75 else list(found))


async def test_storm_is_worth_its_name(site: Site) -> None:
    storm = Storm(site, random.Random(9))  # noqa: S311 - repeatable on purpose
    async with site.running(watch=True):
        for _ in range(60):
            await storm.operate()
        await storm.calm()
        for task in storm.tasks:
            await site.ended(task)
    page = await site.db.read(lambda tx: rows.page(tx, ListQuery(sort="seq", limit=1000)))
    assert len({task.kind for task in page.items}) >= 8
