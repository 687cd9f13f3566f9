"""The documents are true: generated pages are fresh, links lead somewhere, and what is named exists."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from altus.agent.settings import AgentSettings, StorageSettings
from altus.manager.settings import ManagerSettings
from devkit import reference
from devkit.checks import ROOT
from devkit.reference.cli import commands, options

_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
_HEADING = re.compile(r"(?m)^#+ +(.+)$")
_SPAN = re.compile(r"`([^`\n]+)`")
_FENCE = re.compile(r"(?ms)^```.*?^```$")
_NAMED = re.compile(r"((?:[\w.-]+/)+[\w.-]*)(?::([A-Za-z_][\w.]*))?")
_AUDIENCES = {"user", "operator", "developer", "api"}
_PLACES = tuple("/" + place + "/" for place in ("work", "farm"))
"""Folders of machines that Altus is made on; spelled so that this file does not name them."""


def _files() -> list[str]:
    """Everything that is or would be committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(name for name in listed.split("\0") if name and (ROOT / name).is_file())


def _documents(folder: str = "") -> list[str]:
    return [name for name in _files() if name.endswith(".md") and name.startswith(folder)]


@cache
def _text(document: str) -> str:
    return (ROOT / document).read_text()


@pytest.mark.parametrize("page", reference.PAGES)
def test_generated_page_is_fresh(page: str) -> None:
    written = (reference.FOLDER / f"{page}.md").read_text()
    assert written == reference.text(page), "run ./dev golden and look at the difference"


@pytest.mark.parametrize("settings", [ManagerSettings, AgentSettings, StorageSettings])
def test_every_setting_says_what_it_means(settings: Any) -> None:
    assert [name for name, field in settings.model_fields.items() if not field.description] == []


def _anchors(document: str) -> set[str]:
    """Headings as their links are made: lower case, words joined by dashes."""
    texts = (re.sub(r"[^\w -]", "", heading.lower()) for heading in _HEADING.findall(_text(document)))
    return {text.strip().replace(" ", "-") for text in texts}


def _broken(document: str) -> Iterator[str]:
    for target in _LINK.findall(_FENCE.sub("", _text(document))):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        file = (ROOT / document).parent / path if path else ROOT / document
        if not file.exists() or (anchor and anchor not in _anchors(str(file.resolve().relative_to(ROOT)))):
            yield target


@pytest.mark.parametrize("document", _documents())
def test_links_lead_somewhere(document: str) -> None:
    assert list(_broken(document)) == []


@cache
def _defined(file: Path) -> set[str]:
    """Qualified names of what a Python file defines."""

    def walk(node: ast.AST, prefix: str) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield prefix + child.name
                yield from walk(child, f"{prefix}{child.name}.")
            elif isinstance(child, ast.Assign | ast.AnnAssign):
                targets = child.targets if isinstance(child, ast.Assign) else [child.target]
                yield from (prefix + target.id for target in targets if isinstance(target, ast.Name))

    return set(walk(ast.parse(file.read_text()), ""))


def _unknown(document: str, roots: tuple[str, ...]) -> Iterator[str]:
    """Paths in code spans that are no file or folder of ours, or name what the file does not define."""
    known = {path.name for root in roots for path in (ROOT / root).iterdir()}
    for span in _SPAN.findall(_text(document)):
        match = _NAMED.fullmatch(span)
        if match is None or span.partition("/")[0] not in known:
            continue
        path, name = match.groups()
        file = next((ROOT / root / path for root in roots if (ROOT / root / path).exists()), None)
        if file is None or (name and name not in _defined(file)):
            yield span


@pytest.mark.parametrize("document", [name for name in _documents() if not name.startswith("docs/reference/")])
def test_files_and_functions_that_are_named_exist(document: str) -> None:
    assert list(_unknown(document, ("", "src/altus"))) == []


def test_architecture_follows_a_request_through_the_files() -> None:
    named = [span for span in _SPAN.findall(_text("docs/architecture.md")) if ".py:" in span]
    rooms = {span.partition("/")[0] for span in named}
    assert rooms >= {"cli", "sdk", "wire", "manager", "agent", "drivers", "model", "common"}


