"""VMs on and off."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from altus.cli import completion, options
from altus.cli.call import Call
from altus.cli.command import change
from altus.cli.commands.task_layout import outcome
from altus.cli.commands.vm_layout import VM
from altus.cli.finish import confirm, finish
from altus.model.migration import (
    BANDWIDTH,
    DOWNTIME,
    MODE_MEANING,
    Limit,
    MigrationMode,
    MigrationOptions,
)

HOSTS, STORAGES = completion.of("hosts"), completion.of("storages")
_OPTIONS = MigrationOptions()
Force = Annotated[bool, typer.Option("--force", help="Cut its power if it does not obey.")]


async def start(call: Call, vm: options.Vm) -> None:
    """Start a VM; a suspended one goes on from its saved memory."""
    await finish(call, call.altus.vms.start(vm), call.altus.vms.get, VM)


async def stop(
    call: Call,
    vm: options.Vm,
    force: Force = False,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="Seconds that the guest gets.", min=0, max=3600)
    ] = 90.0,
) -> None:
    """Ask the guest to shut down."""
    from altus.wire.vms import VmStop

    body = VmStop(timeout=timeout, force=force)
    await finish(call, call.altus.vms.stop(vm, body), call.altus.vms.get, VM)


async def restart(
    call: Call, vm: options.Vm, force: Annotated[bool, typer.Option("--force", help="Reset it at once.")] = False
) -> None:
    """Restart the guest."""
    from altus.wire.vms import VmRestart

    await finish(call, call.altus.vms.restart(vm, VmRestart(force=force)), call.altus.vms.get, VM)


async def kill(call: Call, vm: options.Vm) -> None:
    """Cut a VM's power at once."""
    confirm(call, f"Cut the power of VM {vm}? What its guest has not written is lost.", strict=False)
    await finish(call, call.altus.vms.kill(vm), call.altus.vms.get, VM)


async def pause(call: Call, vm: options.Vm) -> None:
    """Stop a VM's vCPUs."""
    await finish(call, call.altus.vms.pause(vm), call.altus.vms.get, VM)


async def resume(call: Call, vm: options.Vm) -> None:
    """Let a paused or suspended VM run again."""
    await finish(call, call.altus.vms.resume(vm), call.altus.vms.get, VM)


async def suspend(call: Call, vm: options.Vm) -> None:
    """Save a VM's memory to disk and stop it."""
    await finish(call, call.altus.vms.suspend(vm), call.altus.vms.get, VM)


def _limit(limit: Limit) -> Any:
    """The option of a number that a migration may be given."""
    return typer.Option(metavar=limit.unit, min=limit.least, max=limit.most, help=limit.meaning)


async def migrate(
    call: Call,
    vm: options.Vm,
    host: Annotated[
        str | None,
        typer.Option(metavar="HOST", help="Name or id; without it the most suitable.", autocompletion=HOSTS),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            metavar="STORAGE", help="Where disks are copied that only its host reaches.", autocompletion=STORAGES
        ),
    ] = None,
    bandwidth: Annotated[int | None, _limit(BANDWIDTH)] = _OPTIONS.bandwidth,
    downtime: Annotated[int, _limit(DOWNTIME)] = _OPTIONS.downtime,
    mode: Annotated[MigrationMode, typer.Option(help=MODE_MEANING)] = _OPTIONS.mode,
) -> None:
    """Let a running VM go on on another host; disks that are not on shared storage are copied."""
    from altus.wire.vms import VmMigrate

    body = VmMigrate(host=host, storage=storage, bandwidth=bandwidth, downtime=downtime, mode=mode)
    await finish(call, call.altus.vms.migrate(vm, body), call.altus.vms.get, VM, tell=outcome)


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    for body in (start, stop, restart, pause, resume, suspend, migrate):
        change(app, body.__name__)(body)
    change(app, "kill", asks=True)(kill)
