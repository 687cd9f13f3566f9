"""The daemons a host needs, declared once and run by what the machine has.

    from devkit import services
    runner = services.load()                 # systemd, supervisord, or plain processes in a test machine
    runner.start(["libvirt", "ovn"])         # groups or single services, in order; returns when all answer
    services.plain.Plain().kill("libvirtd")  # in tests: kill -9 by name; also .pid, .stop, .start, .wait_ready

`declared` says what a service is, `plain`, `supervised` and `systemd` each run them, `ready` and `ovs` hold what the
declarations use.
"""

import os
from pathlib import Path

from devkit.services import declared, plain, supervised, systemd
from devkit.services.declared import GROUPS, SERVICES, Service, ServiceError, resolve
from devkit.services.runner import Runner, State

__all__ = [
    "GROUPS",
    "SERVICES",
    "Runner",
    "Service",
    "ServiceError",
    "State",
    "declared",
    "load",
    "plain",
    "resolve",
    "supervised",
    "systemd",
]


def load() -> Runner:
    """The runner for where we are."""
    if "ALTUS_TEST_MACHINE" in os.environ:
        return plain.Plain()
    if Path("/run/systemd/system").is_dir():
        return systemd.Systemd()
    return supervised.Supervised()
