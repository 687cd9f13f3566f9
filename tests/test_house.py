"""The house rules hold, and the checks behind them catch who breaks them.

Types are left to `./dev check`, which CI runs before the tests: mypy takes longer than all of these together.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devkit import checks, sizes

QUICK = [check for check in checks.CHECKS if not check.slow]


@pytest.mark.parametrize("check", QUICK, ids=lambda check: check.name)
def test_house_rule_holds(check: checks.Check) -> None:
    outcome = checks.run_one(check)
    assert outcome.passed, outcome.output


def test_import_against_the_layers_is_caught(tmp_path: Path) -> None:
    shutil.copytree(checks.ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(checks.ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "src/altus/model/seeded.py").write_text("import altus.drivers.hypervisor.base\n")
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-logo", "--no-cache"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "altus.model.seeded -> altus.drivers.hypervisor.base" in done.stdout


def test_failed_check_is_reported_with_its_output(capsys: pytest.CaptureFixture[str]) -> None:
    good = checks.Check("good", ("sh", "-c", "echo all quiet"))
    bad = checks.Check("bad", ("sh", "-c", "echo here is why; exit 3"))
    assert checks.run([good, bad]) == 1
    printed = capsys.readouterr()
    assert "here is why" in printed.out
    assert "all quiet" not in printed.out
    assert "✓ good" in printed.err
    assert "✗ bad" in printed.err


def test_all_good_checks_exit_with_zero() -> None:
    assert checks.run([checks.Check("good", ("true",))]) == 0


def _function(name: str, lines: int) -> str:
    return f"def {name}() -> None:\n" + "    pass\n" * (lines - 1)


def _class(methods: int) -> str:
    return "class Big:\n" + "".join(f"    def m{number}(self) -> None: ...\n" for number in range(methods))


def _indented(text: str) -> str:
    return "".join(f"        {line}\n" for line in text.splitlines())


def _problems(text: str, exceptions: dict[str, int] | None = None) -> list[str]:
    return list(sizes.problems(sizes.measure_file("src/a.py", text), exceptions or {}))


@pytest.mark.parametrize("text", [_function("f", 60), _class(25), "x = 1\n" * 500], ids=["function", "class", "file"])
def test_size_at_the_limit_is_fine(text: str) -> None:
    assert _problems(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (_function("f", 61), "src/a.py::f: function has 61, at most 60"),
        (_class(26), "src/a.py::Big: class has 26, at most 25"),
        ("x = 1\n" * 501, "src/a.py: file has 501, at most 500"),
        ("class C:\n    if True:\n" + _indented(_function("f", 61)), "src/a.py::C.f: function has 61, at most 60"),
    ],
    ids=["function", "class", "file", "nested"],
)
def test_size_beyond_the_limit_is_caught(text: str, expected: str) -> None:
    assert _problems(text) == [expected]


def test_exception_of_the_measured_size_is_accepted() -> None:
    assert _problems(_function("f", 61), {"src/a.py::f": 61}) == []


@pytest.mark.parametrize("lines", [62, 70])
def test_grown_exception_is_caught(lines: int) -> None:
    [problem] = _problems(_function("f", lines), {"src/a.py::f": 61})
    assert "may only shrink" in problem


def test_exception_must_shrink_with_the_code() -> None:
    [problem] = _problems(_function("f", 65), {"src/a.py::f": 70})
    assert "its exception says 70" in problem


@pytest.mark.parametrize("text", [_function("f", 10), _function("g", 10)], ids=["small now", "gone"])
def test_exception_without_need_is_caught(text: str) -> None:
    [problem] = _problems(text, {"src/a.py::f": 61})
    assert "remove its exception" in problem


def test_new_or_raised_exceptions_are_caught_against_the_last_commit(tmp_path: Path) -> None:
    file = tmp_path / sizes.EXCEPTIONS
    file.parent.mkdir()
    file.write_text('"src/a.py" = 600\n"src/b.py" = 700\n')
    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@t", "-c", "core.hooksPath=/dev/null"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "exceptions"]):
        subprocess.run([*git, *command], check=True)
    before = sizes.committed_exceptions(tmp_path, "HEAD")
    assert before == {"src/a.py": 600, "src/b.py": 700}
    assert sizes.committed_exceptions(tmp_path, "HEAD^") is None
    assert list(sizes.growth({"src/a.py": 590}, before)) == []
    grown = list(sizes.growth({"src/a.py": 601, "src/b.py": 700, "src/c.py": 501}, before))
    assert [problem.partition(":")[0] for problem in grown] == ["src/a.py", "src/c.py"]


def test_drift_of_the_usual_size_is_caught() -> None:
    large = [sizes.Measure("file", f"src/{number}.py", 200) for number in range(10)]
    assert list(sizes.typical_problems(large)) == ["src: median/p90 lines of a file are 200/200, at most 150/400"]
    assert list(sizes.typical_problems([sizes.Measure("file", f"tests/{n}.py", 200) for n in range(10)])) == []
