"""Runs a command: its result goes out, its errors become one sentence and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Coroutine
from typing import Any

import typer

from altus.cli.call import Call
from altus.cli.exits import ExitCode, exit_code_of
from altus.cli.text import clean
from altus.common.errors import AltusError


def run(call: Call, body: Coroutine[Any, Any, None]) -> None:
    """To its end; raises `typer.Exit` unless it goes well."""
    import asyncio

    try:
        asyncio.run(_closing(call, body))
    except AltusError as error:
        call.progress.clear()
        report(error, debug=call.debug)
        raise typer.Exit(exit_code_of(error)) from error
    except KeyboardInterrupt as error:
        call.progress.clear()
        sys.stderr.write("\n" + (call.interrupted() if call.interrupted is not None else "Interrupted.") + "\n")
        raise typer.Exit(ExitCode.INTERRUPTED) from error
    except BrokenPipeError as error:  # of `altus … | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(ExitCode.OK) from error


def report(error: AltusError, *, debug: bool) -> None:
    """The sentence and the hint; with `debug` everything that is known."""
    lines = [f"Error: {error.message}"] + ([f"Hint: {error.hint}"] if error.hint else [])
    if debug:
        lines += [f"Code: {error.code}", *(f"{key}: {value}" for key, value in error.context.items())]
    sys.stderr.write("".join(f"{clean(line)}\n" for line in lines))
    if debug:
        traceback.print_exception(error, file=sys.stderr)


def report_fault(error: Exception, *, debug: bool) -> None:
    """A mistake in this program itself."""
    sys.stderr.write(f"Error: altus made a mistake ({type(error).__name__}).\n")
    sys.stderr.write("Hint: Report it, with what --debug shows.\n")
    if debug:
        traceback.print_exception(error, file=sys.stderr)


async def _closing(call: Call, body: Coroutine[Any, Any, None]) -> None:
    try:
        await body
    finally:
        await call.close()
