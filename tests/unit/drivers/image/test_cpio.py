"""Initial RAM disks are the same for the same folder, whoever made it and when."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from altus.drivers.image.cpio import SOURCE_DATE_EPOCH, write_cpio


def _fill(folder: Path, names: list[str]) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {name}")


def _archive(folder: Path) -> bytes:
    out = io.BytesIO()
    write_cpio(folder, out)
    return out.getvalue()


def _entries(archive: bytes) -> dict[str, tuple[list[int], bytes]]:
    """An independent reader: name → header fields and content."""
    found: dict[str, tuple[list[int], bytes]] = {}
    at = 0
    while True:
        assert archive[at : at + 6] == b"070701"
        fields = [int(archive[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        size, name_size = fields[6], fields[11]
        name = archive[at + 110 : at + 110 + name_size - 1].decode()
        start = at + (110 + name_size + 3) // 4 * 4
        if name == "TRAILER!!!":
            return found
        found[name] = (fields, archive[start : start + size])
        at = start + (size + 3) // 4 * 4


def test_same_folder_gives_the_same_bytes(tmp_path: Path) -> None:
    names = ["b", "a", "d/c", "d/é"]
    _fill(tmp_path / "one", names)
    _fill(tmp_path / "two", names[::-1])
    os.utime(tmp_path / "two" / "a", (1, 1))
    (tmp_path / "two" / "b").chmod(0o600)
    assert _archive(tmp_path / "one") == _archive(tmp_path / "two")


def test_entries_keep_content_links_and_who_may_execute(tmp_path: Path) -> None:
    _fill(tmp_path, ["bin/tool", "etc/x"])
    (tmp_path / "bin/tool").chmod(0o700)
    (tmp_path / "sbin").symlink_to("/bin/tool")
    entries = _entries(_archive(tmp_path))
    assert list(entries) == ["bin", "bin/tool", "etc", "etc/x", "sbin"]
    assert {name: oct(fields[1]) for name, (fields, _) in entries.items()} == {
        "bin": "0o40755",
        "bin/tool": "0o100755",
        "etc": "0o40755",
        "etc/x": "0o100644",
        "sbin": "0o120777",
    }
    assert entries["sbin"][1] == b"/bin/tool"
    assert entries["etc/x"][1] == b"content of etc/x"
    assert all(fields[2:4] == [0, 0] and fields[5] == SOURCE_DATE_EPOCH for fields, _ in entries.values())


def test_what_is_neither_file_folder_nor_link_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="pipe"):
        _archive(tmp_path)
