"""Handlers resolve ids to what this host has, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from altus.agent.handlers.vm import attachments
from altus.common.errors import Failed, NotFound, Unavailable
from altus.common.ids import new_id
from altus.common.units import GIB
from altus.drivers.image.fake import empty_qcow2
from altus.model.image import BuiltinImage, ImageFormat
from altus.model.vm import CloudInit, VmDisk, VmState
from altus.model.volume import BaseKind, VolumeBase
from altus.wire import operations as op
from testbed.local_agents import LocalAgents
from testbed.local_hosts import LocalHost
from tests.unit.agent.sample import make_vm, vm


@pytest.fixture
def agents(host: LocalHost) -> LocalAgents:
    return LocalAgents([host])


async def build(agents: LocalAgents, host: LocalHost) -> str:
    image = new_id()
    heard: list[float] = []
    made = await agents.call(
        host.id,
        op.IMAGE_BUILD,
        op.ImageBuild(storage_id=host.local, image_id=image, builtin=BuiltinImage.TINY),
        progress=lambda share, _text, _committed=False: heard.append(share),
    )
    assert made.facts.id == image
    assert heard == sorted(heard)
    return image


async def test_definition_is_resolved_to_files_and_ports(agents: LocalAgents, host: LocalHost) -> None:
    image, seed = await build(agents, host), CloudInit(user_data="#cloud-config\n")
    made = await make_vm(agents, host.id, host.local)
    hardware = made.hardware
    definition = vm(host.local, disks=(*hardware.disks, VmDisk(volume_id=image)), nics=hardware.nics,
                    kernel_image_id=image, cdrom_image_id=image)  # fmt: skip
    found = await attachments(host.core.drivers, op.VmDefine(vm=definition, seed=seed))
    assert [disk.path for disk in found.disks] == [
        host.storage.volume_source(hardware.disks[0].volume_id).path,
        host.storage.volume_source(image).path,
    ]
    assert [nic.port_id for nic in found.nics] == [hardware.nics[0].id]
    assert found.kernel is not None
    assert found.kernel.cmdline == "console=ttyS0"
    assert found.cdrom == host.storage.image_source(image)
    assert found.seed == seed


async def test_definition_with_an_unknown_port_or_storage_is_refused(agents: LocalAgents, host: LocalHost) -> None:
    made = await make_vm(agents, host.id, host.local)
    await agents.call(host.id, op.PORT_DELETE, op.PortRef(port_id=made.hardware.nics[0].id))
    with pytest.raises(NotFound, match="port"):
        await agents.call(host.id, op.VM_DEFINE, op.VmDefine(vm=made))
    with pytest.raises(NotFound) as caught:
        await agents.call(host.id, op.VM_DEFINE, op.VmDefine(vm=vm(new_id())))
    assert caught.value.code == "storage.not_on_host"


async def test_vm_goes_through_its_life(agents: LocalAgents, host: LocalHost) -> None:
    ref = op.VmRef(vm_id=(await make_vm(agents, host.id, host.local)).id)
    for operation, state in (
        (op.VM_OBSERVE, VmState.STOPPED), (op.VM_START, VmState.RUNNING), (op.VM_PAUSE, VmState.PAUSED),
        (op.VM_RESUME, VmState.RUNNING), (op.VM_SUSPEND, VmState.SUSPENDED), (op.VM_START, VmState.RUNNING),
        (op.VM_DESTROY, VmState.STOPPED),
    ):  # fmt: skip
        seen = (await agents.call(host.id, operation, ref)).observation
        assert seen is not None
        assert seen.state is state
    await agents.call(host.id, op.VM_START, ref)
    await agents.call(host.id, op.VM_REBOOT, op.VmReboot(vm_id=ref.vm_id, force=True))
    await agents.call(host.id, op.VM_SHUTDOWN, ref)
    await agents.call(host.id, op.VM_DESTROY, ref)
    await agents.call(host.id, op.VM_UNDEFINE, ref)
    assert (await agents.call(host.id, op.VM_OBSERVE, ref)).observation is None


async def test_built_image_is_not_built_again(agents: LocalAgents, host: LocalHost) -> None:
    image = await build(agents, host)
    request = op.ImageBuild(storage_id=host.local, image_id=image, builtin=BuiltinImage.DEBIAN_12)
    first = (await host.storage.images())[0]
    assert (await agents.call(host.id, op.IMAGE_BUILD, request)).facts == first


async def test_volumes_and_images_come_and_go(agents: LocalAgents, host: LocalHost) -> None:
    image, volume = new_id(), new_id()
    (host.storage.staging(image) / "upload").write_bytes(empty_qcow2(GIB))
    made = await agents.call(host.id, op.IMAGE_IMPORT, op.ImageRef(storage_id=host.local, image_id=image))
    assert made.facts.source_format is ImageFormat.QCOW2
    base = VolumeBase(kind=BaseKind.IMAGE, id=image, linked=False)
    create = op.VolumeCreate(storage_id=host.local, volume_id=volume, size=2 * GIB, base=base)
    await agents.call(host.id, op.VOLUME_CREATE, create)
    resize = op.VolumeResize(storage_id=host.local, volume_id=volume, size=3 * GIB)
    assert (await agents.call(host.id, op.VOLUME_RESIZE, resize)).facts.size == 3 * GIB  # type: ignore[union-attr]
    ref = op.VolumeRef(storage_id=host.local, volume_id=volume)
    await agents.call(host.id, op.VOLUME_DELETE, ref)
    assert (await agents.call(host.id, op.VOLUME_INSPECT, ref)).facts is None
    await agents.call(host.id, op.IMAGE_DELETE, op.ImageRef(storage_id=host.local, image_id=image))
    census = await agents.call(host.id, op.HOST_CENSUS, op.Nothing())
    assert (census.volumes, census.images) == ({host.local: []}, {host.local: []})


async def test_networks_go_when_their_ports_have_gone(agents: LocalAgents, host: LocalHost) -> None:
    made = await make_vm(agents, host.id, host.local)
    nic = made.hardware.nics[0]
    await agents.call(host.id, op.PORT_DELETE, op.PortRef(port_id=nic.id))
    await agents.call(host.id, op.NETWORK_DELETE, op.NetworkRef(network_id=nic.network_id))
    assert (await agents.call(host.id, op.HOST_CENSUS, op.Nothing())).networks == []


async def test_faults_to_order(agents: LocalAgents, host: LocalHost) -> None:
    ref = op.VmRef(vm_id=(await make_vm(agents, host.id, host.local)).id)
    agents.fail_next(host.id, "vm.start", Failed("no"))
    agents.lose_next(host.id, "vm.start", done=False)
    agents.lose_next(host.id, "vm.start", done=True)
    for expected, state in ((Failed, VmState.STOPPED), (Unavailable, VmState.STOPPED), (Unavailable, VmState.RUNNING)):
        with pytest.raises(expected):
            await agents.call(host.id, op.VM_START, ref)
        seen = (await agents.call(host.id, op.VM_OBSERVE, ref)).observation
        assert seen is not None
        assert seen.state is state


async def test_hosts_state_outlives_its_agents(tmp_path: Path) -> None:
    host_id = new_id()
    first = LocalAgents.make(tmp_path, [host_id])
    made = await make_vm(first, host_id, first.hosts[host_id].local)
    await first.close()
    second = LocalAgents.make(tmp_path, [host_id])
    seen = await second.call(host_id, op.VM_OBSERVE, op.VmRef(vm_id=made.id))
    assert seen.observation is not None
    await second.close()
