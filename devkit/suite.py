"""The whole test suite, in several test machines at once: guests and daemons mostly wait for each other."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import IO, cast

from devkit.outcome import Outcome, summary

_MATRIX = "tests/functional/test_faults_matrix.py"
_LAB = "tests/functional/lab"
_SYSTEM = ["-m", "functional", "tests/functional", "--ignore-glob=*/functional/*/test_*.py", f"--ignore={_MATRIX}"]
_DRIVERS = ["-m", "functional", "--ignore-glob=*/functional/test_*.py", f"--ignore={_LAB}", "--ignore=tests/e2e"]
_FIRST = "code"
_OTHERS = ("lab", "faults", "drivers", "system", "console")
"""The longest first, so that all end at about the same time."""
_AT_ONCE = 3
"""Parts; each alone uses two thirds of a processor, for it mostly waits."""
_WORKERS = os.cpu_count() or 1
"""More would cost more processor time than they save. Who is done takes tests from the others: those that last stand
side by side, and one would be left with them."""
_PARTS = {
    _FIRST: ["-m", "not functional", "-n", str(_WORKERS), "--dist=worksteal"],
    "lab": ["-m", "functional", _LAB],
    "drivers": _DRIVERS,
    "console": ["tests/e2e"],
    "system": _SYSTEM,
    "faults": [_MATRIX],
}
"""Arguments of pytest. Each part has a machine of its own: what starts daemons its own way does not meet others."""
_MEMORY = "/run"
"""A test machine's own tmpfs."""
_BROKEN = ["--verbose", "--maxfail=8", "--session-timeout=2400"]
"""What says on a line of its own which test runs, and ends a part that has gone wrong: where the house is on fire, each
further test would only wait for its deadline."""


def run(prepare: Callable[[], None]) -> int:
    """Run all parts: first the code alone, while `prepare` makes what the others need; then these, some at once, each
    line of them led by its part's name. At the end it is said again what failed. Returns the worst exit status."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        prepared = pool.submit(prepare)
        outcomes = [_part(_FIRST)]
        prepared.result()
        outcomes += pool.map(_part, _OTHERS)
    print(summary(outcomes), flush=True)
    return max(outcome.status for outcome in outcomes)


def _part(part: str) -> Outcome:
    outcome = Outcome(part)
    with subprocess.Popen(_command(part), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as running:
        for line in cast("IO[bytes]", running.stdout):
            text = line.decode(errors="replace")
            outcome.hear(text)
            sys.stdout.write(f"{part:8}{text}")
            sys.stdout.flush()
    outcome.status = abs(running.returncode)  # a signal's number is negative, and worse than 0
    return outcome


def _command(part: str) -> list[str]:
    # Databases by the hundred: in memory, each commit need not wait for the disk. Guests' disks would not fit there.
    temporary = ["env", f"TMPDIR={_MEMORY}"] if part == _FIRST else []
    machine = [sys.executable, "-m", "devkit.testmachine", "--account", "--", *temporary]
    watched = [] if part == _FIRST else _BROKEN  # who has workers names the test in which one of them ended
    return [*machine, sys.executable, "-m", "pytest", *_PARTS[part], *watched]
