"""The generated half of the documentation: docs/reference/, made from the code itself.

`./dev golden` writes it; tests/test_docs.py fails when it is stale. Pages are text, the same for the same code.
"""

from importlib import import_module

from devkit.checks import ROOT

FOLDER = ROOT / "docs" / "reference"
PAGES = ("api", "cli", "errors", "permissions", "settings", "tasks")
"""Each is made by the module of its name here."""


def text(page: str) -> str:
    """A page as it should be."""
    made: str = import_module(f"devkit.reference.{page}").page()
    return made


def write() -> None:
    """Write all pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for page in PAGES:
        (FOLDER / f"{page}.md").write_text(text(page))
