"""Conditions that tell that a service answers; each returns within seconds, false for "not yet"."""

import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

Check = Callable[[], bool]
_PROBE_SECONDS = 5


def all_of(*checks: Check) -> Check:
    """True when each condition holds."""
    return lambda: all(check() for check in checks)


def command(*arguments: str, says: str | None = None) -> Check:
    """True when the command succeeds and, with `says`, prints exactly that."""

    def check() -> bool:
        try:
            done = subprocess.run(
                arguments, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_PROBE_SECONDS
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0 and (says is None or done.stdout.decode().strip() == says)

    return check


def unix_socket(path: str) -> Check:
    """True when a connection to the socket file is accepted."""
    return _connects(socket.AF_UNIX, path)


def device(name: str) -> Check:
    """Ready when the kernel has this network device."""
    return Path("/sys/class/net", name).exists


def tcp(port: int, address: str = "127.0.0.1") -> Check:
    """True when a connection to the port is accepted."""
    return _connects(socket.AF_INET, (address, port))


def _connects(family: int, address: str | tuple[str, int]) -> Check:
    def check() -> bool:
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.settimeout(_PROBE_SECONDS)
            try:
                connection.connect(address)
            except OSError:
                return False
            return True

    return check
