"""The console's own logic, by its own test runner: filters, sorting, the log, uploads, contrast of skins."""

from __future__ import annotations

import gzip
import json
import re
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


FIRST_PAINT = 350 * 1024
"""Bytes, compressed, of what a browser loads before somebody can sign in."""


def test_what_the_sign_in_needs_is_small_enough() -> None:
    page = (web.OUTPUT / "index.html").read_text()
    needed = re.findall(r'(?:src|href)="/(assets/[^"]+)"', page)
    assert len(needed) > 3
    sizes = {name: len(gzip.compress((web.OUTPUT / name).read_bytes(), mtime=0)) for name in needed}
    assert sum(sizes.values()) <= FIRST_PAINT, sizes
