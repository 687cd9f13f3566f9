"""Headers of untrusted files: dependencies on other files are refused, and no header, however broken, does harm."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from altus.common.errors import InvalidInput
from altus.common.units import MIB
from altus.drivers.storage.formats.detect import detect
from altus.drivers.storage.formats.qcow2 import read_header, write_origin
from altus.drivers.storage.formats.reader import Reader, open_image
from altus.model.image import ImageFormat
from tests.unit.drivers.storage.storage_kit import qemu_img

_KINDS = {
    "qcow2": ["-f", "qcow2"],
    "qcow2-v2": ["-f", "qcow2", "-o", "compat=0.10"],
    "qcow2-extended": ["-f", "qcow2", "-o", "extended_l2=on,cluster_size=128k"],
    "vmdk": ["-f", "vmdk"],
    "vmdk-stream": ["-f", "vmdk", "-o", "subformat=streamOptimized"],
    "vpc": ["-f", "vpc"],
    "vpc-fixed": ["-f", "vpc", "-o", "subformat=fixed"],
    "vhdx": ["-f", "vhdx"],
}


@contextmanager
def reader(content: bytes) -> Iterator[Reader]:
    fd = os.memfd_create("image")
    try:
        os.write(fd, content)
        yield Reader(fd=fd, size=len(content))
    finally:
        os.close(fd)


def refusal(content: bytes) -> str:
    with reader(content) as opened, pytest.raises(InvalidInput) as caught:
        detect(opened)
    return caught.value.code


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A real empty disk of each format."""
    folder = tmp_path_factory.mktemp("formats")
    for kind, options in _KINDS.items():
        qemu_img("create", "-q", *options, folder / kind, "16M")
    return {kind: (folder / kind).read_bytes() for kind in _KINDS}


def patched(content: bytes, offset: int, layout: str, *values: int | bytes) -> bytes:
    data = bytearray(content)
    struct.pack_into(layout, data, offset, *values)
    return bytes(data)


@pytest.mark.parametrize("kind", _KINDS)
def test_formats_are_told_by_content(made: dict[str, bytes], kind: str) -> None:
    with reader(made[kind]) as opened:
        found = detect(opened)
    assert found.format == ImageFormat(kind.split("-")[0])
    assert 16 * MIB <= found.size < 17 * MIB


def test_anything_in_whole_sectors_is_raw() -> None:
    with reader(b"\xeb\x63" + bytes(510)) as opened:
        assert detect(opened).format == ImageFormat.RAW


@pytest.mark.parametrize(
    ("offset", "layout", "value", "code"),
    [
        (8, ">QI", (65000, 100), "image.backing_file"),
        (8, ">QI", (65500, 100), "image.corrupt"),
        (32, ">I", (2,), "image.encrypted"),
        (72, ">Q", (4,), "image.data_file"),
        (72, ">Q", (2,), "image.corrupt"),
        (72, ">Q", (1 << 40,), "image.unsupported"),
        (24, ">Q", (1 << 60,), "image.too_large"),
        (24, ">Q", (0,), "image.empty"),
        (20, ">I", (40,), "image.corrupt"),
        (4, ">I", (1,), "image.unsupported"),
        (36, ">I", (0,), "image.corrupt"),
        (36, ">I", (1 << 30,), "image.truncated"),
        (40, ">Q", (1 << 50,), "image.truncated"),
        (40, ">Q", (3,), "image.corrupt"),
        (48, ">Q", (0,), "image.corrupt"),
        (56, ">I", (1 << 30,), "image.truncated"),
        (60, ">I", (1 << 30,), "image.corrupt"),
        (96, ">I", (9,), "image.corrupt"),
        (100, ">I", (1 << 20,), "image.corrupt"),
    ],
)
def test_hostile_qcow2_is_refused(
    made: dict[str, bytes], offset: int, layout: str, value: tuple[int, ...], code: str
) -> None:
    assert refusal(patched(made["qcow2"], offset, layout, *value)) == code


def test_qcow2_with_an_external_data_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "disk"
    qemu_img("create", "-q", "-f", "qcow2", "-o", f"data_file={tmp_path}/data", path, "1M")
    assert refusal(path.read_bytes()) == "image.data_file"


def test_encrypted_qcow2_is_refused(tmp_path: Path, made: dict[str, bytes]) -> None:
    extension = struct.pack(">IIQQ", 0x0537BE77, 16, 65536, 65536)
    assert refusal(patched(made["qcow2"], 112, f">{len(extension)}s", extension)) == "image.encrypted"


def test_vmdk_that_names_other_files_is_refused(made: dict[str, bytes]) -> None:
    disk = made["vmdk"]
    assert refusal(patched(disk, 12, "<Q", 0)) == "image.extents_elsewhere", "QEMU would follow its descriptor"
    assert refusal(patched(disk, 12, "<Q", 1 << 50)) == "image.too_large"
    split = disk.replace(b"monolithicSparse", b"twoGbMaxExtSpars")
    assert refusal(split) == "image.extents_elsewhere"
    assert refusal(disk.replace(b"parentCID=ffffffff", b"parentCID=12345678")) == "image.backing_file"
    extent = b"RW 32768 SPARSE"
    assert extent in disk
    assert refusal(disk.replace(extent, b"RW 32768 FLAT\n#")) == "image.extents_elsewhere"
    assert refusal(disk.replace(b"# The Disk Data Base", b'RW 1 FLAT "/etc/x" 0')) == "image.extents_elsewhere"
    assert refusal(b"# Disk DescriptorFile\nversion=1\n") == "image.extents_elsewhere"


