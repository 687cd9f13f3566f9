"""`doctor` names every disagreement that somebody makes behind Altus' back, and nothing else."""

from __future__ import annotations

import subprocess

import pytest

from altus.common.ids import new_id
from altus.common.units import MIB
from altus.model.vm import VmState
from altus.wire.tasks import FindingView
from testbed.administrator import Administrator
from testbed.patience import until
from testbed.strikes import AGENT

pytestmark = pytest.mark.functional


async def _finding(admin: Administrator, kind: str) -> FindingView:
    async def look() -> FindingView | None:
        found = (await admin.altus.system.doctor()).findings
        return next((finding for finding in found if finding.kind == kind), None)

    return await until(look, f"doctor finds {kind}")


async def test_a_system_in_order_is_healthy_and_says_what_was_looked_at(admin: Administrator) -> None:
    await admin.guest()
    report = await admin.altus.system.doctor()
    assert (report.healthy, report.findings) == (True, [])
    nouns = ("host", "vm", "volume", "image", "network", "port")
    assert [report.checked[noun] for noun in nouns] == [1] * len(nouns)


async def test_a_domain_that_nobody_knows(admin: Administrator) -> None:
    vm, stranger = await admin.vm(networks=()), new_id()
    xml = admin.system.virsh("dumpxml", vm.id).replace(vm.id, stranger)
    path = admin.system.folder / "stranger.xml"
    path.write_text(xml)
    admin.system.virsh("define", str(path))
    assert (await _finding(admin, "vm.orphan")).object_id == stranger
    admin.system.virsh("undefine", stranger)
    await admin.healthy()


async def test_a_vm_that_was_undefined(admin: Administrator) -> None:
    vm = await admin.vm(networks=())
    admin.system.virsh("undefine", vm.id)
    assert (await _finding(admin, "vm.missing")).object_id == vm.id
    await admin.healthy()
    await admin.in_state(vm.id, VmState.STOPPED)


async def test_files_that_came_and_went(admin: Administrator) -> None:
    volume, stranger = await admin.volume(), new_id()
    folder = admin.system.storage / "volumes"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(folder / f"{stranger}.qcow2"), "1M"], check=True)  # noqa: ASYNC221
    assert (await _finding(admin, "volume.orphan")).object_id == stranger
    (folder / f"{stranger}.qcow2").unlink()
    file, aside = folder / f"{volume.id}.qcow2", admin.system.folder / "aside"
    file.rename(aside)
    assert (await _finding(admin, "volume.missing")).object_id == volume.id
    aside.rename(file)
    subprocess.run(["qemu-img", "resize", "-q", str(file), str(volume.size + MIB)], check=True)  # noqa: ASYNC221
    assert (await _finding(admin, "volume.size")).object_id == volume.id


def _nbctl(*arguments: str) -> str:
    done = subprocess.run(["ovn-nbctl", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


async def test_a_port_that_was_removed(admin: Administrator) -> None:
    vm = await admin.vm()
    port = vm.nics[0].id
    _nbctl("lsp-del", port)
    assert (await _finding(admin, "port.missing")).object_id == port
    await admin.healthy()


async def test_an_agent_that_is_silent(admin: Administrator) -> None:
    admin.system.kill(AGENT)
    assert "does not answer" in (await _finding(admin, "host.silent")).message
    admin.system.start(AGENT)
    await admin.healthy()
