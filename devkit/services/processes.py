"""Finding and ending daemon processes that are not our children."""

import contextlib
import os
import select
import signal
from pathlib import Path

_EXEC_TRIES = 1000


def is_running(pid: int, command: tuple[str, ...]) -> bool:
    """Whether process `pid` runs `command`; an interpreter before it, as scripts have, does not matter."""
    return _arguments(pid)[-len(command) :] == command


def _arguments(pid: int) -> tuple[str, ...]:
    """The command line of a process; empty for a dead one, a zombie and a thread of the kernel."""
    folder = Path(f"/proc/{pid}")
    try:
        for _ in range(_EXEC_TRIES):
            arguments = (folder / "cmdline").read_text(errors="replace").split("\0")[:-1]
            if arguments:
                return tuple(arguments)
            # for an instant within execve() a process has none: only one without a program really has none
            (folder / "exe").readlink()
    except (FileNotFoundError, ProcessLookupError):
        return ()
    return ()


def find(command: tuple[str, ...]) -> int | None:
    """The process of this machine that runs exactly `command`, None if there is none: test machines, whose processes
    are seen here too, have process namespaces of their own."""
    for folder in Path("/proc").glob("[0-9]*"):
        if is_running(int(folder.name), command) and _is_here(folder):
            return int(folder.name)
    return None


def _is_here(folder: Path) -> bool:
    try:
        return (folder / "ns/pid").readlink() == Path("/proc/self/ns/pid").readlink()
    except (FileNotFoundError, ProcessLookupError):
        return False


def end(pid: int, number: signal.Signals, seconds: float) -> bool:
    """Send a signal and wait up to `seconds` until the process is gone; whether it is."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, number)
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(descriptor)


def stop(pid: int, seconds: float) -> None:
    """End a process in order, or by force if it takes longer than `seconds`."""
    if not end(pid, signal.SIGTERM, seconds):
        end(pid, signal.SIGKILL, seconds)
