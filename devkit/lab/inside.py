"""`python -m devkit.lab.inside NAME FOLDER`: one machine of a lab, from power on to power cut.

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

from devkit import linux, machine
from devkit.errors import DevkitError
from devkit.lab import networks
from devkit.lab.networks import Net
from devkit.lab.places import MANAGER, MOST_HOSTS, SHARED, SHARED_ID, host_name
from devkit.lab.places import machine as machine_called
from devkit.services import ovs
from devkit.services.declared import AGENT_PORT, MANAGER_PORT, STATE
from devkit.services.plain import Plain

NORTHBOUND, SOUTHBOUND = 6641, 6642


def run(name: str, folder: Path) -> int:
    """Bear the machine, cable it and wait for its end."""
    linux.die_with_parent(signal.SIGKILL)
    if not sys.stdin.readline():
        return 1  # the supervisor was killed before it could have taken us along
    ours, theirs = socket.socketpair()
    child = machine.born(lambda: _process_one(name, folder, theirs))
    theirs.close()
    if ours.recv(1):
        networks.plug(name, child)
        _tell(pid=child)
        ours.send(b"!")
    return machine.wait(child)


def _process_one(name: str, folder: Path, parent: socket.socket) -> int:
    try:
        all_names = (MANAGER, *(host_name(number) for number in range(1, MOST_HOSTS + 1)))
        machine.furnish(machine_called(name, folder, networks.names(all_names)))
        parent.send(b"!")
        parent.recv(1)
        networks.configure(name)
        if name == MANAGER:
            _boot_manager()
        else:
            _boot_host(name)
    except subprocess.CalledProcessError as error:
        _tell(failed=f"{error} {error.stderr or ''}".strip())
    except (OSError, DevkitError) as error:
        _tell(failed=str(error))
    else:
        _tell(ready=True)
    machine.reap_for_ever()
    return 0


def _boot_manager() -> None:
    """OVN's databases and the manager. The databases' certificate is the manager's: they are on one machine."""
    own = networks.address(MANAGER, Net.MANAGEMENT).ip
    _write_toml(Path("/etc/altus/manager.toml"), {
        "listen": "0.0.0.0",  # noqa: S104  the machine has nothing but the management network
        "public_url": f"https://{own}:{MANAGER_PORT}",
        "names": ["localhost", "127.0.0.1", str(own), MANAGER],
        "node": MANAGER,
    })  # fmt: skip
    runner = Plain()
    runner.start(["ovn-nb", "ovn-sb", "ovn-northd", "altus-manager"])
    tls = STATE / "manager" / "tls"
    files = [str(tls / file) for file in ("manager.key", "manager.pem", "ca.pem")]
    for tool, port in (("ovn-nbctl", NORTHBOUND), ("ovn-sbctl", SOUTHBOUND)):
        command = [tool, "set-ssl", *files, "--", "set-connection", f"pssl:{port}:0.0.0.0"]
        subprocess.run(command, check=True, capture_output=True, text=True)


def _boot_host(name: str) -> None:
    """Libvirt, Open vSwitch and the agent, which sets ovn-controller up."""
    own, manager = (networks.address(one, Net.MANAGEMENT).ip for one in (name, MANAGER))
    _write_toml(Path("/etc/altus/agent.toml"), {
        "host_name": name,
        "listen": "0.0.0.0",  # noqa: S104  the addresses of a lab exist nowhere else
        "address": f"{own}:{AGENT_PORT}",
        "ovn_northbound": f"ssl:{manager}:{NORTHBOUND}",
        "ovn_southbound": f"ssl:{manager}:{SOUTHBOUND}",
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
    sys.exit(run(sys.argv[1], Path(sys.argv[2])))
