"""Finds error codes by reading the source: every call of an error class that names a `code`."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from altus.common import errors
from altus.common.errors import AltusError
from devkit.checks import ROOT

_SOURCE = ROOT / "src"
_HTTP = "altus/manager/api/errors.py"
_CODE = re.compile(r"[a-z<][a-z_>]*\.[a-z_]+")


@dataclass(frozen=True)
class Use:
    """One place that raises a code; `file` is below src."""

    code: str
    kind: str
    message: str
    file: str


def kinds() -> dict[str, type[AltusError]]:
    """The classes of errors by name, without their base."""
    found = (cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, AltusError))
    return {cls.__name__: cls for cls in found if cls is not AltusError}


def uses() -> list[Use]:
    """Every place that names a code."""
    trees = _trees()
    known = {name: cls.kind for name, cls in kinds().items()}
    subclasses = [(file, node, base) for file, tree in trees.items() for node, base in _classes(tree) if base in known]
    own = {node.name: _assigned(node).get("kind", known[base]) for _, node, base in subclasses}
    defaults = [
        Use(code, own[node.name], "", file)
        for file, node, _ in subclasses
        if (code := _assigned(node).get("default_code"))
    ]
    raised = [use for file, call in _calls() for use in _raised(file, call, known | own)]
    return [*defaults, *raised, *_of_http(trees[_HTTP])]


def findings() -> dict[str, str]:
    """What `altus doctor` can find: kind and sentence."""
    named = [call for _, call in _calls() if isinstance(call.func, ast.Name) and call.func.id == "Finding"]
    return {_text(call.args[0]): _text(call.args[3]) for call in named}


@cache
def _trees() -> Mapping[str, ast.Module]:
    return {str(path.relative_to(_SOURCE)): ast.parse(path.read_text()) for path in sorted(_SOURCE.rglob("*.py"))}


@cache
def _calls() -> list[tuple[str, ast.Call]]:
    return [(file, node) for file, tree in _trees().items() for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _classes(tree: ast.Module) -> Iterator[tuple[ast.ClassDef, str]]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from ((node, "Failed" if base.id == "AltusError" else base.id) for base in node.bases
                        if isinstance(base, ast.Name))  # fmt: skip


def _assigned(node: ast.ClassDef) -> dict[str, str]:
    """Texts that the class sets, such as its kind."""
    pairs = [(part.targets[0], part.value) for part in node.body if isinstance(part, ast.Assign)]
    return {name.id: str(value.value) for name, value in pairs
            if isinstance(name, ast.Name) and isinstance(value, ast.Constant)}  # fmt: skip


def _raised(file: str, call: ast.Call, known: Mapping[str, str]) -> Iterator[Use]:
    if isinstance(call.func, ast.Name) and call.func.id in known:
        code = next((_text(word.value, "<noun>") for word in call.keywords if word.arg == "code"), "")
        if _CODE.fullmatch(code):
            yield Use(code, known[call.func.id], _text(call.args[0]) if call.args else "", file)


def _of_http(tree: ast.Module) -> Iterator[Use]:
    """What FastAPI refuses before our code sees it gets its code in the one place where errors become HTTP."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _CODE.fullmatch(node.value):
            yield Use(node.value, "invalid", "", _HTTP)


def _text(node: ast.expr, gap: str = "…") -> str:
    """A string's constant parts, with `gap` for the others."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else gap for part in node.values)
    return gap
