"""Starts programs of Altus as real processes without importing them anew each time: a process that has imported them
already forks whenever it is told to. A child is killed, frozen and found like any other process; only the second or
two that Python takes for imports are saved, of which a walk through hundreds of kills is made.

    python -m testbed.zygote manager|agent

It reads one JSON line per program from standard input, {"arguments": […], "log": "…"}, and answers each with the pid.
It and its children end with who started it.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from devkit import linux

PROGRAMS = {"manager": "testbed.striking_manager", "agent": "altus.agent.main"}
_INHERITED = (signal.SIGCHLD, signal.SIGINT)


class Zygote:
    """The other end: made by whoever wants programs started."""

    def __init__(self, program: str, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "testbed.zygote", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **environment},
            cwd=Path(__file__).parent.parent,
            text=True,
        )

    def start(self, arguments: list[str], log: Path) -> int:
        """Start the program; its output is appended to `log`. Returns the pid."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"arguments": arguments, "log": str(log)}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the zygote ended with {self._process.wait()}")
        return int(answer)

    def close(self) -> None:
        """End it, and with it every program that still runs."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def main(program: str) -> None:
    """Serve until standard input ends."""
    linux.die_with_parent(signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C is for the tests, which end us in order
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the dead
    module = importlib.import_module(PROGRAMS[program])
    gc.freeze()  # what is there now is never looked at again, so that children keep sharing it
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(asked["arguments"], Path(asked["log"]))
            module.main()
            os._exit(0)
        print(pid, flush=True)


def _become(arguments: list[str], log: Path) -> None:
    """In the child: a process of its own, with the command line and output of the program."""
    linux.die_with_parent(signal.SIGKILL)
    os.setsid()
    for number in _INHERITED:
        signal.signal(number, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for target, source in enumerate((nothing, output, output)):
        os.dup2(source, target)
    sys.argv = arguments


if __name__ == "__main__":
    main(sys.argv[1])
