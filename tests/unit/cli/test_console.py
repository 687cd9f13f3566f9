"""Consoles: piped, in a terminal, and bridged to a VNC viewer."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import termios
import time
from pathlib import Path

from tests.unit.cli.conftest import Altus
from tests.unit.sdk.fake_manager import FakeManager

ALTUS = str(Path(sys.executable).parent / "altus")


def _env(altus: Altus) -> dict[str, str]:
    return {key: value for key, value in altus.env.items() if value is not None}


def test_piped_input_is_typed_and_the_console_left_when_it_is_quiet(altus: Altus, manager: FakeManager) -> None:
    manager.add_vm("web1")
    done = subprocess.run([ALTUS, "vm", "console", "web1", "--idle", "0.5"], env=_env(altus), input=b"root\n",
                          capture_output=True, timeout=120, check=True)  # fmt: skip
    assert done.stdout == b"login: ROOT\n"
    assert manager.typed == b"root\n"


def test_console_that_ends_ends_the_command(altus: Altus, manager: FakeManager) -> None:
    manager.add_vm("web1")
    command = [ALTUS, "vm", "console", "web1"]
    with subprocess.Popen(command, env=_env(altus), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(b"bye\n")
        process.stdin.flush()
        assert process.wait(timeout=120) == 0


def test_terminal_is_raw_until_escape_is_typed_and_then_as_before(altus: Altus, manager: FakeManager) -> None:
    manager.add_vm("web1")
    keyboard, terminal = pty.openpty()
    before = termios.tcgetattr(terminal)
    command = [ALTUS, "vm", "console", "web1"]
    with subprocess.Popen(command, env=_env(altus), stdin=terminal, stdout=terminal, stderr=terminal) as process:
        assert b"login: " in _until(keyboard, b"login: ")
        assert termios.tcgetattr(terminal)[3] & termios.ECHO == 0
        os.write(keyboard, b"\x03ls\r")
        assert b"\x03LS\r" in _until(keyboard, b"LS\r")
        os.write(keyboard, b"more\x1dnot this")
        assert process.wait(timeout=120) == 0
    assert termios.tcgetattr(terminal) == before
    assert manager.typed == b"\x03ls\rmore"
    os.close(keyboard)
    os.close(terminal)


def test_viewer_is_joined_to_the_screen(altus: Altus, manager: FakeManager) -> None:
    manager.add_vm("web1")
    command = [ALTUS, "vm", "console", "web1", "--vnc"]
    with subprocess.Popen(command, env=_env(altus), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        told = (re.search(r"127\.0\.0\.1:(\d+)", line) for line in process.stderr)
        found = next(match for match in told if match)  # a busy manager may be waited for, and told of, before
        with socket.create_connection(("127.0.0.1", int(found[1])), timeout=120) as viewer:
            assert viewer.recv(7, socket.MSG_WAITALL) == b"login: "
            viewer.sendall(b"rfb")
            assert viewer.recv(3, socket.MSG_WAITALL) == b"RFB"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=120) == 130
    assert manager.requests("POST", "/vms/web1/console")[-1].json == {"kind": "vnc"}


def test_console_of_no_vm_exits_with_three(altus: Altus) -> None:
    altus("vm", "console", "none", code=3)


def _until(handle: int, wanted: bytes) -> bytes:
    """What comes, until it holds this."""
    seen, deadline = b"", time.monotonic() + 120
    while wanted not in seen:
        ready, _, _ = select.select([handle], [], [], deadline - time.monotonic())
        assert ready, f"only {seen!r} came"
        seen += os.read(handle, 4096)
    return seen
