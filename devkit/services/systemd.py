"""Services under systemd: the distribution's own units, and units of ours for what it does not have."""

import shlex
import subprocess
from collections.abc import Iterable
from pathlib import Path

from devkit import progress
from devkit.services import runner
from devkit.services.declared import LOGS, Service, resolve

UNITS = Path("/etc/systemd/system")


def unit_text(service: Service) -> str:
    """The unit file of one of our services."""
    environment = "".join(
        f"Environment={shlex.quote(f'{key}={value}')}\n" for key, value in service.environment.items()
    )
    return f"""\
[Unit]
Description={service.name}
After=network.target libvirtd.service ovn-controller.service

[Service]
Type=exec
ExecStart={shlex.join(service.command).replace("%", "%%")}
{environment}Restart=always
RestartSec=1
TimeoutStopSec={runner.STOP_SECONDS:.0f}
LimitNOFILE=65536
StandardOutput=append:{service.log}
StandardError=inherit

[Install]
WantedBy=multi-user.target
"""


class Systemd:
    """A Runner over systemctl."""

    def start(self, names: Iterable[str]) -> None:
        """See Runner.start. Our units are enabled too, so that they come back when the machine does."""
        services = resolve(names)
        self._write_units(services)
        for service in services:
            _systemctl(*(("enable", "--now") if service.own_unit else ("start",)), service.unit)
            runner.wait_ready(service, lambda unit=service.unit: not _is_dead(unit))  # type: ignore[misc]

    def stop(self, names: Iterable[str]) -> None:
        """See Runner.stop. The distribution's units stay as they are: the machine may use them for more than us."""
        for service in reversed(resolve(names)):
            if service.own_unit and (UNITS / service.unit).exists():
                with progress.waiting(f"{service.name} stops"):
                    _systemctl("disable", "--now", service.unit)

    def status(self, names: Iterable[str]) -> list[runner.State]:
        """See Runner.status."""
        return [runner.State(service.name, _main_pid(service.unit), service.ready()) for service in resolve(names)]

    def _write_units(self, services: Iterable[Service]) -> None:
        LOGS.mkdir(parents=True, exist_ok=True)
        changed = False
        for service in services:
            file = UNITS / service.unit
            if service.own_unit and (not file.exists() or file.read_text() != unit_text(service)):
                file.write_text(unit_text(service))
                changed = True
        if changed:
            _systemctl("daemon-reload")


def _is_dead(unit: str) -> bool:
    return _show(unit, "ActiveState") in {"failed", "inactive"}


def _main_pid(unit: str) -> int | None:
    return int(_show(unit, "MainPID") or 0) or None


def _show(unit: str, name: str) -> str:
    return _systemctl("show", "--value", f"--property={name}", unit)


def _systemctl(*arguments: str) -> str:
    done = subprocess.run(["systemctl", *arguments], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()
