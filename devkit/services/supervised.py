"""Services under supervisord, for machines without systemd: it starts what crashed again and keeps the logs."""

import resource
import shlex
import subprocess
import sys
import xmlrpc.client
from collections.abc import Iterable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from devkit import progress
from devkit.services import processes, runner
from devkit.services.declared import LOGS, RUN, SERVICES, STATE, Service, ServiceError, resolve

CONFIG = STATE / "supervisor" / "supervisord.conf"
_SOCKET = RUN / "supervisor.sock"
_ALIVE = frozenset({"STARTING", "RUNNING"})
_FILES = 65536
_DAEMON = f"""\
[supervisord]
pidfile={RUN}/supervisord.pid
logfile={LOGS}/supervisord.log
logfile_maxbytes=10MB
childlogdir={LOGS}
directory=/
minfds={{files}}
user=root

[unix_http_server]
file={_SOCKET}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{_SOCKET}
"""


def config(services: Iterable[Service]) -> str:
    """The text of supervisord's configuration for `services`; nothing starts until it is told to."""
    _, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = _FILES if allowed == resource.RLIM_INFINITY else min(_FILES, allowed)
    return _DAEMON.format(files=files) + "".join(_program(service) for service in services)


def _program(service: Service) -> str:
    environment = ",".join(f'{name}="{value}"' for name, value in service.environment.items())
    settings = {
        "command": shlex.join(service.command),
        "environment": environment,
        "user": service.user,
        "autostart": "false",
        "autorestart": "true",
        "startretries": "1000000",
        "stopwaitsecs": f"{runner.STOP_SECONDS:.0f}",
        "stdout_logfile": str(service.log),
        "stdout_logfile_maxbytes": "20MB",
        "stdout_logfile_backups": "3",
        "redirect_stderr": "true",
    }
    lines = "".join(f"{name}={value.replace('%', '%%')}\n" for name, value in settings.items() if value)
    return f"\n[program:{service.name}]\n{lines}"


class Supervised:
    """A Runner over one supervisord, which it starts when needed and ends when nothing is left to run."""

    def start(self, names: Iterable[str]) -> None:
        """See Runner.start. What answers though neither we nor a killed supervisord started it is left alone."""
        self._ensure_daemon()
        for service in resolve(names):
            if self._is_foreign(service):
                progress.say(f"  ✓ {service.name} was started by somebody else; used as it is")
                service.configure()
                continue
            if self._info(service.name)["statename"] not in _ALIVE:
                _end_strays(service)
                service.prepare()
                _call("supervisor.startProcess", service.name, False)
            runner.wait_ready(service, lambda name=service.name: self._info(name)["statename"] in _ALIVE)  # type: ignore[misc]

    def stop(self, names: Iterable[str]) -> None:
        """See Runner.stop. Ends supervisord too when it has nothing left to run."""
        stopping = list(reversed(resolve(names)))
        running = {state.name for state in self.status([service.name for service in stopping]) if state.pid}
        for service in stopping:
            if service.name not in running:
                continue
            with progress.waiting(f"{service.name} stops"):
                if _answers() and self._info(service.name)["statename"] in {*_ALIVE, "BACKOFF"}:
                    _call("supervisor.stopProcess", service.name)
                _end_strays(service)
        if _answers() and not any(self._info(name)["pid"] for name in SERVICES):
            _call("supervisor.shutdown")
            runner.wait_until(lambda: not _answers(), "supervisord ends", runner.STOP_SECONDS)

    def status(self, names: Iterable[str]) -> list[runner.State]:
        """See Runner.status."""
        return [
            runner.State(service.name, processes.find(service.command), service.ready()) for service in resolve(names)
        ]

    def _is_foreign(self, service: Service) -> bool:
        return processes.find(service.command) is None and service.ready()

    def _info(self, name: str) -> Mapping[str, Any]:
        information: Mapping[str, Any] = _call("supervisor.getProcessInfo", name)
        return information

    def _ensure_daemon(self) -> None:
        for folder in (LOGS, RUN, CONFIG.parent):
            folder.mkdir(parents=True, exist_ok=True)
        text = config(SERVICES.values())
        changed = not CONFIG.exists() or CONFIG.read_text() != text
        if changed:
            new = CONFIG.with_suffix(".new")
            new.write_text(text)
            new.rename(CONFIG)
        if not _answers():
            with progress.waiting("supervisord answers"):
                subprocess.run([_program_path("supervisord"), "--configuration", str(CONFIG)], check=True)
                runner.wait_until(_answers, "supervisord answers", runner.READY_SECONDS)
        elif changed:
            subprocess.run(
                [_program_path("supervisorctl"), "--configuration", str(CONFIG), "update"],
                check=True,
                stdout=subprocess.DEVNULL,
            )


def _program_path(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def _end_strays(service: Service) -> None:
    """End what a killed supervisord left behind: its children live on and would be in the way of a new start."""
    pid = processes.find(service.command)
    if pid is not None:
        processes.stop(pid, runner.STOP_SECONDS)


def _call(method: str, *arguments: object) -> Any:
    """One XML-RPC call to supervisord; ServiceError with what it says against it."""
    server = xmlrpc.client.ServerProxy(
        "http://localhost", transport=SupervisorTransport(serverurl=f"unix://{_SOCKET}"), allow_none=True
    )
    with server:
        try:
            return getattr(server, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            raise ServiceError(f"supervisord: {method} {arguments}: {fault.faultString}") from fault


def _answers() -> bool:
    try:
        _call("supervisor.getState")
    except (OSError, HTTPException, ServiceError):
        return False
    return True
