"""What is to go wrong at which boundary of a task: written into a file by a test, carried out by the manager itself.

The manager strikes synchronously at the boundary, so that the next thing the task does already finds the damage. Each
strike happens once; the log beside the plan says which ones did, and outlives the manager that struck itself down.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from altus.common.errors import Failed
from altus.common.files import write_whole
from altus.manager.tasks.observer import Boundary, trace
from altus.model.task import Task
from devkit.services import ServiceError
from devkit.services.plain import Plain

DESTINED = "test.destined"
"""The code of the error by which a step fails because the plan says so."""
MANAGER, AGENT, QEMU = "altus-manager", "altus-agent", "qemu"


@dataclass(frozen=True)
class Strike:
    """kill -9 of `target` (MANAGER, AGENT, QEMU or a service of devkit) when a task of `kind` passes this boundary;
    `after` seconds later if the step is to be hit in its midst. A manager may also `freeze` itself (SIGSTOP)."""

    kind: str
    step: str
    boundary: str
    target: str
    after: float = 0.0
    freeze: bool = False

    def __str__(self) -> str:
        late = f" +{self.after * 1000:.0f} ms" if self.after else ""
        return f"{self.target} at {self.kind} {self.step} {self.boundary}{late}"


@dataclass(frozen=True)
class Plan:
    """`fails` is the step of `kind` that fails each time after its work is done."""

    strikes: tuple[Strike, ...] = ()
    kind: str = ""
    fails: str = ""


class StrikeFile:
    """The plan and its log, seen from both sides. `agent` is the file with the agent's pid."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.agent = path.with_name(f"{AGENT}.pid")
        self._log = path.with_suffix(".log")

    def write(self, plan: Plan) -> None:
        """Let this be the plan from now on; nothing of it has happened."""
        write_whole(self.path, b"{}", 0o600)
        self._log.unlink(missing_ok=True)
        write_whole(self.path, json.dumps(asdict(plan)).encode(), 0o600)

    def read(self) -> Plan:
        """The plan as it is now."""
        plain = json.loads(self.path.read_text()) if self.path.exists() else {}
        return Plan(**{**plain, "strikes": tuple(Strike(**strike) for strike in plain.get("strikes", ()))})

    def begun(self) -> set[int]:
        """Numbers of the strikes that were begun; that of the manager on itself is done then."""
        return self._noted("begun")

    def done(self) -> set[int]:
        """Numbers of the strikes whose target is dead."""
        return self._noted("done")

    def note(self, what: str, number: int) -> None:
        """A strike has `begun` or is `done`."""
        with self._log.open("a") as file:
            file.write(f"{what} {number}\n")
            file.flush()
            os.fsync(file.fileno())

    def _noted(self, what: str) -> set[int]:
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return {int(line.split()[1]) for line in lines if line.startswith(what)}


class Striker:
    """The engine's observer in a manager under test."""

    def __init__(self, file: StrikeFile) -> None:
        self._file = file

    def __call__(self, task: Task, step: str, boundary: Boundary) -> None:
        """Strike if that is planned here."""
        trace(task, step, boundary)
        plan, begun = self._file.read(), self._file.begun()
        for number, strike in enumerate(plan.strikes):
            if number not in begun and (strike.kind, strike.step, strike.boundary) == (task.kind, step, boundary):
                self._strike(number, strike, task)
                break
        if boundary is Boundary.AFTER_DO and (plan.kind, plan.fails) == (task.kind, step):
            raise Failed("It was to fail here.", code=DESTINED)

    def _strike(self, number: int, strike: Strike, task: Task) -> None:
        self._file.note("begun", number)
        if strike.after:
            threading.Timer(strike.after, self._hit, (number, strike, task)).start()
        else:
            self._hit(number, strike, task)

    def _hit(self, number: int, strike: Strike, task: Task) -> None:
        target = strike.target
        if target == MANAGER:
            os.kill(os.getpid(), signal.SIGSTOP if strike.freeze else signal.SIGKILL)
        elif target == AGENT:
            _kill_pid(int(self._file.agent.read_text()))
        elif target == QEMU:
            _kill_pid(qemu_pid(task.object_id))
        else:
            with contextlib.suppress(ServiceError):  # the strike before this one is not overcome yet
                Plain().kill(target)
        self._file.note("done", number)


def qemu_pid(vm_id: str) -> int | None:
    """The QEMU process of a VM; None if there is none."""
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if words and "qemu-system" in words[0] and vm_id in words:
            return process.pid
    return None


def _kill_pid(pid: int | None) -> None:
    """kill -9 and wait until it is gone; nothing if there is none, or it goes just now."""
    if pid:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            process.kill()
            process.wait(20)
