"""Secrets are stored sealed with a key that is kept outside the database."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from altus.common.errors import Internal

_NONCE = 12


class SecretBox:
    """AES-256-GCM; `purpose` is bound to the sealed text, so that one secret cannot be put in another's place."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    @classmethod
    def open(cls, path: Path) -> SecretBox:
        """With the key in this file, which is made (0600) if it is missing."""
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(".new")
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(AESGCM.generate_key(256))
                file.flush()
                os.fsync(file.fileno())
            fresh.rename(path)
            folder = os.open(path.parent, os.O_RDONLY)
            os.fsync(folder)  # nothing may be sealed with a key that a power cut could take away
            os.close(folder)
        return cls(path.read_bytes())

    def seal(self, plain: bytes, purpose: str) -> bytes:
        """Nonce and ciphertext."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, purpose.encode())

    def unseal(self, sealed: bytes, purpose: str) -> bytes:
        """The plain text; `Internal` (`secret.unreadable`) if the key or the purpose is another one."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], purpose.encode())
        except (InvalidTag, ValueError) as error:  # ValueError: too short to be one of ours
            raise Internal("A stored secret cannot be read with this manager's key.", code="secret.unreadable",
                           hint="Was the key file of another installation copied here?") from error  # fmt: skip
