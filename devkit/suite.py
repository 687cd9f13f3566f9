"""The whole test suite, in several test machines at once: guests and daemons mostly wait for each other."""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import IO

from devkit import progress

_MATRIX = "tests/functional/test_faults_matrix.py"
_SYSTEM = ["-m", "functional", "tests/functional", "--ignore-glob=*/functional/*/test_*.py", f"--ignore={_MATRIX}"]
_PARTS = {
    "code alone": ["-m", "not functional", "-n", str(os.cpu_count() or 1)],
    "drivers": ["-m", "functional", "--ignore-glob=*/functional/test_*.py"],
    "the whole system": _SYSTEM,
    "faults at every step": [_MATRIX],
}
"""Arguments of pytest. Each part has a machine of its own: what starts daemons its own way does not meet others."""
_FIRST = ("code alone",)
_MEMORY = "/run"
"""A test machine's own tmpfs."""
_LANES = (("drivers",), ("faults at every step", "the whole system"))


def run() -> int:
    """Run all parts: first the code alone, which keeps every core busy and is seen at work; then the lanes at once, the
    parts of a lane one after another, whose output follows whole. Returns the worst exit status."""
    statuses = [_lane(_FIRST, None)]
    with ExitStack() as files, ThreadPoolExecutor() as pool:
        outputs = [files.enter_context(tempfile.TemporaryFile()) for _ in _LANES]
        lanes = [pool.submit(_lane, *work) for work in zip(_LANES, outputs, strict=True)]
        for parts, status, output in zip(_LANES, lanes, outputs, strict=True):
            with progress.waiting(f"tests: {', '.join(parts)}"):
                statuses.append(status.result())
            _show(output)
    return max(statuses)


def _lane(parts: tuple[str, ...], output: IO[bytes] | None) -> int:
    return max(_part(part, output) for part in parts)


def _part(part: str, output: IO[bytes] | None) -> int:
    # Databases by the hundred: in memory, each commit need not wait for the disk. Guests' disks would not fit there.
    temporary = ["env", f"TMPDIR={_MEMORY}"] if part in _FIRST else []
    machine = [sys.executable, "-m", "devkit.testmachine", "--", *temporary, sys.executable, "-m", "pytest"]
    return subprocess.run([*machine, *_PARTS[part]], stdout=output, stderr=output, check=False).returncode


def _show(output: IO[bytes]) -> None:
    output.seek(0)
    sys.stdout.write(output.read().decode(errors="replace"))
    sys.stdout.flush()
