"""Disks of VMs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from altus.cli import completion, options
from altus.cli.call import Call
from altus.cli.command import change, group
from altus.cli.commands.vm_layout import VM
from altus.cli.finish import finish
from altus.common.errors import InvalidInput
from altus.common.units import parse_size
from altus.model.disk_limits import KINDS

if TYPE_CHECKING:
    from altus.wire.disk_limits import DiskLimitsShape, DiskRateShape

app = group("Disks of VMs. They are added and removed by `altus vm edit --attach` and `--detach`.")
_WORDS = {kind.replace("_", "-"): kind for kind in KINDS}
_METAVAR = "KIND=RATE[/BURST[/SECONDS]]"
_HELP = (f"Of {', '.join(_WORDS)}: bytes or requests a second, such as read-iops=500 or write-bytes=50M/200M/10, which "
         "allows 200M a second for 10 seconds; repeatable.")  # fmt: skip
Disk = Annotated[
    str, typer.Argument(metavar="VOLUME", help="The disk's volume.", autocompletion=completion.of("volumes"))
]
Limits = Annotated[list[str], typer.Option("--limit", metavar=_METAVAR, help=_HELP)]
DiskLimit = Annotated[list[str], typer.Option("--disk-limit", metavar=_METAVAR, help=f"Of each of its disks. {_HELP}")]


def limits(words: list[str]) -> DiskLimitsShape:
    """From `read-iops=500`, `write-bytes=50M/200M/10` …; `InvalidInput` (`client.usage`)."""
    from altus.sdk.shapes import make
    from altus.wire.disk_limits import DiskLimitsShape

    return make(DiskLimitsShape, **dict(_limit(word) for word in words))


def given(words: list[str]) -> tuple[dict[str, DiskLimitsShape], dict[str, DiskLimitsShape]]:
    """The limits of a new VM's first disk, and of another one, as fields; nothing if there are none."""
    return ({"disk_limits": limits(words)}, {"limits": limits(words)}) if words else ({}, {})


def _limit(word: str) -> tuple[str, DiskRateShape]:
    from altus.sdk.shapes import make
    from altus.wire.disk_limits import DiskRateShape

    name, _, text = word.partition("=")
    kind, numbers = _WORDS.get(name), text.split("/")
    if kind is None or not 1 <= len(numbers) <= 3:
        raise InvalidInput(f"{word!r} is no limit of a disk.", code="client.usage", hint=f"Write {_METAVAR}. {_HELP}")
    values = [_number(word, number, size=kind.endswith("bytes") and at < 2) for at, number in enumerate(numbers)]
    return kind, make(DiskRateShape, **dict(zip(("rate", "burst", "seconds"), values, strict=False)))


def _number(word: str, text: str, *, size: bool) -> int:
    if size:
        return parse_size(text)
    if not text.isdecimal():
        raise InvalidInput(f"{text!r} in {word!r} is no number.", code="client.usage", hint=f"Write {_METAVAR}.")
    return int(text)


@change(app, "edit")
async def edit(
    call: Call,
    vm: options.Vm,
    disk: Disk,
    limit: Limits = options.NONE,
    no_limits: Annotated[bool, typer.Option("--no-limits", help="Let it be as fast as it can.")] = False,
) -> None:
    """Change how fast a disk may be, at once: a running guest goes on. It has the limits that are given, and no
    others."""
    from altus.sdk.shapes import make
    from altus.wire.vms import DiskEdit

    if bool(limit) is no_limits:
        raise InvalidInput("Give limits, or --no-limits.", code="client.usage", hint="See `altus vm disk edit --help`.")
    body = make(DiskEdit, limits=limits(limit))
    await finish(call, call.altus.vms.edit_disk(vm, disk, body), call.altus.vms.get, VM)
