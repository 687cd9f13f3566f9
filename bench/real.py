"""Altus against the raw tools, in turns, on the same machine with the same guest."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from altus.model.image import BuiltinImage
from altus.model.pool import MAX_RATIO
from altus.wire.pools import PoolEdit
from altus.wire.resources import ImageBuild, ImageCreate, NetworkCreate, VolumeCreate
from altus.wire.vms import NicCreate, VmCreate
from bench import fake, raw
from bench.rig import Rig, guest_answers, guests_at_rest, rig, until
from bench.table import Row
from devkit import progress

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
    """Whole lives of VMs: created and answering, stopped, started, deleted; each by Altus and by hand, in turns. Who
    comes second finds a guest that runs already and takes longer, so both are compared as first and as second."""
    took: dict[str, list[tuple[float, float]]] = {verb: [] for verb in ("answer", "stop", "start", "delete")}
    vms = made.altus.vms
    await vms.create(_body("model", start=False)).run()
    model = (await vms.get("model")).id
    for number in range(rounds + rounds % 2):
        name = f"bench{number}"
        copy = await raw.alike(f"altus-{model}", made.folder, f"10.99.0.{200 + number}")
        for verb, ours, by_hand in (
            ("answer", partial(_create_and_answer, made, name), partial(_raw_answer, copy)),
            ("stop", vms.stop(name).run, copy.stop),
            ("start", vms.start(name).run, copy.start),
            ("delete", vms.delete(name, force=True).run, copy.delete),
        ):
            took[verb].append(await _pair(verb, {name: ours, copy.name: by_hand}, turned=bool(number % 2)))
    return [
        _compared("create + start + guest answers, against virsh + qemu-img", took["answer"], 1.15),
        _compared("start, against virsh", took["start"], 1.25),
        _compared("stop, against virsh", took["stop"], 1.25),
        _compared("delete while it runs, against virsh + ovn-nbctl + rm", took["delete"], 1.25),
    ]


async def _pair(verb: str, acts: dict[str, Callable[[], Awaitable[object]]], *, turned: bool) -> tuple[float, float]:
    """Seconds of both, in the order that is given; `turned` says that the second one goes first."""
    seconds = {}
    for who, act in reversed(acts.items()) if turned else acts.items():
        await guests_at_rest()
        seconds[who] = await _timed(act(), f"{who}: {verb}")
    ours, by_hand = (seconds[who] for who in acts)
    return ours, by_hand


def _compared(name: str, pairs: Sequence[tuple[float, float]], bar: float) -> Row:
    """The ratio of medians, those who came first and those who came second by themselves."""
    ours, theirs = ((median(side[0::2]) + median(side[1::2])) / 2 for side in zip(*pairs, strict=True))
    note = f"{ours:.3f} s against {theirs:.3f} s (medians of {len(pairs) // 2} as first and as second)"
    return Row(name, ours / theirs, "×", bar, note)


def _body(name: str, *, start: bool) -> VmCreate:
    return VmCreate(name=name, image=BuiltinImage.TINY, memory=_MEMORY, nics=[NicCreate(network="lan")], start=start)


async def _create_and_answer(made: Rig, name: str) -> None:
    await made.altus.vms.create(_body(name, start=True)).run()
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
