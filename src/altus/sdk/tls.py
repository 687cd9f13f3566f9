"""TLS towards a manager: verified against the pool's own CA, and how that CA is learnt the first time."""

from __future__ import annotations

import hashlib
import ssl
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from altus.common.errors import InvalidInput


def check_url(url: str) -> str:
    """`url` without a trailing slash; `InvalidInput` (`client.url`) unless it is https, or http to this very machine:
    nobody's token may travel in the clear."""
    plain = url.strip().rstrip("/")
    try:
        parts = urlsplit(plain)
        good = parts.port is None or parts.port > 0
    except ValueError:
        parts, good = SplitResult("", "", "", "", ""), False
    if not good or not parts.hostname or parts.path or parts.query or parts.scheme not in ("https", "http"):
        raise InvalidInput(f"{url[:200]!r} is not the address of a manager.", code="client.url",
                           hint="Write it as https://host:port.")  # fmt: skip
    if parts.scheme == "http" and not _loopback(parts.hostname):
        raise InvalidInput("Passwords and tokens are not sent without TLS.", code="client.plaintext",
                           hint=f"Write https://{parts.netloc}.")  # fmt: skip
    return plain


def verifying(ca_file: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or newer, with a server whose certificate this CA issued (None: one of the system's CAs)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is None:
        context.load_default_certs()
        return context
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    try:
        context.load_verify_locations(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise InvalidInput(f"The CA certificate {ca_file} cannot be read.", code="client.ca",
                           hint="Log in again, or name another file with --ca.") from error  # fmt: skip
    return context


def trusting() -> ssl.SSLContext:
    """TLS with whoever answers: only to ask for the CA's certificate, which is compared by its fingerprint."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def fingerprint(pem: str) -> str:
    """SHA-256 (hex) of a certificate (PEM); `InvalidInput` (`client.ca`) if it is none."""
    try:
        der = ssl.PEM_cert_to_DER_cert(pem.strip())
    except ValueError as error:
        raise InvalidInput("The server did not answer with a CA certificate.", code="client.ca",
                           hint="Is this the address of an Altus manager?") from error  # fmt: skip
    return hashlib.sha256(der).hexdigest()


def same_fingerprint(one: str, other: str) -> bool:
    """Whether both are the same, however they are written (colons, spaces, case)."""
    return _bare(one) == _bare(other) and len(_bare(one)) == 64


def _bare(text: str) -> str:
    return "".join(text.lower().replace(":", "").split())


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
