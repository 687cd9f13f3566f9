"""The tiny image boots every way it promises to, and does in the guest what tests and users count on."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from tests.functional.images.guest import SEED_BUSES, direct, disk, running, seed, uefi

pytestmark = [pytest.mark.functional, pytest.mark.timeout(120)]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl somebody@here"
CLOUD_CONFIG = f"""#cloud-config
password: "it's secret"
ssh_authorized_keys:
- {KEY}
"""


async def test_kernel_boots_directly_in_little_memory(tiny: Path, folder: Path) -> None:
    async with running(folder, *direct(tiny), memory=128) as guest:
        assert await guest.run("hostname") == "tiny"
        await guest.press_power_button()


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
async def test_disk_boots_and_its_file_system_can_be_written(tiny: Path, folder: Path, firmware: str) -> None:
    options = uefi(folder) if firmware == "uefi" else []
    async with running(folder, *disk(tiny), *options, memory=384) as guest:
        assert await guest.run("[ -d /sys/firmware/efi ] && echo uefi || echo bios") == firmware
        assert await guest.run("echo kept > /disk/file && sync && cat /disk/file") == "kept"
        await guest.press_power_button()


@pytest.mark.parametrize("bus", list(SEED_BUSES))
async def test_seed_is_obeyed_before_the_agent_answers(tiny: Path, folder: Path, bus: str) -> None:
    async with running(folder, *direct(tiny), *seed(folder, CLOUD_CONFIG, bus)) as guest:
        assert await guest.run("hostname") == "from-meta-data"
        assert await guest.run("cat /root/.ssh/authorized_keys") == KEY
        stored = await guest.run("cut -d: -f2 /etc/shadow")
        salt = stored.split("$")[2]
        assert await guest.run(f"""mkpasswd -m sha512 -S '{salt}' "it's secret" """) == stored


async def test_script_in_the_seed_is_run(tiny: Path, folder: Path) -> None:
    script = "#!/bin/sh\nhostname > /run/told.new && mv /run/told.new /run/told\n"
    async with running(folder, *direct(tiny), *seed(folder, script)) as guest:
        assert await guest.run("while [ ! -e /run/told ]; do usleep 50000; done; cat /run/told") == "from-meta-data"


async def test_network_cards_get_addresses_also_when_plugged_in_later(tiny: Path, folder: Path) -> None:
    options = ["-netdev", "user,id=other,net=10.9.0.0/24", "-device", "e1000e,netdev=other"]
    options += ["-netdev", "user,id=late,net=10.8.0.0/24", "-device", "pcie-root-port,id=rp1"]
    address = "until ip -4 -o a | grep -q {0}; do usleep 50000; done; ip -4 -o a | grep -o {0}"
    async with running(folder, *direct(tiny), *options) as guest:
        assert await guest.run(address.format("10.9.0.15/24")) == "10.9.0.15/24"
        assert "nameserver 10.9.0.3" in await guest.run("cat /etc/resolv.conf")
        assert "via 10.9.0.2" in await guest.run("until ip route | grep ^default; do usleep 50000; done")
        monitor = await guest.monitor()
        await monitor.call("device_add", driver="virtio-net-pci", netdev="late", bus="rp1", id="card")
        assert await guest.run(address.format("10.8.0.15/24")) == "10.8.0.15/24"
        await monitor.call("device_del", id="card")
        await guest.run("while ip -4 -o a | grep 10.8.0.15 || ls /run/*.eth2*; do usleep 50000; done")


async def test_ssh_takes_keys_but_no_passwords(tiny: Path, folder: Path) -> None:
    private = folder / "key"
    await _host("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", private)
    public = (folder / "key.pub").read_text().strip()
    config = f"#cloud-config\npassword: secret\nssh_authorized_keys:\n  - '{public}'\n"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    net = f"user,id=ssh,net=10.9.0.0/24,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:22"
    card = ["-netdev", net, "-device", "virtio-net-pci,netdev=ssh"]
    options = ["-p", str(port), "-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    async with running(folder, *direct(tiny), *seed(folder, config), *card) as guest:
        await guest.run("until ip -4 -o a | grep -q 10.9.0.15; do usleep 50000; done")
        code, said = await _host("ssh", *options, "-i", private, "-o", "BatchMode=yes", "root@127.0.0.1", "hostname")
        assert (code, said.splitlines()[-1]) == (0, "from-meta-data")
        code, said = await _host("ssh", *options, "-o", "PreferredAuthentications=none", "root@127.0.0.1", "hostname")
        assert code == 255
        assert "Permission denied (publickey)." in said


async def _host(*args: str | Path) -> tuple[int | None, str]:
    """Run a program on the host: its exit code, and what it said."""
    process = await asyncio.create_subprocess_exec(
        *map(str, args),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


async def test_agent_freezes_file_systems_and_tells_the_system(tiny: Path, folder: Path) -> None:
    async with running(folder, *direct(tiny), *disk(tiny, "virtio-blk-pci")) as guest:
        agent = await guest.agent()
        assert (await agent.call("guest-get-osinfo"))["id"] == "altus-tiny"
        assert await agent.call("guest-fsfreeze-freeze") == 1
        assert await agent.call("guest-fsfreeze-thaw") == 1
        names = [card["name"] for card in await agent.call("guest-network-get-interfaces")]
        assert names == ["lo", "eth0"]


@pytest.mark.parametrize("mode", ["powerdown", "reboot"])
async def test_agent_stops_the_guest(tiny: Path, folder: Path, mode: str) -> None:
    async with running(folder, *direct(tiny)) as guest:
        agent = await guest.agent()
        agent.write({"execute": "guest-shutdown", "arguments": {"mode": mode}})
        await guest.ended()


async def test_console_lets_root_in_without_a_password(tiny: Path, folder: Path) -> None:
    async with running(folder, *direct(tiny)) as guest:
        await guest.run("until ps | grep -q '[g]etty.*ttyS0'; do usleep 50000; done")
        assert await guest.run("cut -d: -f1-2 /etc/shadow") == "root:"


CHECKS = {
    "i6300esb": "test -e /dev/watchdog0",
    "pvpanic-pci": "test -d /sys/module/pvpanic_pci",
    "virtio-balloon-pci": "ls /sys/bus/virtio/drivers/virtio_balloon | grep virtio",
    "ide-hd,bus=ide.1,drive=a": "test -b /dev/sda",
    "scsi-hd,drive=b": "test -b /dev/sdb",
    "nvme,serial=c,drive=c": "test -b /dev/nvme0n1",
}


async def test_drivers_of_a_vms_devices_are_there(tiny: Path, folder: Path) -> None:
    options = ["-device", "virtio-scsi-pci"]
    for drive in "abc":
        options += ["-drive", f"file=null-co://,if=none,format=raw,id={drive}"]
    for device in CHECKS:
        options += ["-device", device]
    async with running(folder, *direct(tiny), *options) as guest:
        await guest.run("grep -q virtio_rng /sys/class/misc/hw_random/rng_available")
        for check in CHECKS.values():
            await guest.run(check)
