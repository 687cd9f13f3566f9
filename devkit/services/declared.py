"""Every service, in the order in which they start.

Commands stay in the foreground and write their log to standard output; whoever runs them keeps it in LOGS. A service
runs under systemd by `unit`: the distribution's own, except for ours (`own_unit`).
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from devkit.errors import DevkitError
from devkit.services import ovs, ready
from devkit.services.ready import Check

STATE = Path("/var/lib/altus")
LOGS = Path("/var/log/altus")
RUN = Path("/run/altus")
MANAGER_PORT = 8440
AGENT_PORT = 8441


class ServiceError(DevkitError):
    """A service does not exist, did not start or did not stop."""


def _nothing() -> None:
    """For services that need no preparation."""


@dataclass(frozen=True)
class Service:
    """One daemon: `prepare` runs before it starts, `configure` each time it answers again after a start."""

    name: str
    command: tuple[str, ...]
    ready: Check
    unit: str
    own_unit: bool = False
    prepare: Callable[[], None] = _nothing
    configure: Callable[[], None] = _nothing
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = "root"

    @property
    def log(self) -> Path:
        """Where its output goes without systemd."""
        return LOGS / f"{self.name}.log"


def _venv(program: str) -> str:
    return str(Path(sys.executable).parent / program)


def _ovs_daemon(program: str, folder: Path, name: str, *arguments: str) -> tuple[str, ...]:
    """A daemon of Open vSwitch or OVN in the foreground; ovs-appctl finds it by its pid file in `folder`."""
    return (program, *arguments, f"--pidfile={folder}/{name}.pid", "-vconsole:info", "-vsyslog:off")


def _database(folder: Path, name: str, file: Path, socket: str, connections: str) -> tuple[str, ...]:
    """An ovsdb-server; further remotes and the certificates for them are what its own database says."""
    remotes = (f"--remote=punix:{folder}/{socket}", f"--remote=db:{connections}")
    schema = connections.partition(",")[0]
    files = (("private-key", "private_key"), ("certificate", "certificate"), ("ca-cert", "ca_cert"))
    tls = (f"--{option}=db:{schema},SSL,{column}" for option, column in files)
    control = f"--unixctl={folder}/{name}.ctl"
    return _ovs_daemon("/usr/sbin/ovsdb-server", folder, name, str(file), *remotes, *tls, control)


def _lists_databases(socket: Path) -> Check:
    return ready.command("ovsdb-client", "--timeout=3", "list-dbs", f"unix:{socket}")


_LIBVIRT = (
    Service(
        name="virtlogd",
        command=("/usr/sbin/virtlogd", "--pid-file", f"{RUN}/virtlogd.pid"),
        ready=ready.unix_socket("/run/libvirt/virtlogd-sock"),
        unit="virtlogd.service",
    ),
    Service(
        name="libvirtd",
        command=("/usr/sbin/libvirtd", "--pid-file", f"{RUN}/libvirtd.pid"),
        ready=ready.command("virsh", "--quiet", "--connect", "qemu:///system", "hostname"),
        unit="libvirtd.service",
    ),
)

_OVN = (
    Service(
        name="ovsdb",
        command=_database(
            ovs.RUN,
            "ovsdb-server",
            ovs.DATABASES / "conf.db",
            "db.sock",
            "Open_vSwitch,Open_vSwitch,manager_options",
        ),
        ready=_lists_databases(ovs.RUN / "db.sock"),
        unit="ovsdb-server.service",
        prepare=partial(ovs.prepare, ovs.RUN, ovs.DATABASES / "conf.db", "/usr/share/openvswitch/vswitch.ovsschema"),
        configure=ovs.configure_chassis,
    ),
    Service(
        name="ovs-vswitchd",
        command=_ovs_daemon("/usr/sbin/ovs-vswitchd", ovs.RUN, "ovs-vswitchd", f"unix:{ovs.RUN}/db.sock"),
        ready=ready.command("ovs-appctl", "--timeout=3", "-t", "ovs-vswitchd", "version"),
        unit="ovs-vswitchd.service",
    ),
    Service(
        name="ovn-nb",
        command=_database(
            ovs.OVN_RUN,
            "ovnnb_db",
            ovs.DATABASES / "ovnnb.db",
            "ovnnb_db.sock",
            "OVN_Northbound,NB_Global,connections",
        ),
        ready=_lists_databases(ovs.OVN_RUN / "ovnnb_db.sock"),
        unit="ovn-ovsdb-server-nb.service",
        prepare=partial(ovs.prepare, ovs.OVN_RUN, ovs.DATABASES / "ovnnb.db", "/usr/share/ovn/ovn-nb.ovsschema"),
    ),
    Service(
        name="ovn-sb",
        command=_database(
            ovs.OVN_RUN,
            "ovnsb_db",
            ovs.DATABASES / "ovnsb.db",
            "ovnsb_db.sock",
            "OVN_Southbound,SB_Global,connections",
        ),
        ready=_lists_databases(ovs.OVN_RUN / "ovnsb_db.sock"),
        unit="ovn-ovsdb-server-sb.service",
        prepare=partial(ovs.prepare, ovs.OVN_RUN, ovs.DATABASES / "ovnsb.db", "/usr/share/ovn/ovn-sb.ovsschema"),
    ),
    Service(
        name="ovn-northd",
        command=_ovs_daemon(
            "/usr/bin/ovn-northd",
            ovs.OVN_RUN,
            "ovn-northd",
            f"--ovnnb-db=unix:{ovs.OVN_RUN}/ovnnb_db.sock",
            f"--ovnsb-db=unix:{ovs.OVN_RUN}/ovnsb_db.sock",
        ),
        ready=ready.command("ovn-appctl", "--timeout=3", "-t", "ovn-northd", "status"),
        unit="ovn-northd.service",
    ),
    Service(
        name="ovn-controller",
        command=_ovs_daemon("/usr/bin/ovn-controller", ovs.OVN_RUN, "ovn-controller", f"unix:{ovs.RUN}/db.sock"),
        ready=ready.all_of(
            ready.command("ovn-appctl", "--timeout=3", "-t", "ovn-controller", "connection-status", says="connected"),
            ready.command("ovs-vsctl", "--timeout=3", "br-exists", "br-int"),
            ready.device("br-int"),
        ),
        unit="ovn-controller.service",
    ),
)

_ALTUS = (
    Service(
        name="altus-manager",
        command=(_venv("altus-manager"), "--config", "/etc/altus/manager.toml"),
        ready=ready.tcp(MANAGER_PORT),
        unit="altus-manager.service",
        own_unit=True,
    ),
    Service(
        name="altus-agent",
        command=(_venv("altus-agent"), "--config", "/etc/altus/agent.toml"),
        ready=ready.tcp(AGENT_PORT),
        unit="altus-agent.service",
        own_unit=True,
    ),
)

SERVICES: Mapping[str, Service] = {service.name: service for service in (*_LIBVIRT, *_OVN, *_ALTUS)}
GROUPS: Mapping[str, tuple[str, ...]] = {
    "libvirt": tuple(service.name for service in _LIBVIRT),
    "ovn": tuple(service.name for service in _OVN),
    "altus": tuple(service.name for service in _ALTUS),
}


def resolve(names: Iterable[str]) -> list[Service]:
    """The services named or grouped by `names`, each once, in starting order; ServiceError for an unknown name."""
    wanted: set[str] = set()
    for name in names:
        members = GROUPS.get(name, (name,))
        if not set(members) <= set(SERVICES):
            raise ServiceError(f"no service {name!r}; there are: {', '.join([*GROUPS, *SERVICES])}")
        wanted.update(members)
    return [service for service in SERVICES.values() if service.name in wanted]
