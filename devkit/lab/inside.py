"""`python -m devkit.lab.inside NAME FOLDER CENTRAL`: one machine of a lab, from power on to power cut. CENTRAL is the
machine that has OVN's databases.

The supervisor starts this, in the switch's network namespace, and hears of it by lines of JSON on standard output:
`{"pid": …}` as soon as the machine is cabled, `{"wants": "identity"}` when a host cannot go on until it is enrolled (an
empty line is the answer), and `{"ready": true}` or `{"failed": …}` in the end. Process 1 starts the daemons and buries
orphans from then on; nothing restarts what is killed, `python -m devkit.services start` does by hand.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from altus.common.files import write_whole
from devkit import linux, machine
from devkit.errors import DevkitError
from devkit.lab import database, networks
from devkit.lab.networks import Net
from devkit.lab.places import CREDENTIALS, DATABASE, MANAGER_STATE, MANAGERS, MOST_HOSTS, SHARED, SHARED_ID, host_name
from devkit.lab.places import machine as machine_called
from devkit.services import ovs, ready
from devkit.services.declared import AGENT_PORT, MANAGER_PORT
from devkit.services.plain import Plain
from devkit.services.runner import READY_SECONDS, wait_until

NORTHBOUND, SOUTHBOUND = 6641, 6642
_OVN = ("ovn-nb", "ovn-sb", "ovn-northd")
_TLS = Path(MANAGER_STATE, "tls")
_CREDENTIALS = Path(MANAGER_STATE, CREDENTIALS)


def run(name: str, folder: Path, central: str) -> int:
    """Bear the machine, cable it and wait for its end."""
    linux.die_with_parent(signal.SIGKILL)
    if not sys.stdin.readline():
        return 1  # the supervisor was killed before it could have taken us along
    ours, theirs = socket.socketpair()
    child = machine.born(lambda: _process_one(name, folder, central, theirs))
    theirs.close()
    if ours.recv(1):
        networks.plug(name, child)
        _tell(pid=child)
        ours.send(b"!")
    return machine.wait(child)


def _process_one(name: str, folder: Path, central: str, parent: socket.socket) -> int:
    try:
        all_names = (*MANAGERS, DATABASE, *(host_name(number) for number in range(1, MOST_HOSTS + 1)))
        machine.furnish(machine_called(name, folder, networks.names(all_names)))
        parent.send(b"!")
        parent.recv(1)
        networks.configure(name)
        if name in MANAGERS:
            _boot_manager(name, central)
        elif name == DATABASE:
            _boot_database()
        else:
            _boot_host(name, central)
    except subprocess.CalledProcessError as error:
        _tell(failed=f"{error} {error.stderr or ''}".strip())
    except (OSError, DevkitError) as error:
        _tell(failed=str(error))
    else:
        _tell(ready=True)
    machine.reap_for_ever()
    return 0


def _boot_manager(name: str, central: str) -> None:
    """A manager; with OVN's databases unless they are elsewhere, together with PostgreSQL."""
    own = networks.address(name, Net.MANAGEMENT).ip
    alone = name == central
    reached = [str(networks.address(machine, Net.MANAGEMENT).ip) for machine in (*MANAGERS, DATABASE)]
    _write_toml(Path("/etc/altus/manager.toml"), {
        "listen": "0.0.0.0",  # noqa: S104  the machine has nothing but the management network
        "public_url": f"https://{own}:{MANAGER_PORT}",
        "names": ["localhost", "127.0.0.1", *MANAGERS, *reached],
        "node": name,
        "local_credentials": str(_CREDENTIALS),
        "database": "" if alone else database.url(),
    })  # fmt: skip
    runner = Plain()
    if alone:
        runner.start(_OVN)
    else:
        address = str(networks.address(DATABASE, Net.MANAGEMENT).ip)
        wait_until(ready.tcp(database.PORT, address), "PostgreSQL answers", READY_SECONDS)
    runner.start(["altus-manager"])
    if alone:
        _let_hosts_in()
    # managers have one token in common; here the command line speaks with the one that is here
    login = json.loads(_CREDENTIALS.read_text()) | {"url": f"https://{own}:{MANAGER_PORT}"}
    write_whole(Path("/etc/altus/admin-credentials.json"), json.dumps(login, indent=2).encode(), 0o600)


def _boot_database() -> None:
    """PostgreSQL for managers, and OVN's databases, which show the managers' certificate as soon as there is one."""
    runner = Plain()
    runner.run(database.service())
    runner.start(_OVN)
    wait_until((_TLS / "manager.pem").exists, "there is a manager's certificate", READY_SECONDS)
    _let_hosts_in()


def _let_hosts_in() -> None:
    """OVN's databases listen for hosts, by TLS."""
    files = [str(_TLS / file) for file in ("manager.key", "manager.pem", "ca.pem")]
    for tool, port in (("ovn-nbctl", NORTHBOUND), ("ovn-sbctl", SOUTHBOUND)):
        command = [tool, "set-ssl", *files, "--", "set-connection", f"pssl:{port}:0.0.0.0"]
        subprocess.run(command, check=True, capture_output=True, text=True)


def _boot_host(name: str, central: str) -> None:
    """Libvirt, Open vSwitch and the agent, which sets ovn-controller up."""
    own, ovn = (networks.address(one, Net.MANAGEMENT).ip for one in (name, central))
    _write_toml(Path("/etc/altus/agent.toml"), {
        "host_name": name,
        "listen": "0.0.0.0",  # noqa: S104  the addresses of a lab exist nowhere else
        "address": f"{own}:{AGENT_PORT}",
        "ovn_northbound": f"ssl:{ovn}:{NORTHBOUND}",
        "ovn_southbound": f"ssl:{ovn}:{SOUTHBOUND}",
        "ovn_encap_address": str(networks.address(name, Net.TENANT).ip),
    }, {"name": "local"}, {"name": "shared", "path": str(SHARED), "id": SHARED_ID, "shared": True})  # fmt: skip
    runner = Plain()
    runner.start(["libvirt", "ovsdb", "ovs-vswitchd"])
    networks.configure_tenant(name, ovs.datapath_type())
    _tell(wants="identity")
    sys.stdin.readline()
    runner.start(["altus-agent"])
    runner.start(["ovn-controller"])


def _write_toml(path: Path, values: Mapping[str, object], *storages: Mapping[str, object]) -> None:
    """Values as JSON writes them are TOML, too."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    for storage in storages:
        lines += ["[[storages]]", *(f"{name} = {json.dumps(value)}" for name, value in storage.items())]
    path.write_text("\n".join(lines) + "\n")


def _tell(**what: object) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
