"""The lab's three networks: bridges in the supervisor's network namespace, which is the switch, and one cable per
machine and network. Their addresses exist nowhere else."""

import json
import subprocess
from collections.abc import Iterable
from enum import StrEnum
from ipaddress import IPv4Interface, IPv4Network

from devkit.lab.places import DATABASE, MANAGERS, host_number, is_host
from devkit.services import ready
from devkit.services.runner import READY_SECONDS, wait_until


class Net(StrEnum):
    """A network, and the name of a machine's device there."""

    MANAGEMENT = "management"
    """Manager, agents and OVN's databases."""
    STORAGE = "storage"
    """Hosts among themselves; nothing uses it yet."""
    TENANT = "tenant"
    """Tunnels that carry the packets of VMs."""


CIDRS = {
    Net.MANAGEMENT: IPv4Network("10.199.1.0/24"),
    Net.STORAGE: IPv4Network("10.199.2.0/24"),
    Net.TENANT: IPv4Network("10.199.3.0/24"),
}
MTU = 1600
"""Bytes: tunnels have room for packets of 1500."""
TENANT_BRIDGE = "br-tenant"
"""A host's bridge of Open vSwitch that has its tenant device and address: tunnels in user space need one."""
_SWITCH = 254
_DATABASE = 9
_FIRST_HOST = 10


def number(name: str) -> int:
    """The last part of a machine's addresses."""
    if name in MANAGERS:
        return 1 + MANAGERS.index(name)
    return _DATABASE if name == DATABASE else _FIRST_HOST + host_number(name)


def address(name: str, net: Net) -> IPv4Interface:
    """A machine's address on a network."""
    return IPv4Interface((CIDRS[net][number(name)], CIDRS[net].prefixlen))


def mac(number: int, net: Net) -> str:
    """The hardware address of whoever has this number there. It is always the same one: an address that changes when a
    machine boots, or when another is plugged in, is looked for in vain by all who remember it."""
    return f"02:00:00:00:{1 + list(Net).index(net):02x}:{number:02x}"


def nets(name: str) -> tuple[Net, ...]:
    """The networks which a machine is on."""
    return tuple(Net) if is_host(name) else (Net.MANAGEMENT,)


def port(name: str, net: Net) -> str:
    """The switch's end of a cable."""
    return f"{name}-{net[0]}"


def names(machines: Iterable[str]) -> tuple[str, ...]:
    """Lines of /etc/hosts for the management network."""
    return tuple(f"{address(name, Net.MANAGEMENT).ip} {name}" for name in machines)


def build_switch() -> None:
    """Make the bridges, in a fresh network namespace."""
    lines = ["link set lo up"]
    for net in Net:
        lines += [
            f"link add name {net} address {mac(_SWITCH, net)} mtu {MTU} type bridge",
            f"link set dev {net} type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
            f"link set dev {net} up",
        ]
    switch = IPv4Interface((CIDRS[Net.MANAGEMENT][_SWITCH], CIDRS[Net.MANAGEMENT].prefixlen))
    _ip([*lines, f"address add {switch} dev {Net.MANAGEMENT}"])


def plug(name: str, pid: int) -> None:
    """Lay the cables from the switch, where this is called, to the machine whose process 1 is `pid`."""
    there = {link["ifname"] for link in json.loads(_output("ip", "-j", "link", "show"))}
    for net in nets(name):
        end = port(name, net)
        if end in there:  # of the machine before its power was cut
            subprocess.run(["ip", "link", "delete", end], check=False, capture_output=True)
        peer = f"{net} address {mac(number(name), net)} mtu {MTU} netns /proc/{pid}/ns/net"
        _ip([
            f"link add name {end} mtu {MTU} type veth peer name {peer}",
            f"link set dev {end} master {net} up",
        ])  # fmt: skip


def configure(name: str) -> None:
    """Inside a machine: its addresses, but that of the tenant network, which is for Open vSwitch to have."""
    for net in nets(name):
        # checksums that are left to the device to complete are not: there is none, and user space does not
        _output("ethtool", "-K", net, "tx", "off")
    plain = [net for net in nets(name) if net is not Net.TENANT]
    lines = [f"address add {address(name, net)} dev {net}" for net in plain]
    _ip([*lines, *(f"link set dev {net} up" for net in nets(name))])


def configure_tenant(name: str, datapath: str) -> None:
    """Inside a host whose Open vSwitch runs: the bridge with the tenant device; may be repeated."""
    bridge, device = ("--may-exist", "add-br", TENANT_BRIDGE), ("--may-exist", "add-port", TENANT_BRIDGE, Net.TENANT)
    settings = (f"datapath_type={datapath}", "fail_mode=standalone",
                f"other_config:hwaddr={mac(number(name), Net.TENANT)}")  # fmt: skip
    _output("ovs-vsctl", *bridge, "--", "set", "Bridge", TENANT_BRIDGE, *settings,
            "--", "set", "Interface", TENANT_BRIDGE, f"mtu_request={MTU}", "--", *device)  # fmt: skip
    # where the database had the bridge already, ovs-vsctl did not wait for the device
    wait_until(ready.device(TENANT_BRIDGE), f"{TENANT_BRIDGE} is there", READY_SECONDS)
    _ip([f"address replace {address(name, Net.TENANT)} dev {TENANT_BRIDGE}", f"link set dev {TENANT_BRIDGE} up"])


def _ip(lines: Iterable[str]) -> None:
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", check=True, capture_output=True, text=True)


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
