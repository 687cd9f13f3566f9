"""Sealed secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from altus.common.errors import Internal
from altus.manager.store.secrets import SecretBox


def test_what_is_sealed_is_read_with_the_same_key_and_purpose_only(tmp_path: Path) -> None:
    box = SecretBox.open(tmp_path / "keys" / "secret.key")
    sealed = box.seal(b"password", "vm-1")
    assert b"password" not in sealed
    assert box.seal(b"password", "vm-1") != sealed
    assert SecretBox.open(tmp_path / "keys" / "secret.key").unseal(sealed, "vm-1") == b"password"
    other = SecretBox.open(tmp_path / "other.key")
    altered = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for one, text, purpose in (
        (box, sealed, "vm-2"),
        (other, sealed, "vm-1"),
        (box, altered, "vm-1"),
        (box, b"", "vm-1"),
    ):
        with pytest.raises(Internal) as caught:
            one.unseal(text, purpose)
        assert caught.value.code == "secret.unreadable"


def test_the_key_is_for_its_owner_only(tmp_path: Path) -> None:
    SecretBox.open(tmp_path / "secret.key")
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    assert len((tmp_path / "secret.key").read_bytes()) == 32
