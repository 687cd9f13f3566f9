"""Where a lab keeps its files, and what its machines are called. There is one lab per machine; a test machine can have
one of its own inside."""

import os
import re
from pathlib import Path

from devkit.errors import DevkitError
from devkit.machine import ENVIRONMENT, Machine

MANAGER = "manager"
DATABASE = "database"
"""The machine with PostgreSQL and OVN's databases, where there are several managers."""
MOST_HOSTS = 32
MOST_MANAGERS = 4
MANAGER_STATE = "/var/lib/altus/manager"
"""What managers have in common, as they see it: the CA, certificate and keys."""
CREDENTIALS = "credentials.json"
"""The system administrator's file for the command line."""
SHARED = Path("/var/lib/altus/shared")
"""The folder which all hosts have in common, as they see it."""
SHARED_ID = "5a7ed000-0000-7000-8000-000000000001"
"""The id of the repository there, the same in every lab."""
GROUP = "altus-lab-"
"""How control groups of a lab's machines begin."""


class LabError(DevkitError):
    """The lab cannot do this; the text says why."""


def root() -> Path:
    """The folder of this machine's lab. That of a test machine goes when the test machine does."""
    around = os.environ.get(ENVIRONMENT)
    # large files that outlive no reboot; in a folder that only root can read
    return Path("/var/tmp/altus-machines", around, "lab") if around else Path("/var/tmp/altus-lab")  # noqa: S108


def host_name(number: int) -> str:
    """`host1` for 1; LabError for numbers that no host can have."""
    if not 1 <= number <= MOST_HOSTS:
        raise LabError(f"a lab has 1 to {MOST_HOSTS} hosts")
    return f"host{number}"


def host_number(name: str) -> int:
    """1 for `host1`; LabError if that is no host's name."""
    match = re.fullmatch(r"host([1-9][0-9]?)", name)
    if match is None or int(match[1]) > MOST_HOSTS:
        raise LabError(f"there is no host {name!r} in a lab: they are called host1, host2, …")
    return int(match[1])


def manager_name(number: int) -> str:
    """`manager` for 1, `manager2` for 2; LabError for numbers that no manager can have."""
    if not 1 <= number <= MOST_MANAGERS:
        raise LabError(f"a lab has 1 to {MOST_MANAGERS} managers")
    return MANAGER if number == 1 else f"{MANAGER}{number}"


def credentials(folder: Path, manager: str) -> Path:
    """The system administrator's file for use from around a lab at `folder`, through a manager."""
    return folder / (CREDENTIALS if manager == MANAGER else f"credentials-{manager}.json")


MANAGERS = tuple(manager_name(number) for number in range(1, MOST_MANAGERS + 1))


def is_host(name: str) -> bool:
    """Whether a machine is one that VMs run on."""
    return name not in (*MANAGERS, DATABASE)


def machine(name: str, folder: Path, hosts: tuple[str, ...] = ()) -> Machine:
    """The machine of this name in a lab at `folder`."""
    shared = {str(SHARED): folder / "shared"} if is_host(name) else {MANAGER_STATE: folder / "managers"}
    return Machine(name=name, folder=folder / "machines" / name, group=GROUP + name, shared=shared, hosts=hosts)
