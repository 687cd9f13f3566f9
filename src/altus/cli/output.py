"""What goes to standard output: tables for people, JSON and YAML for programs."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import Any

from altus.cli.layout import AnyLayout
from altus.cli.text import clean


class Output(StrEnum):
    """How results are written."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


_STYLES = {"running": "green", "ready": "green", "up": "green", "succeeded": "green", "paused": "yellow",
           "suspended": "yellow", "creating": "yellow", "queued": "yellow", "deleting": "yellow", "undoing": "yellow",
           "uploading": "yellow", "enrolling": "yellow", "crashed": "red", "failed": "red", "unknown": "red",
           "unreachable": "red", "denied": "red", "cancelled": "dim", "stopped": "dim"}  # fmt: skip
_WIDE = 100_000


def write_data(output: Output, data: Any) -> None:
    """Plain values as JSON or YAML."""
    if output is Output.YAML:
        import yaml

        text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, default_flow_style=False)
    else:
        text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    sys.stdout.write(text)
    sys.stdout.flush()


def write_line(text: str) -> None:
    """A sentence for people."""
    sys.stdout.write(clean(text) + "\n")
    sys.stdout.flush()


def write_table(layout: AnyLayout, rows: list[list[str]]) -> None:
    """One line per thing; in a terminal it is fitted to its width, elsewhere nothing is cut off."""
    table = _table()
    for title, _ in layout.columns:
        table.add_column(title, no_wrap=True, header_style="bold")
    for row in rows:
        table.add_row(*map(_styled, row))
    _print(table)


def write_details(fields: list[tuple[str, str]]) -> None:
    """One thing, a line per field; fields with nothing in them are left out."""
    table = _table()
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.show_header = False
    for title, text in fields:
        if text:
            table.add_row(title.capitalize(), _styled(text))
    _print(table)


def _table() -> Any:
    from rich.table import Table

    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))


def _print(table: Any) -> None:
    """Without the spaces that fill up its lines."""
    from rich.console import Console

    console = Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else _WIDE)
    with console.capture() as captured:
        console.print(table)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
    sys.stdout.flush()


def _styled(text: str) -> Any:
    from rich.text import Text

    return Text("\n".join(map(clean, text.split("\n"))), style=_STYLES.get(text, ""))
