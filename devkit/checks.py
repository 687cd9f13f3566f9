"""What must hold of the code without running it; `./dev check` runs all at once, tests/test_house.py the quick ones."""

import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from devkit import progress, web

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Check:
    """A command that succeeds when all is well, run in `folder`; `slow` ones are left to `./dev check`."""

    name: str
    command: tuple[str, ...]
    slow: bool = False
    folder: Path = ROOT


@dataclass(frozen=True)
class Outcome:
    """How a check went; `output` is standard output and error together."""

    check: Check
    passed: bool
    output: str
    seconds: float


def _tool(name: str) -> str:
    return str(Path(sys.executable).parent / name)


CHECKS = (
    Check("types (mypy)", (_tool("mypy"), "--no-error-summary"), slow=True),
    Check("imports (import-linter)", (_tool("lint-imports"), "--no-logo")),
    Check("rules (ruff check)", (_tool("ruff"), "check", "--quiet", "--output-format=concise", ".")),
    Check("format (ruff format)", (_tool("ruff"), "format", "--check", ".")),
    Check("sizes (ratchet)", (sys.executable, "-m", "devkit.sizes")),
    Check("console types (tsc)", tuple(web.tool("tsc")), slow=True, folder=web.WEB),
    Check("console rules (biome)", tuple(web.tool("biome", "check", "--error-on-warnings")), slow=True, folder=web.WEB),
    Check(
        "shell syntax (bash -n)",
        ("bash", "-c", 'for file; do bash -n "$file" || exit; done', "", "dev", "altus", ".ci/run"),
    ),
)


def run_one(check: Check) -> Outcome:
    """Run one check in the checkout."""
    begin = time.monotonic()
    done = subprocess.run(
        check.command,
        cwd=check.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Outcome(check, done.returncode == 0, done.stdout, time.monotonic() - begin)


def run(checks: Iterable[Check] = CHECKS) -> int:
    """Run checks side by side, say one line for each as it ends and print the output of failed ones; 1 if any did."""
    checks = list(checks)
    progress.say(f"checking: {', '.join(check.name for check in checks)}")
    with ThreadPoolExecutor(len(checks)) as pool:
        outcomes = []
        for future in as_completed([pool.submit(run_one, check) for check in checks]):
            outcome = future.result()
            outcomes.append(outcome)
            progress.say(f"  {'✓' if outcome.passed else '✗'} {outcome.check.name} ({outcome.seconds:.1f} s)")
    failed = [outcome for outcome in outcomes if not outcome.passed]
    for outcome in failed:
        print(f"\n── {outcome.check.name} ──\n{outcome.output.strip()}")
    for outcome in outcomes:
        if outcome.passed and "sizes" in outcome.check.name:
            print(outcome.output.strip())
    return 1 if failed else 0
