"""Who this host is in the pool: key, certificate and the pool's CA, in the agent's state folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from altus.common.errors import Conflict, InvalidInput
from altus.common.files import write_whole
from altus.common.pki import certificate_host, fingerprint, holds_key, open_key


@dataclass(frozen=True)
class Identity:
    """Files below `folder`; the certificate is written last, so that with it everything is there. It shares its file
    with its key, so that one rename replaces both."""

    folder: Path

    @property
    def key(self) -> Path:
        """The key that the host enrols with, which never leaves it (0600); `certificate` has it too from then on."""
        return self.folder / "agent.key"

    @property
    def certificate(self) -> Path:
        """What the pool's CA says about this host, and the key it says it of (0600)."""
        return self.folder / "agent.pem"

    @property
    def next_key(self) -> Path:
        """The key of a certificate that was asked for and is not there yet (0600)."""
        return self.folder / "next.key"

    @property
    def former(self) -> Path:
        """The pair of key and certificate before this one, while a renewal may still be undone (0600)."""
        return self.folder / "former.pem"

    @property
    def ca(self) -> Path:
        """The pool's CA."""
        return self.folder / "ca.pem"

    def revoked(self) -> frozenset[int]:
        """Serial numbers (hex, one per line of the file `revoked`) of managers that are not to be believed."""
        path = self.folder / "revoked"
        return frozenset(int(line, 16) for line in path.read_text().split()) if path.exists() else frozenset()

    def host_id(self) -> str:
        """As the certificate says; `Conflict` (`host.not_enrolled`) if there is none."""
        if not self.certificate.exists():
            raise Conflict("This host does not belong to a pool yet.", code="host.not_enrolled",
                           hint="Make a token by `altus host add`; run `altus-agent enrol` here.")  # fmt: skip
        return certificate_host(self.certificate.read_text())

    def store(self, certificate: str, ca: str, ca_fingerprint: str) -> None:
        """Keep what the manager answered; `InvalidInput` (`enrolment.answer_invalid`) if it is not for this host's key
        or not of the CA that the token named."""
        issuer = x509.load_pem_x509_certificate(ca.encode())
        if fingerprint(ca) != ca_fingerprint or not holds_key(certificate, open_key(self.key)):
            raise InvalidInput("The manager's answer is not for this host.", code="enrolment.answer_invalid")
        x509.load_pem_x509_certificate(certificate.encode()).verify_directly_issued_by(issuer)
        write_whole(self.ca, ca.encode(), 0o644)
        self.next_key.unlink(missing_ok=True)
        self.former.unlink(missing_ok=True)
        self.put(certificate, self.key)

    def put(self, certificate: str, key: Path) -> None:
        """Be what this certificate says from now on; its key is copied from a file."""
        write_whole(self.certificate, certificate.encode() + key.read_bytes(), 0o600)

    def unite(self) -> None:
        """Put the key to the certificate where an earlier version of Altus has left them apart."""
        certificate = self.certificate.read_text()
        if "PRIVATE KEY" not in certificate:
            self.put(certificate, self.key)
