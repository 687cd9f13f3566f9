"""`./dev bench lab`: a lab of hosts, and VMs that move between two of them, against `virsh migrate` between the same.

Guests are emulated where there is no KVM. Such a guest is stopped before the second pass over its memory
(docs/adr/0019-emulated-guests.md). All the time from there until it goes on counts as standing still, while QEMU's own
figure is of the end alone. By hand guests are stopped by the same rule (`attend`), so that like is compared with like.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from altus.common.units import MIB
from altus.model.host import Acceleration
from altus.model.image import BuiltinImage
from altus.sdk.client import AltusClient
from altus.wire.resources import NetworkCreate
from altus.wire.tasks import TaskView
from altus.wire.vms import NicCreate, VmCreate, VmMigrate, VmView
from bench import by_hand
from bench.by_hand import Copy, Moved
from bench.rig import guest_answers, guests_at_rest, until
from bench.table import Row, percentile, ratio
from devkit import progress
from devkit.lab import Lab

HOSTS = ("host1", "host2")
EVACUATED = 20
_TOGETHER = 8
_LAB_HOSTS, _LABS = 4, 3
_MEMORY = 128 * MIB
"""The least that the image `tiny` boots in."""
_ADDRESSES = 200
"""Where those of guests by hand begin."""
_BOOTING = 4
"""Guests that boot at a time: more only wait for each other."""
_GUESTS = {
    Acceleration.KVM: "KVM guests",
    Acceleration.TCG: "emulated guests, here and by hand stopped before the second pass over their memory",
}


async def measure(*, rounds: int, vms: int) -> list[Row]:
    """All rows: `rounds` pairs of each comparison, `vms` that leave a host at last."""
    rows = [_labs(min(rounds, _LABS))]
    with Lab() as lab:
        lab.up(len(HOSTS), furnish=True)
        by_hand.open_up(lab, HOSTS)
        async with lab.client() as altus:
            await altus.networks.create(NetworkCreate(name="lan", cidr="10.99.0.0/24")).run()
            facts = (await altus.hosts.get(HOSTS[0])).facts
            assert facts is not None
            bench = _Bench(lab, altus, _GUESTS[facts.acceleration])
            rows += await bench.alone(rounds)
            rows.append(await bench.together(rounds, min(_TOGETHER, vms)))
            rows.append(await bench.evacuated(vms))
    return rows


def _labs(times: int) -> Row:
    """The command, as a user types it, when all is installed and in the cache."""
    took = []
    for _ in range(times):
        began = time.monotonic()
        _dev_lab("up", str(_LAB_HOSTS))
        took.append(time.monotonic() - began)
        _dev_lab("down")
    note = f"`./dev lab up {_LAB_HOSTS}`, all hosts up and the image there; median of {times}"
    return Row(f"a lab of {_LAB_HOSTS} hosts", median(took), "s", 20.0, note)


def _dev_lab(*order: str) -> None:
    subprocess.run([sys.executable, "-m", "devkit.main", "lab", *order], check=True, stdout=subprocess.DEVNULL)


class _Bench:
    """Works in a lab; all guests are on one host, `_here`, between the measurements."""

    def __init__(self, lab: Lab, altus: AltusClient, guests: str) -> None:
        self._lab = lab
        self._guests = guests
        self._altus = altus
        self._here, self._there = HOSTS
        self._vms: list[VmView] = []
        self._copies: list[Copy] = []

    async def alone(self, rounds: int) -> list[Row]:
        """One that moves, and nothing else."""
        await self._have(1)
        await self._have_copies(1)
        ours, theirs, stood, moved = await self._in_turns(rounds, 1)
        by_hand_ms, told_ms = (
            1000 * percentile(some, 0.95) for some in ([m.stood for m in moved], [m.told for m in moved])
        )
        note = (f"as its task tells; median {1000 * median(stood):.0f} ms; by hand {by_hand_ms:.0f} ms, of which QEMU "
                f"tells {told_ms:.0f} ms; {self._guests}")  # fmt: skip
        return [
            self._ratio("a VM moves to another host, against virsh migrate --p2p --tls", ours, theirs, 1.15),
            Row("the same: an idle guest stands still, p95", 1000 * percentile(stood, 0.95), "ms", 300.0, note),
        ]

    async def together(self, rounds: int, count: int) -> Row:
        """Several at once."""
        await self._have(count)
        await self._have_copies(count)
        ours, theirs, *_ = await self._in_turns(rounds, count)
        return self._ratio(f"{count} VMs move at once, against {count} virsh migrate at once", ours, theirs, 1.2)

    async def evacuated(self, count: int) -> Row:
        """All leave their host, which is put into maintenance."""
        for copy in self._copies:
            await copy.vm.delete()
        await self._have(count)
        await guests_at_rest()
        with progress.waiting(f"{count} VMs leave {self._here}"):
            began = time.monotonic()
            task = await self._altus.hosts.maintain(self._here).run()
            took = time.monotonic() - began
        moves = (await self._altus.tasks.children(task.id)).items
        stood = [1000 * _stood(move) for move in moves if move.object_id in {vm.id for vm in self._vms}]
        if len(stood) != count:
            raise RuntimeError(f"{len(stood)} of {count} VMs have left")
        note = (
            f"`host maintain`, {took:.0f} s for all; as their tasks tell, median {median(stood):.0f} ms; {self._guests}"
        )
        return Row(f"evacuation of {count} VMs: the longest that one stands still", max(stood), "ms", 500.0, note)

    # -- guests --------------------------------------------------------------------------------------------------------

    async def _have(self, count: int) -> None:
        """So many VMs, booted, on the host that has them all: the other one takes none while they are made."""
        await self._altus.hosts.maintain(self._there).run()
        places = asyncio.Semaphore(_BOOTING)

        async def make(name: str) -> VmView:
            async with places:
                body = VmCreate(name=name, image=BuiltinImage.TINY, memory=_MEMORY, nics=[NicCreate(network="lan")],
                                start=True)  # fmt: skip
                await self._altus.vms.create(body).run()
                await until(lambda: guest_answers(self._altus, name))
                return await self._altus.vms.get(name)

        with progress.waiting(f"{count} VMs on {self._here}"):
            self._vms += await asyncio.gather(*(make(f"bench{number}") for number in range(len(self._vms), count)))
        await self._altus.hosts.activate(self._there).run()

    async def _have_copies(self, count: int) -> None:
        """For the first VMs a guest by hand each, beside it."""
        places = asyncio.Semaphore(_BOOTING)

        async def make(number: int) -> Copy:
            async with places:
                address = f"10.99.0.{_ADDRESSES + number}"
                return await by_hand.alike(self._lab, self._vms[number].id, self._here, address)

        with progress.waiting(f"{count} guests by hand on {self._here}"):
            self._copies += await asyncio.gather(*(make(number) for number in range(len(self._copies), count)))

    # -- moves ---------------------------------------------------------------------------------------------------------

    async def _in_turns(self, rounds: int, count: int) -> tuple[list[float], list[float], list[float], list[Moved]]:
        """Seconds of each round by Altus, and by hand, there and back again; how long each VM stood still, and how
        those by hand moved."""
        ours, theirs, stood, moved = list[float](), list[float](), list[float](), list[Moved]()
        for number in range(rounds):
            for mine in (True, False) if number % 2 else (False, True):
                departures = [] if mine else [await copy.ready(self._there) for copy in self._copies]
                await guests_at_rest()
                with progress.waiting(f"{count} to {self._there}{'' if mine else ' by hand'}"):
                    began = time.monotonic()
                    if mine:
                        stood += await asyncio.gather(*(self._move(vm) for vm in self._vms))
                    else:
                        moved += await asyncio.gather(*(departure.go() for departure in departures))
                    (ours if mine else theirs).append(time.monotonic() - began)
                self._copies = [departure.arrived for departure in departures] or self._copies
            self._here, self._there = self._there, self._here
        return ours, theirs, stood, moved

    def _ratio(self, name: str, ours: Sequence[float], theirs: Sequence[float], bar: float) -> Row:
        row = ratio(name, ours, theirs, bar)
        return replace(row, note=f"{row.note}; idle, {self._guests}")

    async def _move(self, vm: VmView) -> float:
        return _stood(await self._altus.vms.migrate(vm.id, VmMigrate(host=self._there)).run())


def _stood(move: TaskView) -> float:
    """For how many seconds the guest stood still, as the task tells."""
    seconds: float | None = next(step.result for step in move.trail if step.name == "transfer")["downtime"]
    if seconds is None:
        raise RuntimeError(f"it was not measured how {move.object_name} moved")
    return seconds
