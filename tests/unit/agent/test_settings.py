"""Settings, and the repositories they ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from altus.agent.repositories import Opener
from altus.agent.settings import AgentSettings, StorageSettings, load_settings
from altus.common.errors import InvalidInput
from altus.common.ids import derived_id, new_id


def test_nothing_needs_to_be_set(tmp_path: Path) -> None:
    settings = load_settings(tmp_path / "missing.toml")
    assert settings.reached_at == "127.0.0.1:8441"
    assert [(storage.name, storage.kind) for storage in settings.storages] == [("local", "directory")]


def test_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "agent.toml"
    path.write_text('port = 9000\nlisten = "::1"\naddress = "h1:9000"\n[[storages]]\nname = "fast"\npath = "/fast"\n')
    monkeypatch.setenv("ALTUS_AGENT_PORT", "9001")
    settings = load_settings(path)
    assert (settings.port, settings.listen, settings.reached_at) == (9001, "::1", "h1:9000")
    assert settings.storages == [StorageSettings(name="fast", path=Path("/fast"))]


@pytest.mark.parametrize("text", ["port = 70000", "prot = 1", "port =", '[[storages]]\nname = "../x"'])
def test_wrong_settings_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(text)
    with pytest.raises(InvalidInput) as caught:
        load_settings(path)
    assert caught.value.code == "settings.invalid"


class Warnings(dict[str, str]):
    def warn(self, topic: str, sentence: str) -> None:
        self[topic] = sentence


def opener(tmp_path: Path, host_id: str) -> Opener:
    wanted = AgentSettings(storages=[StorageSettings(path=tmp_path / "storage", reserve=0)]).storages
    return Opener(host_id, wanted, tmp_path / "repositories.json")


async def test_repository_is_made_once_and_found_again(tmp_path: Path) -> None:
    host_id, warnings = new_id(), Warnings()
    for _ in range(2):
        found = opener(tmp_path, host_id)
        assert await found.open_all(warnings.warn)
        [repository] = found.opened
        assert repository.id == derived_id("storage", host_id, "local")
        assert warnings == {"storage local": ""}


async def test_unmounted_repository_is_a_warning_until_it_is_mounted(tmp_path: Path) -> None:
    host_id, warnings = new_id(), Warnings()
    assert await opener(tmp_path, host_id).open_all(warnings.warn)
    (tmp_path / "storage").rename(tmp_path / "elsewhere")
    (tmp_path / "storage").mkdir()
    again = opener(tmp_path, host_id)
    assert not await again.open_all(warnings.warn)
    assert "cannot be opened" in warnings["storage local"]
    (tmp_path / "storage").rmdir()
    (tmp_path / "elsewhere").rename(tmp_path / "storage")
    await again.keep_trying(warnings.warn)
    assert [repository.name for repository in again.opened] == ["local"]
    assert warnings == {"storage local": ""}
