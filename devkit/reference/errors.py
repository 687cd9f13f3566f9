"""docs/reference/errors.md: every error code with its kind, its sentence and where it is raised."""

from collections import defaultdict
from collections.abc import Sequence

from altus.cli.exits import exit_code_of
from altus.manager.api.errors import status_of
from devkit.reference import codes
from devkit.reference import markdown as md
from devkit.reference.codes import Use

_TEXT = """\
An error has a kind, which says whose fault it is, a stable code for programs, a sentence and a hint for people, and
sometimes values in `context`. `…` stands for what differs from case to case, `<noun>` for the noun of the resource,
such as `vm`. Files are below `src/altus/`."""
_FINDINGS = "What `altus doctor` tells: things that do not agree between the database and a host."


def page() -> str:
    """The page."""
    groups: dict[str, dict[str, list[Use]]] = defaultdict(lambda: defaultdict(list))
    for use in codes.uses():
        groups[use.code.partition(".")[0]][use.code].append(use)
    sections = [md.section(_title(group), _table(groups[group])) for group in sorted(groups)]
    findings = md.table(
        ("Finding", "Sentence"), [(md.code(kind), text) for kind, text in sorted(codes.findings().items())]
    )
    return md.page(
        "Errors", _TEXT, md.section("Kinds", _kinds()), *sections, md.section("Findings", _FINDINGS, findings)
    )


def _title(group: str) -> str:
    return "Every noun" if group == "<noun>" else group


def _table(group: dict[str, list[Use]]) -> str:
    return md.table(("Code", "Kind", "Sentence", "Raised in"), [_row(code, group[code]) for code in sorted(group)])


def _row(code: str, uses: Sequence[Use]) -> tuple[str, ...]:
    named = sorted({use.kind for use in uses})
    sentences = list(dict.fromkeys(use.message for use in uses if use.message not in ("", "…")))
    files = sorted({use.file.removeprefix("altus/") for use in uses})
    return md.code(code), ", ".join(named), " / ".join(sentences[:2]), ", ".join(map(md.code, files))


def _kinds() -> str:
    rows = [
        (md.code(cls.kind), md.first_line(cls), str(status_of(cls("")).value), str(exit_code_of(cls("")).value))
        for cls in codes.kinds().values()
    ]
    return md.table(("Kind", "", "HTTP status", "Exit code of `altus`"), rows)
