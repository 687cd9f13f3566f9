"""What a part of the suite came to is said in few lines, whatever became of it: shown on runs of pytest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from devkit.outcome import Outcome, summary

_ROOT = Path(__file__).parent.parent
_CONFTEST = """
from testbed import hanging
hanging._GRACE = 1.0
"""
_HEAD = """
import signal, time
import pytest

pytestmark = pytest.mark.timeout(1)

def hang():
    while True:
        time.sleep(0.1)
"""
_FAILING = """
def test_passes():
    pass

def test_whose_name_is_so_long_that_nothing_of_the_reason_would_fit_into_eighty_characters():
    assert False, "the guest is silent"

@pytest.fixture
def restless():
    yield
    hang()

def test_fails_and_cannot_be_put_right(restless):
    assert not "right"

@pytest.mark.parametrize("what", ["a word", "another"])
def test_hangs(what):
    hang()
"""
_DEAF = """
def test_passes():
    pass

@pytest.mark.parametrize("what", ["a word"])
def test_is_deaf(what):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    hang()
"""


def _run(folder: Path, tests: str, *arguments: str) -> Outcome:
    (folder / "tests").mkdir()
    (folder / "tests" / "conftest.py").write_text(_CONFTEST)
    (folder / "tests" / "test_some.py").write_text(_HEAD + tests)
    command = [sys.executable, "-m", "pytest", "-p", "testbed.hanging", "-ra", *arguments, "tests"]
    done = subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(_ROOT)}, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
    outcome = Outcome("some", done.returncode)
    for line in done.stdout.splitlines():
        outcome.hear(line)
    return outcome


def test_failures_are_told_with_their_reasons_and_so_are_tests_that_hang(tmp_path: Path) -> None:
    head, *lines = _run(tmp_path, _FAILING, "--verbose", "--maxfail=5").told()
    assert head.startswith("some: 4 failed, 1 passed, 1 error in ")
    assert head.endswith(", exit status 1")
    where = "tests/test_some.py::test_"
    told = [
        (f"ERROR {where}fails_and_cannot_be_put_right - Failed: Timeout",),
        (f"FAILED {where}whose_name_", " - AssertionError: the guest is silent"),
        (f"FAILED {where}fails_and_cannot_be_put_right - AssertionError",),
        (f"FAILED {where}hangs[a word] - Failed: Timeout",),
        (f"FAILED {where}hangs[another] - Failed: Timeout",),
        ("stopping after 5 failures",),
    ]
    assert len(lines) == len(told)
    for words in told:
        assert any(all(word in line for word in words) for line in lines), (words, lines)


def test_a_hang_that_its_own_timeout_does_not_end_ends_the_run_and_is_named(tmp_path: Path) -> None:
    outcome = _run(tmp_path, _DEAF, "--verbose")
    assert outcome.status != 0
    head, where, *last = outcome.told()
    assert head == f"some: ended in the midst, exit status {outcome.status}"
    assert where == "  in tests/test_some.py::test_is_deaf[a word]; its last lines:"
    assert any("test_some.py" in line and "in hang" in line for line in last)


def test_a_hang_in_a_worker_is_named(tmp_path: Path) -> None:
    outcome = _run(tmp_path, _DEAF, "-n", "1")
    assert outcome.status != 0
    assert any("test_is_deaf[a word]" in line for line in outcome.told())


def test_of_many_failures_the_first_are_told_and_parts_that_failed_come_last() -> None:
    good, bad = Outcome("good"), Outcome("bad", 1)
    good.hear("=== 12 passed in 3.21s ===\n")
    for number in range(100):
        bad.hear(f"FAILED tests/test_some.py::test_{number} - {'because ' * 100}\n")
    bad.hear("=================== 100 failed, 1 passed in 61.21s (0:01:01) ==================\n")
    lines = summary([bad, good]).splitlines()
    assert lines[2] == "good: 12 passed in 3.21s, exit status 0"
    assert lines[3] == "bad: 100 failed, 1 passed in 61.21s (0:01:01), exit status 1"
    assert lines[-1] == "  and 93 more"
    assert len(lines) == 12
    assert max(map(len, lines)) < 200
