"""The console's own logic, by its own test runner: filters, sorting, the log, uploads, contrast of skins."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from devkit import web


def test_console_logic(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = web.tool("vitest", "run", "--reporter=json", f"--outputFile={report}")
    done = subprocess.run(command, cwd=web.WEB, env=web.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert json.loads(report.read_text())["numPassedTests"] > 100


def test_what_was_built_is_made_from_the_sources_as_they_are() -> None:
    """`./dev test` builds first; a console of older sources would be tested in vain."""
    assert not web.outdated()
