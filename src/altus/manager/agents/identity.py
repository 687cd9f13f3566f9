"""The manager's own certificate, from the pool's CA: shown to agents, and to browsers where there is no other."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from altus.common.files import write_whole
from altus.common.pki import (
    Authority,
    Subject,
    client_context,
    holds_key,
    make_csr,
    names_of,
    needs_renewal,
    open_key,
)


@dataclass(frozen=True)
class ManagerIdentity:
    """Files below `folder`, which holds the CA too."""

    folder: Path

    @property
    def ca(self) -> Path:
        """The pool's CA certificate."""
        return self.folder / "ca.pem"

    @property
    def key(self) -> Path:
        """The manager's key (0600)."""
        return self.folder / "manager.key"

    @property
    def certificate(self) -> Path:
        """The manager's certificate, for both ends of TLS."""
        return self.folder / "manager.pem"

    def client_context(self) -> ssl.SSLContext:
        """For `AgentPool`."""
        return client_context(self.ca, self.certificate, self.key)


def open_identity(folder: Path, names: tuple[str, ...]) -> tuple[Authority, ManagerIdentity]:
    """The pool's CA and the manager's identity, made when missing; the certificate is made anew when it is about to
    expire or not for all of `names` (DNS names or IP addresses of the public API). Blocking."""
    authority = Authority.open(folder)
    identity = ManagerIdentity(folder)
    key = open_key(identity.key)
    if identity.certificate.exists():
        there = identity.certificate.read_text()
        if holds_key(there, key) and not needs_renewal(there) and set(names) <= names_of(there):
            return authority, identity
    subject = Subject(common_name="Altus manager", names=names)
    write_whole(identity.certificate, authority.issue(make_csr(key, subject.common_name), subject).encode(), 0o644)
    return authority, identity
