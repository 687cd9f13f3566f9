"""Altus against the raw tools, in turns, on the same machine with the same guest."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from altus.model.image import BuiltinImage
from altus.model.pool import MAX_RATIO
from altus.wire.pools import PoolEdit
from altus.wire.resources import ImageBuild, ImageCreate, NetworkCreate, VolumeCreate
from altus.wire.vms import NicCreate, VmCreate
from bench import fake, raw
from bench.rig import Rig, guest_answers, guests_at_rest, rig, until
from bench.table import Row, ratio
from devkit import progress

Turn = tuple[dict[str, list[float]], str, Callable[[], Awaitable[object]]]
_MEMORY = 128 << 20
_GIB = 1 << 30


async def measure(*, rounds: int, seconds: float) -> list[Row]:
    """All rows; `rounds` pairs of each comparison."""
    async with rig(fake=False) as made:
        altus = made.altus
        await altus.images.build(ImageBuild(image=BuiltinImage.TINY)).run()
        await altus.pools.edit("default", PoolEdit(vcpu_ratio=MAX_RATIO))
        await altus.networks.create(NetworkCreate(name="lan", cidr="10.99.0.0/24")).run()
        rows = [await fake.idle(made, seconds), await fake.memory(made)]
        rows += await _lives(made, rounds)
        rows += await _clones(made, rounds)
        return rows


async def _timed(work: Awaitable[object], what: str) -> float:
    with progress.waiting(what):
        began = time.monotonic()
        await work
        return time.monotonic() - began


async def _lives(made: Rig, rounds: int) -> list[Row]:
    """Whole lives of VMs: created and answering, stopped, started, deleted; each by Altus and by hand, in turns."""
    ours: dict[str, list[float]] = {verb: [] for verb in ("answer", "stop", "start", "delete")}
    theirs: dict[str, list[float]] = {verb: [] for verb in ours}
    vms = made.altus.vms
    for number in range(rounds):
        name = f"bench{number}"
        ours["answer"].append(await _timed(_create_and_answer(made, name), f"{name}: create, start, answer"))
        vm = await vms.get(name)
        copy = await raw.alike(f"altus-{vm.id}", made.folder, f"10.99.0.{200 + number}")
        theirs["answer"].append(await _timed(_raw_answer(copy), f"{copy.name}: the same by hand"))
        for verb, change, by_hand in (
            ("stop", vms.stop(name), copy.stop),
            ("start", vms.start(name), copy.start),
            ("delete", vms.delete(name, force=True), copy.delete),
        ):
            turns: list[Turn] = [(ours, name, change.run), (theirs, copy.name, by_hand)]
            for times, who, act in turns if number % 2 else reversed(turns):
                await guests_at_rest()
                times[verb].append(await _timed(act(), f"{who}: {verb}"))
    return [
        ratio("create + start + guest answers, against virsh + qemu-img", ours["answer"], theirs["answer"], 1.15),
        ratio("start, against virsh", ours["start"], theirs["start"], 1.25),
        ratio("stop, against virsh", ours["stop"], theirs["stop"], 1.25),
        ratio("delete while it runs, against virsh + ovn-nbctl + rm", ours["delete"], theirs["delete"], 1.25),
    ]


async def _create_and_answer(made: Rig, name: str) -> None:
    body = VmCreate(name=name, image=BuiltinImage.TINY, memory=_MEMORY, nics=[NicCreate(network="lan")], start=True)
    await made.altus.vms.create(body).run()
    await until(lambda: guest_answers(made.altus, name))


async def _raw_answer(copy: raw.RawVm) -> None:
    await copy.create()
    await copy.start()
    await copy.wait_guest()


async def _clones(made: Rig, rounds: int) -> list[Row]:
    """Linked clones of an image of 20 GiB with 1 GiB in it."""
    source = made.folder / "large.qcow2"
    await _large(source)
    image = await made.altus.images.begin(ImageCreate(name="large"))
    await made.altus.images.upload(image.id, source)
    await made.altus.images.finish(image.id).run()
    ours, theirs = [], []
    for number in range(rounds):
        body = VolumeCreate(name=f"clone{number}", image="large", linked=True)
        ours.append(await _timed(made.altus.volumes.create(body).run(), f"clone{number}"))
        target = made.folder / f"clone{number}.qcow2"
        command = ("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(source), str(target))
        theirs.append(await _timed(raw.run(*command), f"clone{number} by hand"))
    ours.sort()
    theirs.sort()
    mine, bare = ours[len(ours) // 2], theirs[len(theirs) // 2]
    note = f"{mine:.3f} s against {bare:.3f} s (medians of {rounds})"
    return [
        Row("linked clone of a 20 GiB image", mine, "s", 2.0, note),
        Row("the same, above qemu-img", mine - bare, "s", 0.2, note),
    ]


async def _large(path: Path) -> None:
    await raw.run("qemu-img", "create", "-q", "-f", "qcow2", str(path), str(20 * _GIB))
    await raw.run("qemu-io", "-f", "qcow2", "-c", f"write -P 0x5a 0 {_GIB}", str(path))
