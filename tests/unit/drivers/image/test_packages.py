"""What apt said is remembered for as long as it would say the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from altus.drivers.image.debian.sources import source_lines
from altus.drivers.image.packages import Package, PackageMemo

PACKAGES = [Package(file="busybox-static_1%3a1.35.0-4_amd64.deb", digest="SHA256:00")]


@pytest.fixture
def lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for apt's lists of available packages."""
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / "debian_Packages").write_text("one")
    monkeypatch.setattr("altus.drivers.image.packages._LISTS", folder)
    monkeypatch.setattr("altus.drivers.image.packages._SOURCES", (tmp_path / "sources.list",))
    return folder


def test_answer_is_remembered_for_its_question(tmp_path: Path, lists: Path) -> None:
    memo = PackageMemo(tmp_path / "deep" / "memo.json")
    assert memo.recall("busybox") is None
    memo.store("busybox", PACKAGES)
    assert memo.recall("busybox") == PACKAGES
    assert memo.recall("dropbear") is None


def test_answer_is_forgotten_when_apt_learns_something(tmp_path: Path, lists: Path) -> None:
    memo = PackageMemo(tmp_path / "memo.json")
    memo.store("busybox", PACKAGES)
    (lists / "debian_Packages").write_text("other")
    assert memo.recall("busybox") is None
    memo.store("busybox", PACKAGES)
    (tmp_path / "sources.list").write_text("deb …")
    assert memo.recall("busybox") is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"question": "busybox"}'])
def test_spoilt_memory_is_no_memory(tmp_path: Path, lists: Path, content: str) -> None:
    (tmp_path / "memo.json").write_text(content)
    assert PackageMemo(tmp_path / "memo.json").recall("busybox") is None


def test_sources_are_debians_own_of_the_release() -> None:
    listing = "\n".join(
        "\t".join(fields)
        for fields in (
            ("http://mirror/debian/", "bookworm", "main", "Debian", "bookworm"),
            ("http://mirror/debian/", "bookworm", "contrib", "Debian", "bookworm"),
            ("http://mirror/security/", "bookworm-security", "main", "Debian", "bookworm-security"),
            ("http://mirror/debian/", "trixie", "main", "Debian", "trixie"),
            ("http://elsewhere/", "bookworm", "stable", "Somebody", "bookworm"),
        )
    )
    assert source_lines(listing, "bookworm") == [
        "deb http://mirror/debian/ bookworm contrib main",
        "deb http://mirror/security/ bookworm-security main",
    ]
