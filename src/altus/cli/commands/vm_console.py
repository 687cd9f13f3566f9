"""A VM's serial console, screen and screenshot."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from altus.cli import options, terminal
from altus.cli.call import Call
from altus.cli.command import query
from altus.cli.finish import show_done
from altus.cli.vnc import Bridge
from altus.common.errors import InvalidInput


async def console(
    call: Call,
    vm: options.Vm,
    vnc: Annotated[bool, typer.Option("--vnc", help="Serve its screen to a VNC viewer on this machine.")] = False,
    port: Annotated[int, typer.Option(metavar="PORT", help="The port for the viewer; 0 is any.", min=0, max=65535)] = 0,
    idle: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", help="After the end of piped input: leave when so many seconds were quiet.", min=0
        ),
    ] = 3.0,
) -> None:
    """Open a VM's serial console here; ctrl-] leaves it. Piped input is typed into it."""
    from altus.wire.consoles import ConsoleKind

    if vnc:
        call.interrupted = lambda: "The bridge to the VM's screen is closed."
        await Bridge(call.altus, vm).serve(port, call.progress.say)
        return
    async with call.altus.consoles.open(vm, ConsoleKind.SERIAL) as line:
        call.progress.say(f"Connected to {vm}; ctrl-] leaves.")
        await terminal.join(line, idle)
    call.progress.say("\r\nLeft the console." if sys.stdin.isatty() else "Left the console.")


async def screenshot(
    call: Call,
    vm: options.Vm,
    file: Annotated[Path | None, typer.Argument(help="Where to write the PNG; - for standard output.")] = None,
) -> None:
    """Save a VM's screen as PNG."""
    target = file or Path(f"{vm}.png")
    image = await call.altus.vms.screenshot(vm)
    if str(target) == "-":
        sys.stdout.buffer.write(image)
        sys.stdout.flush()
        return
    try:
        target.write_bytes(image)
    except OSError as error:
        raise InvalidInput(f"{target} cannot be written: {error.strerror}.", code="client.file") from error
    show_done(call, f"Written to {target}.")


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    query(app, "console")(console)
    query(app, "screenshot")(screenshot)
