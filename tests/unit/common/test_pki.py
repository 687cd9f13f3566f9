"""The pool's certificates."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from altus.common.errors import Forbidden, InvalidInput
from altus.common.ids import new_id
from altus.common.pki import (
    Authority,
    Peer,
    Subject,
    agent_name,
    certificate_host,
    client_context,
    fingerprint,
    holds_key,
    key_fingerprint,
    make_csr,
    needs_renewal,
    open_key,
    serial,
    server_context,
)

HOST = new_id()
AS_HOST = Subject(common_name="h1", host_id=HOST, label="open", names=("h1.example", "192.0.2.7"))
MANAGER_PEER = {"serialNumber": "0A", "subjectAltName": (("URI", "urn:altus:manager"),)}


def _alternatives(certificate: str) -> x509.SubjectAlternativeName:
    extensions = x509.load_pem_x509_certificate(certificate.encode()).extensions
    return extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def _names(certificate: str) -> set[str]:
    found = _alternatives(certificate)
    return {*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.open(tmp_path / "ca")


def test_ca_is_made_once_and_its_key_is_private(tmp_path: Path, authority: Authority) -> None:
    assert (tmp_path / "ca/ca.key").stat().st_mode & 0o777 == 0o600
    assert Authority.open(tmp_path / "ca").fingerprint == authority.fingerprint == fingerprint(authority.certificate)


def test_ca_that_was_killed_between_key_and_certificate_is_finished(tmp_path: Path, authority: Authority) -> None:
    (tmp_path / "ca/ca.pem").unlink()
    again = Authority.open(tmp_path / "ca")
    csr = make_csr(open_key(tmp_path / "k"), "x")
    again_issued = x509.load_pem_x509_certificate(again.issue(csr, AS_HOST).encode())
    again_issued.verify_directly_issued_by(x509.load_pem_x509_certificate(again.certificate.encode()))


def test_certificate_says_who_its_holder_is(tmp_path: Path, authority: Authority) -> None:
    key = open_key(tmp_path / "k")
    certificate = authority.issue(make_csr(key, "whoever"), AS_HOST)
    assert certificate_host(certificate) == HOST
    assert _names(certificate) == {"h1.example", "192.0.2.7", agent_name(HOST)}
    assert holds_key(certificate, key)
    assert not holds_key(certificate, open_key(tmp_path / "other"))
    assert serial(certificate) > 0
    assert (tmp_path / "k").stat().st_mode & 0o777 == 0o600


def test_request_cannot_choose_its_names(tmp_path: Path, authority: Authority) -> None:
    key = open_key(tmp_path / "k")
    wanted = x509.SubjectAlternativeName([x509.UniformResourceIdentifier("urn:altus:manager")])
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "evil")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name).add_extension(wanted, critical=False)
    csr = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    assert certificate_host(authority.issue(csr, AS_HOST)) == HOST
    assert "manager" not in str(_alternatives(authority.issue(csr, AS_HOST)))


def _request(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize(
    "csr",
    [
        "",
        "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        _request(rsa.generate_private_key(65537, 2048)),
        _request(ec.generate_private_key(ec.SECP384R1())),
    ],
    ids=["empty", "garbage", "rsa", "another curve"],
)
def test_other_requests_are_refused(authority: Authority, csr: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        authority.issue(csr, AS_HOST)
    assert caught.value.code == "csr.invalid"


def test_forged_request_is_refused(tmp_path: Path, authority: Authority) -> None:
    der = bytearray(x509.load_pem_x509_csr(make_csr(open_key(tmp_path / "k"), "x").encode()).public_bytes(
        serialization.Encoding.DER))  # fmt: skip
    der[-1] ^= 1
    forged = ssl.DER_cert_to_PEM_cert(bytes(der)).replace("CERTIFICATE", "CERTIFICATE REQUEST")
    with pytest.raises(InvalidInput):
        authority.issue(forged, AS_HOST)


def test_key_is_known_again_in_every_request(tmp_path: Path) -> None:
    key = open_key(tmp_path / "k")
    assert key_fingerprint(make_csr(key, "a")) == key_fingerprint(make_csr(open_key(tmp_path / "k"), "b"))
    assert key_fingerprint(make_csr(open_key(tmp_path / "other"), "a")) != key_fingerprint(make_csr(key, "a"))


def test_renewal_is_due_in_the_last_third(tmp_path: Path, authority: Authority) -> None:
    certificate = authority.issue(make_csr(open_key(tmp_path / "k"), "x"), AS_HOST, dt.timedelta(days=90))
    now = dt.datetime.now(dt.UTC)
    assert not needs_renewal(certificate, now + dt.timedelta(days=59))
    assert needs_renewal(certificate, now + dt.timedelta(days=61))


def _done(side: ssl.SSLObject) -> bool:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> ssl.SSLObject:
    """TLS in memory; the server's end of it."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    listening = server.wrap_bio(to_server, to_client, server_side=True)
    calling = client.wrap_bio(to_client, to_server, server_hostname=name)
    pending = {calling, listening}
    for _ in range(10):
        pending = {side for side in pending if not _done(side)}
    assert not pending
    return listening


@pytest.fixture
def ends(tmp_path: Path, authority: Authority) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    made = {}
    for name, subject in (("host", AS_HOST), ("manager", Subject(common_name="m", names=("localhost",)))):
        csr = make_csr(open_key(tmp_path / f"{name}.key"), name)
        (tmp_path / f"{name}.pem").write_text(authority.issue(csr, subject))
        made[name] = (tmp_path / "ca/ca.pem", tmp_path / f"{name}.pem", tmp_path / f"{name}.key")
    return server_context(*made["host"]), client_context(*made["manager"])


def test_both_ends_know_each_other(ends: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server = _shake_hands(*ends, agent_name(HOST))
    assert server.version() == "TLSv1.3"
    peer = Peer.of(server.getpeercert())
    assert peer.manager
    peer.require_manager()


def test_host_by_another_name_is_refused(ends: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        _shake_hands(*ends, agent_name(new_id()))


def test_old_tls_is_refused(ends: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server, client = ends
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    assert _shake_hands(server, client, agent_name(HOST)).version() == "TLSv1.2"
    assert server.minimum_version is ssl.TLSVersion.TLSv1_2


def test_peer_must_be_a_manager_in_good_standing() -> None:
    Peer.of(MANAGER_PEER).require_manager()
    host = {
        "serialNumber": "0B",
        "subjectAltName": (("URI", f"urn:altus:host:{HOST}"), ("URI", "urn:altus:label:open")),
    }
    assert Peer.of(host) == Peer(manager=False, host_id=HOST, label="open", serial=11)
    for certificate, revoked, code in ((host, (), "tls.not_manager"), (MANAGER_PEER, (10,), "tls.revoked")):
        with pytest.raises(Forbidden) as caught:
            Peer.of(certificate).require_manager(revoked)
        assert caught.value.code == code
    with pytest.raises(Forbidden):
        Peer.of(None)
