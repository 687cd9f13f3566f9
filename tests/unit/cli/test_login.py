"""Logging in, and where credentials come from."""

from __future__ import annotations

import json
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from altus.cli import credentials
from altus.cli.credentials import Credentials, Overrides, find
from altus.common.errors import InvalidInput, NotFound, Unauthenticated
from altus.common.pki import Authority, Subject, make_csr, open_key
from altus.common.pki import fingerprint as certificate_fingerprint
from altus.sdk import tls
from tests.unit.cli.conftest import Altus
from tests.unit.sdk.fake_manager import FakeManager, serving
from tests.unit.sdk.fake_problems import PASSWORD, TOKEN


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A CA."""
    return Authority.open(tmp_path / "pki")


@pytest.fixture
def secure(authority: Authority, tmp_path: Path) -> Iterator[FakeManager]:
    """A fake that serves with a certificate of it."""
    key = open_key(tmp_path / "pki/server.key")
    subject = Subject(common_name="manager", names=("127.0.0.1", "localhost"))
    (tmp_path / "pki/server.pem").write_text(authority.issue(make_csr(key, "manager"), subject))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pki/server.pem", tmp_path / "pki/server.key")
    with serving(FakeManager(ca=authority.certificate), context) as fake:
        yield fake


def _login(altus: Altus, *words: str, code: int = 0, password: str = PASSWORD) -> str:
    typed = f"{password}\n"
    return altus("login", *words, "--user", "sysadmin", "--password-stdin", typed=typed, code=code).stderr


def test_login_is_remembered_for_the_owner_alone(nobody: Altus, manager: FakeManager) -> None:
    said = _login(nobody, manager.url)
    assert "must be changed" in said
    file = nobody.home / "altus/credentials.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["token"] == TOKEN
    assert nobody.json("config", "show")["url"] == manager.url
    nobody("vm", "list")


def test_wrong_password_is_not_remembered(nobody: Altus, manager: FakeManager) -> None:
    assert "wrong" in _login(nobody, manager.url, password="guess", code=4)
    assert not (nobody.home / "altus").exists()


def test_login_trusts_the_ca_with_the_expected_fingerprint(
    nobody: Altus, secure: FakeManager, authority: Authority
) -> None:
    _login(nobody, secure.url, "--ca-fingerprint", authority.fingerprint.upper())
    nobody("vm", "list")
    _login(nobody)  # known by now


def test_login_refuses_a_ca_with_another_fingerprint(nobody: Altus, secure: FakeManager) -> None:
    assert "not the expected one" in _login(nobody, secure.url, "--ca-fingerprint", "0" * 64, code=6)
    assert secure.requests("POST", "/sessions") == []


def test_login_shows_a_ca_that_nobody_knows_and_goes_no_further_where_nobody_can_compare(
    nobody: Altus, secure: FakeManager, authority: Authority
) -> None:
    assert authority.fingerprint in _login(nobody, secure.url, code=2)
    assert secure.requests("POST", "/sessions") == []


def test_manager_with_a_certificate_of_another_ca_gets_no_token(
    nobody: Altus, secure: FakeManager, tmp_path: Path
) -> None:
    Authority.open(tmp_path / "other")
    result = nobody("vm", "list", "--url", secure.url, "--ca", str(tmp_path / "other/ca.pem"), code=6)
    assert "not one of the CA that we trust" in result.stderr
    assert secure.seen == []


def test_logout_ends_the_session_and_forgets_it(nobody: Altus, manager: FakeManager) -> None:
    _login(nobody, manager.url)
    nobody("logout")
    assert manager.requests("DELETE", "/sessions/current")
    assert "not logged in" in nobody("vm", "list", code=4).stderr
    assert nobody.json("version")["manager"] is None


def test_machine_credentials_are_not_logged_out(nobody: Altus, manager: FakeManager) -> None:
    credentials.save(Credentials(url=manager.url, token=TOKEN), credentials.MACHINE_FILE)
    nobody("vm", "list")
    nobody("logout", code=5)
    assert credentials.MACHINE_FILE.exists()


def test_earlier_login_is_used_again(nobody: Altus, manager: FakeManager) -> None:
    credentials.save(Credentials(url="https://192.0.2.1:1", token="m"), credentials.MACHINE_FILE)
    _login(nobody, manager.url)
    [kept] = nobody.json("config", "show")["logins"]
    assert nobody.json("config", "use", "machine")["url"] == "https://192.0.2.1:1"
    assert nobody.json("config", "use", kept)["url"] == manager.url
    assert "machine" in nobody("config", "use", "nope", code=3).stderr


def _write(path: Path, url: str, token: str) -> str:
    path.write_text(json.dumps({"url": url, "token": token}))
    return str(path)


def test_credentials_are_looked_for_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "MACHINE_FILE", tmp_path / "machine")
    env = {"XDG_CONFIG_HOME": str(tmp_path)}
    with pytest.raises(Unauthenticated):
        find(Overrides(), env)
    _write(tmp_path / "machine", "https://h:1", "machine")
    assert find(Overrides(), env).token == "machine"
    (tmp_path / "altus").mkdir()
    _write(tmp_path / "altus/credentials.json", "https://h:1", "own")
    assert find(Overrides(), env).token == "own"
    env["ALTUS_CREDENTIALS"] = _write(tmp_path / "named", "https://h:1/", "named")
    assert find(Overrides(), env).token == "named"
    (tmp_path / "from-env").write_text("environment\n")
    env["ALTUS_TOKEN_FILE"] = str(tmp_path / "from-env")
    assert find(Overrides(), env).token == "environment"
    (tmp_path / "given").write_text("given\n")
    assert find(Overrides(token_file=tmp_path / "given"), env).token == "given"


def test_token_of_one_manager_is_not_sent_to_another(tmp_path: Path) -> None:
    env = {"ALTUS_CREDENTIALS": _write(tmp_path / "named", "https://h:1", "secret")}
    assert find(Overrides(url="https://h:1"), env).token == "secret"
    assert find(Overrides(url="https://evil:1"), env).token == ""
    assert find(Overrides(), {**env, "ALTUS_URL": "https://evil:1"}).token == ""


@pytest.mark.parametrize("content", ["", "[]", "{}", '"x"', "\xff"])
def test_broken_credentials_are_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "file").write_bytes(content.encode("latin-1"))
    with pytest.raises(InvalidInput):
        find(Overrides(), {"ALTUS_CREDENTIALS": str(tmp_path / "file")})


def test_unknown_login_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        credentials.use("nope", {"XDG_CONFIG_HOME": str(tmp_path)})


def test_fingerprint_is_that_of_the_pool(authority: Authority) -> None:
    assert tls.fingerprint(authority.certificate) == certificate_fingerprint(authority.certificate)
    pairs = ":".join(authority.fingerprint[i : i + 2] for i in range(0, 64, 2)).upper()
    assert tls.same_fingerprint(pairs, authority.fingerprint)
    assert not tls.same_fingerprint("", "")
