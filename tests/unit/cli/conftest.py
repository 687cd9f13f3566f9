"""The command line against a fake manager over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from altus.cli import credentials
from altus.cli.main import app
from tests.unit.sdk.fake_manager import FakeManager, serving
from tests.unit.sdk.fake_problems import TOKEN


@pytest.fixture
def manager() -> Iterator[FakeManager]:
    """A fake that serves."""
    with serving(FakeManager()) as fake:
        yield fake


class Altus:
    """Runs the command line as it would run in a shell where nobody is logged in elsewhere."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.env: dict[str, str | None] = {
            "XDG_CONFIG_HOME": str(home), "ALTUS_URL": None, "ALTUS_TOKEN_FILE": None, "ALTUS_CA": None,
            "ALTUS_CREDENTIALS": None, "COLUMNS": "80",
        }  # fmt: skip

    def __call__(self, *args: str, typed: str | None = None, code: int = 0) -> Result:
        """The result; its exit code must be `code`."""
        result = CliRunner(env=self.env).invoke(app, list(args), input=typed, prog_name="altus")
        assert result.exit_code == code, f"exit {result.exit_code}: {result.output}\n{result.exception!r}"
        return result

    def json(self, *args: str, code: int = 0) -> Any:
        """What it writes with `-o json`."""
        return json.loads(self(*args, "-o", "json", code=code).stdout)


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Altus:
    """The command line where nobody is logged in."""
    monkeypatch.setattr(credentials, "MACHINE_FILE", tmp_path / "none.json")
    return Altus(tmp_path / "home")


@pytest.fixture
def altus(nobody: Altus, manager: FakeManager, tmp_path: Path) -> Altus:
    """The command line, logged in at the fake."""
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps({"url": manager.url, "token": TOKEN, "ca_file": None, "user": "sysadmin"}))
    nobody.env["ALTUS_CREDENTIALS"] = str(file)
    return nobody
