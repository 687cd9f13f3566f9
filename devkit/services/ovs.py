"""Open vSwitch and OVN without their start scripts: databases, and the settings that make this host a chassis."""

import json
import os
import subprocess
from pathlib import Path

from devkit import progress

RUN = Path("/run/openvswitch")
OVN_RUN = Path("/run/ovn")
DATABASES = Path("/var/lib/altus/ovs")
_PEER_SECONDS = 10


def create_database(file: Path, schema: str) -> None:
    """Create the database if it is not there, or bring it to the installed schema; safe to be killed at any time."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.exists():
        if _output("ovsdb-tool", "needs-conversion", str(file), schema) == "yes":
            _output("ovsdb-tool", "convert", str(file), schema)
        return
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    _output("ovsdb-tool", "create", str(new), schema)
    new.rename(file)


def prepare(folder: Path, file: Path, schema: str) -> None:
    """What an ovsdb-server needs before it starts: the folder of its socket and its database."""
    folder.mkdir(parents=True, exist_ok=True)
    create_database(file, schema)


def datapath_type() -> str:
    """The kernel's datapath ("system") where its module is, else the one in user space ("netdev")."""
    if not _kernel_module():
        # the module may be there and not be loaded; where it is not, modprobe's failure is the answer
        subprocess.run(["modprobe", "openvswitch"], capture_output=True, check=False)
    return "system" if _kernel_module() else "netdev"


def _kernel_module() -> bool:
    return Path("/sys/module/openvswitch").is_dir()


def configure_chassis() -> None:
    """Tell ovn-controller who this host is and where the southbound database is; what is set already stays."""
    datapath = datapath_type()
    if datapath == "netdev":
        progress.say("  ! this kernel has no openvswitch module: networks run in user space, which is slower")
    wanted = {
        "system-id": Path("/etc/machine-id").read_text().strip(),
        "hostname": os.uname().nodename,
        "ovn-remote": f"unix:{OVN_RUN}/ovnsb_db.sock",
        "ovn-encap-type": "geneve",
        "ovn-encap-ip": "127.0.0.1",
        "ovn-bridge-datapath-type": datapath,
    }
    known = _external_ids()
    settings = [f"external_ids:{name}={value}" for name, value in wanted.items() if name not in known]
    if settings:
        _output("ovs-vsctl", "--no-wait", "set", "Open_vSwitch", ".", *settings)


def _external_ids() -> dict[str, str]:
    """What is set; initialises the database, as its first use must."""
    _output("ovs-vsctl", "--no-wait", "init")
    listed = _output("ovs-vsctl", "--no-wait", "--format=json", "--columns=external_ids", "list", "Open_vSwitch")
    [[[_, pairs]]] = json.loads(listed)["data"]
    return dict(pairs)


def _output(*command: str) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=_PEER_SECONDS)
    return done.stdout.strip()
