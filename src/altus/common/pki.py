"""The pool's own certificates: a CA, what it issues to managers and hosts, and TLS between them.

A certificate says who its holder is by URIs in its subject alternative name: `urn:altus:manager`, or
`urn:altus:host:<id>` with `urn:altus:label:<label>`. A host's certificate also has the name `agent_name(id)`, under
which managers call it whatever its address is, so that TLS itself refuses any other host.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from altus.common.errors import Forbidden, InvalidInput
from altus.common.files import write_whole

MANAGER_URI = "urn:altus:manager"
_HOST_URI = "urn:altus:host:"
_LABEL_URI = "urn:altus:label:"
_CA_LIFE = dt.timedelta(days=3650)
LIFE = dt.timedelta(days=825)
"""How long managers' and hosts' certificates are good for."""
_SKEW = dt.timedelta(minutes=10)
_NOT_CA = x509.BasicConstraints(ca=False, path_length=None)
_LEAF_USE = x509.KeyUsage(digital_signature=True, content_commitment=False, key_encipherment=False,
                          data_encipherment=False, key_agreement=True, key_cert_sign=False, crl_sign=False,
                          encipher_only=False, decipher_only=False)  # fmt: skip
_CA_USE = x509.KeyUsage(digital_signature=True, content_commitment=False, key_encipherment=False,
                        data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
                        encipher_only=False, decipher_only=False)  # fmt: skip


def agent_name(host_id: str) -> str:
    """The DNS name by which a manager knows that it speaks with this host; no name server knows it."""
    return f"{host_id}.agent.altus"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Who a certificate is for: a manager if `host_id` is empty. `names` are DNS names or IP addresses it is reached
    by."""

    common_name: str
    host_id: str = ""
    label: str = ""
    names: tuple[str, ...] = ()

    def alternative_names(self) -> x509.SubjectAlternativeName:
        """As the certificate's extension."""
        uris = [MANAGER_URI] if not self.host_id else [_HOST_URI + self.host_id, _LABEL_URI + self.label]
        names = (*self.names, agent_name(self.host_id)) if self.host_id else self.names
        return x509.SubjectAlternativeName([*map(x509.UniformResourceIdentifier, uris), *map(_general_name, names)])


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Who is at the other end of a TLS connection. `host_id` is empty for a manager."""

    manager: bool
    host_id: str
    label: str
    serial: int

    @classmethod
    def of(cls, certificate: Mapping[str, Any] | None) -> Peer:
        """From what `SSLSocket.getpeercert()` returns; `Forbidden` (`tls.no_certificate`) without one."""
        if not certificate:
            raise Forbidden("The other side showed no certificate.", code="tls.no_certificate")
        uris = [value for kind, value in certificate.get("subjectAltName", ()) if kind == "URI"]
        return cls(manager=MANAGER_URI in uris, host_id=_after(_HOST_URI, uris), label=_after(_LABEL_URI, uris),
                   serial=int(certificate["serialNumber"], 16))  # fmt: skip

    def require_manager(self, revoked: Collection[int] = ()) -> None:
        """`Forbidden` (`tls.not_manager`, `tls.revoked`) unless it is a manager in good standing."""
        self._require_standing(revoked)
        if not self.manager:
            raise Forbidden("Only managers may speak with agents.", code="tls.not_manager")

    def require_host(self, revoked: Collection[int] = ()) -> None:
        """`Forbidden` (`tls.not_host`, `tls.revoked`) unless it is a host in good standing."""
        self._require_standing(revoked)
        if not self.host_id:
            raise Forbidden("Only hosts send each other VMs.", code="tls.not_host")

    def _require_standing(self, revoked: Collection[int]) -> None:
        if self.serial in revoked:
            raise Forbidden("The other side's certificate was revoked.", code="tls.revoked")


class Authority:
    """The pool's CA, kept in a folder: `ca.key` (0600) and `ca.pem`."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self._key = key
        self._certificate = certificate

    @classmethod
    def open(cls, folder: Path) -> Authority:
        """The CA of this folder, made when it is missing; a kill in the middle leaves one that the next call ends."""
        key = open_key(folder / "ca.key")
        path = folder / "ca.pem"
        if not path.exists():
            write_whole(path, _pem(_self_signed(key)), 0o644)
        return cls(key, x509.load_pem_x509_certificate(path.read_bytes()))

    @property
    def certificate(self) -> str:
        """The CA's own certificate, PEM."""
        return _pem(self._certificate).decode()

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of its certificate."""
        return fingerprint(self.certificate)

    def issue(self, csr: str, subject: Subject, life: dt.timedelta = LIFE) -> str:
        """A certificate (PEM) for the key in a request (PEM), good for both ends of TLS. Nothing else of the request
        is believed. `InvalidInput` (`csr.invalid`)."""
        public_key = read_csr(csr)
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(subject.common_name))
            .issuer_name(self._certificate.subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SKEW)
            .not_valid_after(min(now + life, self._certificate.not_valid_after_utc))
            .add_extension(_NOT_CA, critical=True)
            .add_extension(_LEAF_USE, critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                           critical=False)
            .add_extension(subject.alternative_names(), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )  # fmt: skip
        return _pem(builder.sign(self._key, hashes.SHA256())).decode()


def open_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The P-256 key in this file (0600), made when it is missing."""
    if not path.exists():
        fresh = ec.generate_private_key(ec.SECP256R1())
        pem = fresh.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                  serialization.NoEncryption())  # fmt: skip
        write_whole(path, pem, 0o600)
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise InvalidInput(f"{path} holds another kind of key.", code="key.invalid", hint="Move it away.")
    return key


