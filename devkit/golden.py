"""Golden files: what the tests compare generated XML, documents and the like with."""

import os
import subprocess
import sys

from devkit.checks import ROOT

REWRITE = {"ALTUS_GOLDEN": "write"}
"""With this in their environment the tests write what they made instead of comparing it."""


def rewrite() -> int:
    """Write docs/reference and run the golden tests with REWRITE set; git diff then shows what changed."""
    subprocess.run([sys.executable, "-m", "devkit.reference"], cwd=ROOT, check=True)
    command = [sys.executable, "-m", "pytest", "--quiet", "-m", "not functional", "tests/golden"]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **REWRITE}, check=False).returncode
