"""The map of builders, and the one that only pretends."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from altus.drivers.image.fake import SIZE, FakeBuilder, empty_qcow2
from altus.drivers.image.load import builder
from altus.model.image import BuiltinImage


@pytest.mark.parametrize("name", list(BuiltinImage))
def test_every_image_has_a_builder(tmp_path: Path, name: BuiltinImage) -> None:
    real, fake = builder(name, cache=tmp_path), builder(name, cache=tmp_path, fake=True)
    assert real.name == fake.name == name.value
    assert not isinstance(real, FakeBuilder)
    assert isinstance(fake, FakeBuilder)
    assert not list(tmp_path.iterdir())


def test_unknown_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="windows"):
        builder("windows", cache=tmp_path)


def test_fake_disk_says_its_size() -> None:
    disk = empty_qcow2(SIZE)
    magic, version, size = disk[:4], *struct.unpack_from(">I16xQ", disk, 4)
    assert (magic, version, size) == (b"QFI\xfb", 2, SIZE)
    with pytest.raises(ValueError, match="first-level"):
        empty_qcow2(1 << 50)