@cache
def _commands() -> dict[str, Any]:
    return {" ".join(path): command for path, command in commands()}


def _wrong_command(line: str) -> str:
    """Why `altus …` cannot be typed like this; empty if it can."""
    words = [word for word in shlex.split(line.replace("…", ""), comments=True) if word][1:]
    if not words or words[0].startswith("-"):
        return ""
    depth = next((n for n in (3, 2, 1) if " ".join(words[:n]) in _commands()), 0)
    if not depth:
        nouns = {name.split()[0] for name in _commands()}
        return "" if len(words) == 1 and words[0] in nouns else "no such command"
    known = options(_commands()[" ".join(words[:depth])])
    given = [word.partition("=")[0] for word in words[depth:] if re.match(r"--?[a-z]", word)]
    return ", ".join(f"no option {word}" for word in given if word not in known and word != "--help")


def _typed(document: str, program: str) -> Iterator[str]:
    """Lines of examples and code spans that begin with the program."""
    text = _text(document)
    for line in [*re.findall(r"(?m)^    (.+)$", text), *_SPAN.findall(text.replace("\n", " "))]:
        if re.match(rf"{re.escape(program)}( |$)", line):
            yield line


@pytest.mark.parametrize("document", [name for name in _documents() if name != "docs/reference/cli.md"])
def test_commands_in_documents_can_be_typed(document: str) -> None:
    lines = [*_typed(document, "./altus"), *_typed(document, "altus")]
    assert {line: wrong for line in lines if (wrong := _wrong_command(line))} == {}


@pytest.mark.parametrize(
    ("line", "wrong"),
    [("altus vm list -o json", ""), ("altus vm fly web1", "no such command"), ("altus vm list --up", "no option --up")],
)
def test_command_that_cannot_be_typed_is_caught(line: str, wrong: str) -> None:
    assert _wrong_command(line) == wrong


def test_hints_name_commands_that_exist() -> None:
    wrong = {}
    for file in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for line in re.findall(r"`(altus [^`<\n]+)`", node.value):
                    if reason := _wrong_command(line):
                        wrong[f"{file.name}: {line}"] = reason
    assert wrong == {}


def test_dev_commands_in_documents_exist() -> None:
    help_text = subprocess.run(
        [ROOT / ".venv/bin/python", "-m", "devkit.main", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    used = {line.split()[1] for name in _documents() for line in _typed(name, "./dev") if len(line.split()) > 1}
    assert used
    assert [word for word in sorted(used) if not re.search(rf"(?m)^ +{word} ", help_text)] == []


def test_decisions_have_their_parts_and_are_in_the_index() -> None:
    records = [Path(name) for name in _documents("docs/adr/0")]
    assert [record.name[:4] for record in records] == [f"{number:04d}" for number in range(1, len(records) + 1)]
    for record in records:
        text = _text(str(record))
        assert re.match(rf"# {int(record.name[:4])}\. .+\n\nStatus: (accepted|replaced by)", text), record
        assert re.findall(r"(?m)^## (.+)$", text) == ["Context", "Decision", "Consequences"], record
        assert f"]({record.name})" in _text("docs/adr/README.md"), record


@pytest.mark.parametrize("fragment", [name for name in _documents("changes/") if name != "changes/README.md"])
def test_change_fragment_says_whom_it_concerns(fragment: str) -> None:
    first, blank, *rest = _text(fragment).splitlines()
    assert re.match(r"changes/\d{3}-[a-z-]+\.md$", fragment)
    assert set(first.split(", ")) <= _AUDIENCES
    assert not blank
    assert any(rest)


def test_no_file_names_the_place_where_it_was_made() -> None:
    found = []
    for name in _files():
        try:
            text = (ROOT / name).read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{name}: {line.strip()[:80]}" for line in text.splitlines() if any(p in line for p in _PLACES)]
    assert found == []
