"""The images under test, from the cache that ./dev fills, and a folder for each guest."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from altus.drivers.image.load import builder
from altus.model.image import BuiltinImage


def _build(name: BuiltinImage, out: Path) -> Path:
    asyncio.run(builder(name).build(out, lambda _share, _what: None))
    return out


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny image's files."""
    return _build(BuiltinImage.TINY, tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the Debian image's files."""
    return _build(BuiltinImage.DEBIAN_12, tmp_path_factory.mktemp("debian"))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a path short enough for unix sockets."""
    with TemporaryDirectory(prefix="guest-") as path:
        yield Path(path)
