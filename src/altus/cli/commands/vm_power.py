"""VMs on and off."""

from __future__ import annotations

from typing import Annotated

import typer

from altus.cli import options
from altus.cli.call import Call
from altus.cli.command import change
from altus.cli.commands.vm_layout import VM
from altus.cli.finish import confirm, finish

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


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    for body in (start, stop, restart, pause, resume, suspend):
        change(app, body.__name__)(body)
    change(app, "kill", asks=True)(kill)