def make_csr(key: ec.EllipticCurvePrivateKey, common_name: str) -> str:
    """A request (PEM) for a certificate; the key stays where it is."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(_name(common_name))
    return _pem(builder.sign(key, hashes.SHA256())).decode()


def read_csr(csr: str) -> ec.EllipticCurvePublicKey:
    """The key of a request (PEM) that proves to hold it; `InvalidInput` (`csr.invalid`)."""
    try:
        request = x509.load_pem_x509_csr(csr.encode())
        key = request.public_key()
        proven = request.is_signature_valid
    except Exception as error:  # the parser has no common base of its errors
        raise InvalidInput("The certificate request cannot be read.", code="csr.invalid") from error
    if not proven or not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InvalidInput("The certificate request is not of a P-256 key that its sender holds.", code="csr.invalid")
    return key


def key_fingerprint(csr: str) -> str:
    """SHA-256 (hex) of the key in a request: the same for every request with this key."""
    spki = read_csr(csr).public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(spki)
    return digest.finalize().hex()


def fingerprint(certificate: str) -> str:
    """SHA-256 (hex) of a certificate (PEM)."""
    return x509.load_pem_x509_certificate(certificate.encode()).fingerprint(hashes.SHA256()).hex()


def serial(certificate: str) -> int:
    """The serial number of a certificate (PEM), by which it can be revoked."""
    return x509.load_pem_x509_certificate(certificate.encode()).serial_number


def certificate_host(certificate: str) -> str:
    """The id of the host that a certificate (PEM) is for; empty for managers."""
    extensions = x509.load_pem_x509_certificate(certificate.encode()).extensions
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return _after(_HOST_URI, names.get_values_for_type(x509.UniformResourceIdentifier))


def holds_key(certificate: str, key: ec.EllipticCurvePrivateKey) -> bool:
    """Whether a certificate (PEM) is for this key."""
    return x509.load_pem_x509_certificate(certificate.encode()).public_key() == key.public_key()


def ends(certificate: str) -> tuple[dt.datetime, dt.datetime]:
    """When a certificate (PEM) should be renewed, with a third of its life left, and when it expires."""
    parsed = x509.load_pem_x509_certificate(certificate.encode())
    end, life = parsed.not_valid_after_utc, parsed.not_valid_after_utc - parsed.not_valid_before_utc
    return end - life / 3, end


def needs_renewal(certificate: str, now: dt.datetime | None = None) -> bool:
    """Whether less than a third of a certificate's (PEM) life is left."""
    return (now or dt.datetime.now(dt.UTC)) > ends(certificate)[0]


def server_context(ca: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or newer for the side that listens; whoever calls must show a certificate of this CA."""
    return _context(ssl.PROTOCOL_TLS_SERVER, ca, certificate, key)


def client_context(ca: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or newer for the side that calls; the other one must have the name it is called by."""
    return _context(ssl.PROTOCOL_TLS_CLIENT, ca, certificate, key)


def distrusting(context: ssl.SSLContext, revoked: Callable[[], Collection[int]]) -> ssl.SSLContext:
    """Let handshakes fail (`ssl.SSLCertVerificationError`) with whoever shows a certificate whose serial number is
    among the revoked ones at that moment. Connections that are there already stay."""

    class Distrusting(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            certificate = self.getpeercert()
            if certificate and Peer.of(certificate).serial in revoked():
                raise ssl.SSLCertVerificationError("the other side's certificate was revoked")

    context.sslobject_class = Distrusting
    return context


def _context(protocol: int, ca: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_verify_locations(cafile=ca)
    context.load_cert_chain(certificate, key)
    return context


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    now, name, public_key = dt.datetime.now(dt.UTC), _name("Altus CA"), key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + _CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_CA_USE, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .sign(key, hashes.SHA256())
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Altus"),
                      x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])  # fmt: skip


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _after(prefix: str, uris: Iterable[str]) -> str:
    return next((uri.removeprefix(prefix) for uri in uris if uri.startswith(prefix)), "")


def _pem(thing: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    return thing.public_bytes(serialization.Encoding.PEM)
