"""Volumes on their own."""

from __future__ import annotations

import json
import subprocess

import pytest

from altus.common.errors import AltusError, Conflict, NotFound
from altus.common.units import GIB, MIB, TIB
from altus.model.volume import VolumeState
from altus.wire.resources import VolumeCreate, VolumeResize
from altus.wire.vms import VmEdit
from testbed.administrator import IMAGE, Administrator, fresh

pytestmark = pytest.mark.functional


async def test_an_empty_volume_is_thin_and_grows(admin: Administrator) -> None:
    volume = await admin.volume(100 * GIB)
    assert (volume.state, volume.size) == (VolumeState.READY, 100 * GIB)
    assert volume.allocation < MIB
    await admin.altus.volumes.resize(volume.id, VolumeResize(size=120 * GIB)).run()
    assert (await admin.altus.volumes.get(volume.id)).size == 120 * GIB
    file = admin.system.storage / "volumes" / f"{volume.id}.qcow2"
    told = subprocess.run(["qemu-img", "info", "--output=json", str(file)], check=True, capture_output=True)  # noqa: ASYNC221
    assert json.loads(told.stdout)["virtual-size"] == 120 * GIB
    await admin.altus.volumes.delete(volume.id).run()
    with pytest.raises(NotFound):
        await admin.altus.volumes.get(volume.id)
    assert not file.exists()


@pytest.mark.parametrize("linked", [True, False], ids=["linked", "full"])
async def test_a_volume_from_an_image_has_its_size(admin: Administrator, linked: bool) -> None:
    name, image = fresh("volume"), await admin.altus.images.get(IMAGE)
    await admin.altus.volumes.create(VolumeCreate(name=name, image=IMAGE, linked=linked)).run()
    volume = await admin.altus.volumes.get(name)
    assert volume.size == image.size
    assert volume.base is not None
    assert (volume.base.id, volume.base.linked) == (image.id, linked)


async def test_a_volume_never_shrinks_and_not_under_a_running_guest(admin: Administrator) -> None:
    volume = await admin.volume(8 * MIB)
    with pytest.raises(AltusError) as caught:
        await admin.altus.volumes.resize(volume.id, VolumeResize(size=4 * MIB))
    assert caught.value.code == "volume.shrink"
    vm = await admin.vm(networks=())
    await admin.altus.vms.edit(vm.id, VmEdit(attach_volumes=[volume.id])).run()
    with pytest.raises(Conflict) as attached:
        await admin.altus.volumes.delete(volume.id)
    assert attached.value.code == "volume.attached"
    await admin.altus.vms.start(vm.id).run()
    with pytest.raises(Conflict) as used:
        await admin.altus.volumes.resize(volume.id, VolumeResize(size=16 * MIB))
    assert used.value.code == "volume.in_use"


@pytest.mark.parametrize("size", [0, -1, 1, MIB + 1, 65 * TIB, 1 << 70, "4M", 1.5, True, None])
async def test_absurd_sizes_are_refused(admin: Administrator, size: object) -> None:
    with pytest.raises(AltusError) as caught:
        await admin.send("POST", "/volumes", {"name": fresh("volume"), "size": size})
    assert caught.value.kind == "invalid"
    assert caught.value.hint