def test_truncated_stream_vmdk_is_refused(made: dict[str, bytes]) -> None:
    stream = patched(made["vmdk-stream"], 56, "<Q", 0xFFFFFFFFFFFFFFFF)
    assert refusal(stream) == "image.truncated", "its directory is said to be at the end and is not"


def test_differencing_vhd_is_refused(made: dict[str, bytes]) -> None:
    footer = bytearray(made["vpc"][-512:])
    footer[60:64] = (4).to_bytes(4, "big")
    footer[64:68] = bytes(4)
    footer[64:68] = (~sum(footer) & 0xFFFFFFFF).to_bytes(4, "big")
    assert refusal(made["vpc"][:-512] + bytes(footer)) == "image.backing_file"
    footer[100] ^= 1
    assert refusal(made["vpc"][:-512] + bytes(footer)) == "image.corrupt"


def test_truncated_vhd_is_refused(made: dict[str, bytes]) -> None:
    assert refusal(made["vpc"][:-512]) == "image.truncated"
    assert refusal(made["vpc-fixed"][512 * 1024 :]) == "image.truncated"


def test_differencing_vhdx_is_refused(made: dict[str, bytes]) -> None:
    disk = made["vhdx"]
    metadata = disk.index(b"metadata")
    parameters = metadata + 64 * 1024
    block_size, flags = struct.unpack_from("<II", disk, parameters)
    assert (block_size >= MIB, flags) == (True, 0)
    assert refusal(patched(disk, parameters + 4, "<I", 2)) == "image.backing_file"


def test_truncated_vhdx_is_refused(made: dict[str, bytes]) -> None:
    assert refusal(made["vhdx"][: 2 * MIB]) == "image.truncated"


def test_truncated_raw_with_a_partition_table_is_refused() -> None:
    disk = patched(bytes(MIB), 512, "<8s24xQ", b"EFI PART", MIB // 512 - 1)
    with reader(disk) as opened:
        assert detect(opened).format == ImageFormat.RAW
    assert refusal(disk[: MIB // 2]) == "image.truncated"


def test_truncated_iso_is_refused() -> None:
    disc = patched(bytes(MIB), 0x8000, "<6s", b"\x01CD001")
    disc = patched(disc, 0x8000 + 128, "<H", 2048)
    assert refusal(patched(disc, 0x8000 + 80, "<I", 5000)) == "image.truncated"


@pytest.mark.parametrize("kind", ["fifo", "folder", "device", "link"])
def test_only_regular_files_are_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "upload"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else "/etc/hostname")
    with pytest.raises(InvalidInput) as caught, open_image(path):
        pass
    assert caught.value.code == "image.not_a_file"


@pytest.mark.parametrize("backing", ["", "../images/x/disk.qcow2"])
def test_the_origin_travels_in_the_header_and_qemu_keeps_it(tmp_path: Path, backing: str) -> None:
    path = tmp_path / "volume"
    base = ["-u", "-b", backing, "-F", "qcow2"] if backing else []
    qemu_img("create", "-q", "-f", "qcow2", *base, path, "1G")
    for origin in ("image:1:linked", "volume:2:copied"):
        with path.open("r+b") as file:
            write_origin(file.fileno(), origin)
    if not backing:
        qemu_img("resize", "-q", "-f", "qcow2", path, "8T")
        qemu_img("check", "-q", path)
    with open_image(path) as opened:
        header = read_header(opened)
    assert (header.origin, header.backing_file) == ("volume:2:copied", backing)
    assert ('"backing-filename"' in qemu_img("info", "--output=json", path)) == bool(backing)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_broken_headers_do_no_harm(made: dict[str, bytes], data: st.DataObject) -> None:
    content = bytearray(made[data.draw(st.sampled_from(sorted(_KINDS)))][: 4 * MIB])
    interesting = st.one_of(
        st.integers(0, 600), st.integers(192 * 1024, 192 * 1024 + 200), st.integers(0, len(content) - 1)
    )
    for _ in range(data.draw(st.integers(1, 8))):
        offset = data.draw(interesting)
        piece = data.draw(st.binary(min_size=1, max_size=8))
        content[offset : offset + len(piece)] = piece
    content = content[: data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))]
    with reader(bytes(content)) as opened:
        try:
            outcome = f"image.{detect(opened).size}"
        except InvalidInput as error:
            outcome = error.code
    assert outcome.startswith("image.")
    assert outcome != "image.0"


@settings(max_examples=300, deadline=None)
@given(
    magic=st.sampled_from([b"QFI\xfb\0\0\0\3", b"QFI\xfb\0\0\0\2", b"KDMV", b"conectix", b"vhdxfile"]), rest=st.binary()
)
@example(magic=b"KDMV", rest=b"\xff" * 600)
@example(magic=b"QFI\xfb\0\0\0\3", rest=b"\xff" * 600)
def test_nonsense_behind_a_magic_is_refused(magic: bytes, rest: bytes) -> None:
    assert refusal(magic + rest).startswith("image.")
