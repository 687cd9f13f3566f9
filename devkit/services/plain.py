"""Services as plain processes, for test machines: nothing restarts them, and tests may kill them by name.

They belong to process 1 of the machine, which reaps them, so any process of the machine may start one and another kill
it.
"""

import os
import signal
import subprocess
from collections.abc import Iterable

from devkit import progress
from devkit.services import processes, runner
from devkit.services.declared import LOGS, RUN, SERVICES, Service, ServiceError, resolve

_LAUNCH = 'ulimit -S -n "$(ulimit -H -n)"; exec "$@"'


class Plain:
    """A Runner, and direct handles for tests."""

    def start(self, names: Iterable[str]) -> None:
        """See Runner.start."""
        for service in resolve(names):
            self.run(service)

    def run(self, service: Service) -> None:
        """Start a service, also one that is not in SERVICES, unless it runs, and wait until it answers."""
        if processes.find(service.command) is None:
            self._launch(service)
        runner.wait_ready(service, lambda: processes.find(service.command) is not None)

    def stop(self, names: Iterable[str]) -> None:
        """See Runner.stop."""
        for service in reversed(resolve(names)):
            pid = self.pid(service.name)
            if pid is not None:
                with progress.waiting(f"{service.name} stops"):
                    processes.stop(pid, runner.STOP_SECONDS)

    def status(self, names: Iterable[str]) -> list[runner.State]:
        """See Runner.status."""
        return [runner.State(service.name, self.pid(service.name), service.ready()) for service in resolve(names)]

    def pid(self, name: str) -> int | None:
        """The process of a service, None if it does not run."""
        return processes.find(SERVICES[name].command)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """kill -9 a service, wait until its process is gone and return the pid it had; ServiceError if none runs."""
        pid = self.pid(name)
        if pid is None:
            raise ServiceError(f"{name} does not run")
        if not processes.end(pid, number, runner.STOP_SECONDS):
            raise ServiceError(f"{name} survived {number.name}")
        return pid

    def wait_ready(self, name: str) -> None:
        """Wait until a service answers; ServiceError when it ended or takes too long."""
        runner.wait_ready(SERVICES[name], lambda: self.pid(name) is not None)

    def _launch(self, service: Service) -> None:
        for folder in (LOGS, RUN):
            folder.mkdir(parents=True, exist_ok=True)
        service.prepare()
        with service.log.open("ab") as log:
            # --fork hands the daemon over to process 1; it ends when the daemon is on its way
            subprocess.run(
                ["setsid", "--fork", "sh", "-c", _LAUNCH, service.name, *_as(service.user), *service.command],
                env={**os.environ, **service.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=True,
            )


def _as(user: str) -> tuple[str, ...]:
    """What to put before a command so that it is this user's; it leaves no trace in the process."""
    return () if user == "root" else ("setpriv", "--reuid", user, "--regid", user, "--init-groups")
