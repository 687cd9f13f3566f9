"""A host's certificate gives way to a new one, and those of other hosts are believed no more.

The new key is made here and stays here. The pair of key and certificate is one file, replaced by one rename; the former
pair is kept beside it until it is revoked. Everything may be killed and repeated.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection

from altus.agent.identity import Identity
from altus.common.errors import Conflict, InvalidInput
from altus.common.files import write_whole
from altus.common.pki import certificate_host, holds_key, make_csr, open_key, serial
from altus.wire.operations import CertificateAsked


class Credentials:
    """What this host shows others, and what it does not believe of them. After a change of the first, everybody who
    was given to `on_taken` is called."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._path = identity.folder / "revoked-hosts"
        self._revoked = _read(self._path.read_text()) if self._path.exists() else frozenset()
        self._files = threading.Lock()  # a call that was broken off may still write
        self._taken: list[Callable[[], None]] = []

    def on_taken(self, reload: Callable[[], None]) -> None:
        """Have this called when the host has another certificate."""
        self._taken.append(reload)

    def revoked(self) -> frozenset[int]:
        """The serial numbers of hosts' certificates that are not to be believed."""
        return self._revoked

    async def ask(self) -> CertificateAsked:
        """A request for a new key; the same key until `take` or `drop`. `Conflict` (`host.not_enrolled`)."""
        return await asyncio.to_thread(self._ask)

    async def drop(self) -> None:
        """Forget the key that was asked for."""
        await asyncio.to_thread(self._drop)

    async def take(self, certificate: str, instead_of: str) -> None:
        """Show this certificate (PEM) from now on, if the host shows the one with this serial number (hex), or does it
        already. `Conflict` (`certificate.other`), `InvalidInput` (`certificate.invalid`)."""
        await asyncio.to_thread(self._take, certificate, instead_of)
        self._reload()

    async def give_back(self, number: str) -> None:
        """Show the former certificate again if it has this serial number (hex)."""
        await asyncio.to_thread(self._give_back, number)
        self._reload()

    async def revoke(self, serials: Collection[str]) -> None:
        """Believe none of these certificates (hex), and all others: managers tell the whole set. If the host's former
        certificate is among them, it and its key are forgotten."""
        await asyncio.to_thread(self._revoke, _read(" ".join(serials)))

    def _reload(self) -> None:
        for reload in self._taken:
            reload()

    def _ask(self) -> CertificateAsked:
        with self._files:
            host_id, shown = self._identity.host_id(), self._shown()
            return CertificateAsked(csr=make_csr(open_key(self._identity.next_key), host_id), serial=shown)

    def _drop(self) -> None:
        with self._files:
            self._identity.next_key.unlink(missing_ok=True)

    def _take(self, certificate: str, instead_of: str) -> None:
        mine = self._identity
        with self._files:
            shown = self._shown()
            if shown == f"{serial(certificate):x}":
                mine.next_key.unlink(missing_ok=True)
                return
            if shown != instead_of:
                raise Conflict("The host has another certificate by now.", code="certificate.other",
                               hint="Was it enrolled anew?")  # fmt: skip
            fits = mine.next_key.exists() and holds_key(certificate, open_key(mine.next_key))
            if not fits or certificate_host(certificate) != mine.host_id():
                raise InvalidInput("The certificate is not what this host has asked for.", code="certificate.invalid",
                                   hint="Renew it again.")  # fmt: skip
            write_whole(mine.former, mine.certificate.read_bytes(), 0o600)
            mine.put(certificate, mine.next_key)
            mine.next_key.unlink()

    def _give_back(self, number: str) -> None:
        mine = self._identity
        with self._files:
            if mine.former.exists():
                if f"{serial(mine.former.read_text()):x}" == number:
                    write_whole(mine.certificate, mine.former.read_bytes(), 0o600)
                mine.former.unlink()

    def _revoke(self, revoked: frozenset[int]) -> None:
        mine = self._identity
        with self._files:
            if revoked != self._revoked:
                write_whole(self._path, "".join(f"{number:x}\n" for number in sorted(revoked)).encode())
                self._revoked = revoked
            if mine.former.exists() and serial(mine.former.read_text()) in revoked:
                if mine.key.exists() and holds_key(mine.former.read_text(), open_key(mine.key)):
                    mine.key.unlink()
                mine.former.unlink()

    def _shown(self) -> str:
        return f"{serial(self._identity.certificate.read_text()):x}"


def _read(text: str) -> frozenset[int]:
    return frozenset(int(word, 16) for word in text.split())
