"""The Debian image is set up by cloud-init and answers through its agent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.functional.images.guest import disk, running, seed

# emulated, and its first boot
pytestmark = [pytest.mark.functional, pytest.mark.timeout(600)]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl somebody@here"


async def test_first_boot_obeys_the_seed(debian: Path, folder: Path) -> None:
    config = f"#cloud-config\nssh_authorized_keys:\n  - {KEY}\n"
    async with running(folder, *disk(debian), *seed(folder, config, name="web1"), memory=768) as guest:
        assert "status: done" in await guest.run("cloud-init status --wait")
        assert await guest.run("hostname") == "web1"
        assert await guest.run("cat /home/debian/.ssh/authorized_keys") == KEY
        assert "10.0.2.15/24" in await guest.run("ip -4 -o address")
        assert (await guest.run("passwd --status root")).split()[1] == "L"
        assert await guest.run("systemctl is-active ssh") == "active"
        assert len(await guest.run("cat /etc/machine-id")) == 32
        assert "deb " in await guest.run("cat /etc/apt/sources.list.d/*")
        await guest.press_power_button()
