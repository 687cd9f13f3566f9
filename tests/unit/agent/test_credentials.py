"""The agent's own certificate gives way to a new one; it dies between any two changes of a file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from altus.agent.credentials import Credentials
from altus.agent.identity import Identity
from altus.common.errors import Conflict, InvalidInput
from altus.common.ids import new_id
from altus.common.pki import Authority, Subject, holds_key, make_csr, open_key, serial, server_context
from tests.unit.agent.conftest import certify

HOST = new_id()
_MOST = 20


class KilledError(BaseException):
    """The agent dies here."""


def _subject(host_id: str = HOST) -> Subject:
    return Subject(common_name="h", host_id=host_id, label="open")


@pytest.fixture
def identity(tmp_path: Path, authority: Authority) -> Identity:
    """A host that has been enrolled."""
    return certify(tmp_path / "h", authority, _subject())


def shown(identity: Identity) -> str:
    """What an agent that starts now shows: it must be a pair that fits."""
    server_context(identity.ca, identity.certificate, identity.certificate)
    assert identity.certificate.stat().st_mode & 0o777 == 0o600
    return f"{serial(identity.certificate.read_text()):x}"


def _dies(patch: pytest.MonkeyPatch, after: int) -> None:
    """After so many changes of files."""
    left = after

    def mortal(real: Callable[..., Any]) -> Callable[..., Any]:
        def change(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise KilledError
            return real(*args, **kwargs)

        return change

    for name in ("replace", "unlink"):
        patch.setattr(Path, name, mortal(getattr(Path, name)))


async def _killed_everywhere(prepare: Callable[[], Awaitable[Callable[[], Awaitable[Any]]]],
                             check: Callable[[], Awaitable[None]]) -> int:  # fmt: skip
    """Do it and die after so many changes of files, then check; how often it died."""
    for after in range(_MOST):
        work = await prepare()
        with pytest.MonkeyPatch.context() as patch:
            _dies(patch, after)
            try:
                await work()
            except KilledError:
                died = True
            else:
                died = False
        await check()
        if not died:
            return after
    raise AssertionError("it never ends")


async def test_a_repeated_request_is_for_the_same_key(identity: Identity) -> None:
    first = await Credentials(identity).ask()
    second = await Credentials(identity).ask()
    key = open_key(identity.next_key)
    assert identity.next_key.stat().st_mode & 0o777 == 0o600
    for asked in (first, second):
        assert asked.serial == shown(identity)
        assert make_csr(key, "x") != asked.csr
        assert "PRIVATE" not in asked.csr
    await Credentials(identity).drop()
    await Credentials(identity).drop()
    assert not identity.next_key.exists()


@pytest.mark.parametrize("back", [False, True], ids=["forward", "back"])
async def test_killed_anywhere_it_goes_on_or_back(identity: Identity, authority: Authority, *, back: bool) -> None:
    certificate, old, was = "", "", identity.certificate.read_text()

    async def prepare() -> Callable[[], Awaitable[None]]:
        nonlocal certificate, old
        agent = Credentials(identity)
        asked = await agent.ask()
        certificate, old = authority.issue(asked.csr, _subject()), asked.serial
        return lambda: agent.take(certificate, old)

    async def check() -> None:
        assert shown(identity) in (old, f"{serial(certificate):x}")
        agent, reloaded = Credentials(identity), list[str]()
        agent.on_taken(lambda: reloaded.append(shown(identity)))
        if back:
            await agent.give_back(old)
            await agent.give_back(old)
            await agent.drop()
            assert identity.certificate.read_text() == was
            assert not identity.former.exists()
            assert shown(identity) == reloaded[-1] == old
        else:
            await agent.take(certificate, old)
            assert shown(identity) == reloaded[-1] == f"{serial(certificate):x}"
        assert not identity.next_key.exists()

    assert await _killed_everywhere(prepare, check) == 3


async def test_killed_anywhere_while_going_back(identity: Identity, authority: Authority) -> None:
    was = identity.certificate.read_text()
    old = shown(identity)

    async def prepare() -> Callable[[], Awaitable[None]]:
        agent = Credentials(identity)
        asked = await agent.ask()
        await agent.take(authority.issue(asked.csr, _subject()), asked.serial)
        return lambda: agent.give_back(old)

    async def check() -> None:
        shown(identity)
        await Credentials(identity).give_back(old)
        assert identity.certificate.read_text() == was

    assert await _killed_everywhere(prepare, check) == 2


async def test_old_key_is_forgotten_when_its_certificate_is_revoked(identity: Identity, authority: Authority) -> None:
    agent = Credentials(identity)
    asked = await agent.ask()
    await agent.take(authority.issue(asked.csr, _subject()), asked.serial)
    await agent.revoke(["abc"])
    assert identity.former.exists()
    await agent.revoke(["abc", asked.serial])
    assert not identity.former.exists()
    assert not identity.key.exists()
    assert agent.revoked() == Credentials(identity).revoked() == {0xABC, int(asked.serial, 16)}
    assert holds_key(identity.certificate.read_text(), open_key(identity.certificate))


async def test_what_was_not_asked_for_is_not_taken(identity: Identity, authority: Authority, tmp_path: Path) -> None:
    agent, foreign = Credentials(identity), make_csr(open_key(tmp_path / "other"), "x")
    was, asked = identity.certificate.read_text(), await agent.ask()
    for certificate in (authority.issue(foreign, _subject()), authority.issue(asked.csr, _subject(new_id()))):
        with pytest.raises(InvalidInput) as caught:
            await agent.take(certificate, asked.serial)
        assert caught.value.code == "certificate.invalid"
    assert identity.certificate.read_text() == was


async def test_a_host_that_was_enrolled_anew_keeps_what_it_has(identity: Identity, authority: Authority) -> None:
    agent = Credentials(identity)
    asked = await agent.ask()
    certificate = authority.issue(asked.csr, _subject())
    certify(identity.folder, authority, _subject())
    enrolled = shown(identity)
    with pytest.raises(Conflict) as caught:
        await agent.take(certificate, asked.serial)
    assert caught.value.code == "certificate.other"
    await agent.give_back(asked.serial)
    assert shown(identity) == enrolled


async def test_certificate_and_key_of_an_earlier_version_become_one_file(identity: Identity) -> None:
    whole = identity.certificate.read_text()
    identity.certificate.write_text(whole.partition("-----BEGIN PRIVATE")[0])
    identity.unite()
    identity.unite()
    assert identity.certificate.read_text() == whole
    shown(identity)
