"""The size ratchet: files, functions and classes stay small, and the exceptions only get fewer and smaller.

`size_exceptions.toml` beside this file names what may be larger, with its size of today. An entry must equal what is
measured, so it shrinks with the code and goes when the code is within the limit; one that is new or larger than in the
last commits is refused.
"""

import ast
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("src", "tests", "devkit", "bench", "testbed")
EXCEPTIONS = Path("devkit/size_exceptions.toml")
GENERATED = "migrations/versions/*.py"
"""Written by a program and never edited by hand."""
LIMITS = {"file": 500, "function": 60, "class": 25}
"""Lines of a file and of a function with its docstring, methods of a class."""
TYPICAL = {"file": (150, 400), "function": (30, 30)}
"""What the median and the 90th percentile of the product (src) may be, in lines."""


@dataclass(frozen=True)
class Measure:
    """One thing and its size; `name` is its path, with ::qualified.name for functions and classes."""

    kind: str
    name: str
    size: int


def measure_file(path: str, text: str) -> list[Measure]:
    """The file itself, and every function and class in it."""
    found = [Measure("file", path, len(text.splitlines()))]
    _collect(ast.parse(text, path), f"{path}::", found)
    return found


def _collect(node: ast.AST, prefix: str, found: list[Measure]) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (child.end_lineno or child.lineno) - child.lineno + 1
            found.append(Measure("function", prefix + child.name, lines))
        elif isinstance(child, ast.ClassDef):
            methods = sum(isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) for part in child.body)
            found.append(Measure("class", prefix + child.name, methods))
        else:
            _collect(child, prefix, found)
            continue
        _collect(child, f"{prefix}{child.name}.", found)


def measure(root: Path) -> list[Measure]:
    """Everything under the folders of `root` that exist, but for what is generated."""
    every = (file for folder in FOLDERS for file in sorted((root / folder).rglob("*.py")))
    files = (file for file in every if not file.match(GENERATED))
    return [one for file in files for one in measure_file(str(file.relative_to(root)), file.read_text())]


def problems(measures: Iterable[Measure], exceptions: Mapping[str, int]) -> Iterator[str]:
    """What is too large, and exceptions that no longer say the truth."""
    sizes = {one.name: one for one in measures}
    for one in sizes.values():
        limit = LIMITS[one.kind]
        allowed = exceptions.get(one.name)
        if allowed is None:
            if one.size > limit:
                yield f"{one.name}: {one.kind} has {one.size}, at most {limit}"
        elif one.size <= limit:
            yield f"{one.name}: has {one.size}, within the limit now: remove its exception"
        elif one.size != allowed:
            yield f"{one.name}: has {one.size}, its exception says {allowed}: it may only shrink, and the entry with it"
    for name in exceptions.keys() - sizes.keys():
        yield f"{name}: does not exist: remove its exception"


def growth(exceptions: Mapping[str, int], before: Mapping[str, int]) -> Iterator[str]:
    """Exceptions that are new or larger than `before`."""
    for name, size in exceptions.items():
        if size > before.get(name, 0):
            yield f"{name}: an exception may not be added or raised; make the code smaller"


def typical(measures: Iterable[Measure], kind: str) -> tuple[int, int] | None:
    """Median and 90th percentile of the sizes of a kind; packages' bare docstrings are left out. None without any."""
    sizes = [one.size for one in measures if one.kind == kind and (kind != "file" or one.size > 1)]
    if len(sizes) < 2:
        return None
    return round(statistics.median(sizes)), round(statistics.quantiles(sizes, n=10)[-1])


def typical_problems(measures: Iterable[Measure]) -> Iterator[str]:
    """Where the usual size of the product's files or functions drifts up."""
    product = [one for one in measures if one.name.startswith("src/")]
    for kind, (median, high) in TYPICAL.items():
        found = typical(product, kind)
        if found and (found[0] > median or found[1] > high):
            yield f"src: median/p90 lines of a {kind} are {found[0]}/{found[1]}, at most {median}/{high}"


def committed_exceptions(root: Path, revision: str) -> Mapping[str, int] | None:
    """The exceptions of a commit; None where there is no such commit or it had no such file."""
    shown = subprocess.run(
        ["git", "-C", str(root), "show", f"{revision}:{EXCEPTIONS}"], capture_output=True, text=True, check=False
    )
    return tomllib.loads(shown.stdout) if shown.returncode == 0 else None


def check(root: Path) -> tuple[list[str], list[str]]:
    """All problems, and a summary to print."""
    measures = measure(root)
    exceptions = tomllib.loads((root / EXCEPTIONS).read_text())
    found = [*problems(measures, exceptions), *typical_problems(measures)]
    for revision in ("HEAD", "HEAD^"):
        before = committed_exceptions(root, revision)
        if before is not None:
            found += growth(exceptions, before)
    return sorted(set(found)), [_summary(measures, folder) for folder in FOLDERS if (root / folder).is_dir()]


def _summary(measures: Iterable[Measure], folder: str) -> str:
    here = [one for one in measures if one.name.startswith(f"{folder}/")]
    parts = []
    for kind in ("file", "function"):
        found = typical(here, kind)
        if found:
            parts.append(f"{kind} lines median {found[0]}, p90 {found[1]}")
    return f"{folder}: {'; '.join(parts) or 'too little to measure'}"


def main() -> int:
    """Print summary and problems; 1 if there is a problem."""
    found, summary = check(ROOT)
    print("\n".join([*summary, *found]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
