"""Domains that somebody made on the host with virsh."""

from __future__ import annotations

import subprocess
from pathlib import Path

from altus.common.ids import new_id
from testbed.administrator import Administrator

FOREIGN_MAC = "52:54:00:aa:bb:01"
_XML = """<domain type='qemu'><name>{name}</name><uuid>{uuid}</uuid><memory unit='MiB'>64</memory><vcpu>2</vcpu>
<os><type arch='x86_64'>hvm</type></os><devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
<source file='{disk}'/><target dev='vda' bus='virtio'/></disk><interface type='user'><mac address='{mac}'/>
<model type='virtio'/></interface>{devices}</devices></domain>"""


def foreign_domain(admin: Administrator, name: str, disk: Path | None = None, devices: str = "") -> str:
    """The UUID of a new domain with a disk and a NIC; the disk is made in Altus' repository unless another is given."""
    uuid = new_id()
    if disk is None:
        disk = admin.system.storage / "volumes" / f"{new_id()}.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(disk), "1M"], check=True)
    path = admin.system.folder / f"{name}.xml"
    path.write_text(_XML.format(name=name, uuid=uuid, disk=disk, mac=FOREIGN_MAC, devices=devices))
    admin.system.virsh("define", str(path))
    return uuid
