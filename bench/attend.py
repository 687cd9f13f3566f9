"""`python -m bench.attend DOMAIN HOST PKI`: `virsh migrate`, attended as an agent attends to the guests that leave it.

Run in the machine that the guest leaves; from libvirtd to libvirtd by TLS, with the certificates in the folder PKI. An
emulated guest is stopped before the second pass over its memory, by the product's own rule
(docs/adr/0019-emulated-guests.md), and goes on on the other host. Says `ready`, since an agent always is, and begins
with the first line that it reads. Then prints a line of JSON: seconds in all, seconds in which the guest stood still,
and those that QEMU told.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

import libvirt

from altus.common.units import KIB
from altus.drivers.hypervisor.libvirt.migration_emulated import Standstill, is_emulated

_LOOK_SECONDS = 0.02
_FLAGS = ("--live", "--p2p", "--tls", "--persistent", "--undefinesource", "--unsafe", "--auto-converge",
          "--auto-converge-initial", "10", "--auto-converge-increment", "10")  # fmt: skip
"""As `vm migrate` asks for it. Unsafe is what libvirt calls a folder of which it does not know that it is shared."""
_DOWNTIME = 300


def main() -> int:
    """Move it, and tell how that went."""
    name, host, pki = sys.argv[1:]
    address = f"qemu+tls://{host}/system?pkipath={pki}"
    near, far = libvirt.open("qemu:///system"), libvirt.open(address)
    domain = near.lookupByName(name)
    standstill = Standstill(domain.maxMemory() * KIB, at_once=False) if is_emulated(domain.XMLDesc()) else None
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.monotonic()
    domain.migrateSetMaxDowntime(_DOWNTIME)
    command = ("virsh", "--quiet", "migrate", *_FLAGS, name, address, "--migrateuri", f"tcp://{host}")
    with subprocess.Popen(command) as moving:
        stopped = _attend(domain, moving, standstill)
    if moving.returncode:
        return moving.returncode
    ended = time.monotonic()  # libvirt has let it go on there
    moved = far.lookupByName(name)
    if moved.state()[0] != libvirt.VIR_DOMAIN_RUNNING:
        raise RuntimeError(f"{name} does not run on {host}")
    told = moved.jobStats(libvirt.VIR_DOMAIN_JOB_STATS_COMPLETED)["downtime"] / 1000
    print(json.dumps({"seconds": ended - began, "stood": told if stopped is None else ended - stopped, "told": told}))
    return 0


def _attend(domain: libvirt.virDomain, moving: subprocess.Popen[bytes], standstill: Standstill | None) -> float | None:
    """Until it has moved; when it was stopped, if it was."""
    stopped = None
    while moving.poll() is None:
        try:
            if standstill is not None and stopped is None and standstill.is_due(domain.jobStats()):
                stopped = time.monotonic()
                domain.suspend()
        except libvirt.libvirtError:  # it has just left
            stopped = None
            standstill = None
        time.sleep(_LOOK_SECONDS)
    return stopped


if __name__ == "__main__":
    sys.exit(main())
