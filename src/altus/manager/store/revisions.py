"""The migrations themselves, by Alembic; only imported when there is something to migrate.

After a change of the tables (`altus.manager.store`), while developing:

    python -m altus.manager.store.revisions revision "what changed"   # a new file in migrations/versions/: read it!
    python -m altus.manager.store.revisions rewrite                   # before the first release: 0001 anew, alone
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from altus.common.errors import Conflict
from altus.manager.store import migrate
from altus.manager.store.database import Database, Tx


def lead_up(tx: Tx, revision: str) -> None:
    """Run the migrations up to `revision`; `Conflict` (`database.newer`)."""
    try:
        command.upgrade(_config(tx.connection), revision)
    except CommandError as error:
        raise Conflict("The database was made by a newer version of Altus.", code="database.newer",
                       hint=f"Start that version, or restore a backup. ({error})") from error  # fmt: skip


def lead_down(tx: Tx, revision: str) -> None:
    """Take migrations back to `revision`."""
    command.downgrade(_config(tx.connection), revision)


def _config(connection: sa.Connection | None = None, folder: Path = migrate.FOLDER) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["metadata"] = migrate.metadata()
    return config


def _write_revision(message: str, *, anew: bool) -> Path:
    """Compare the tables with those of a scratch database and write the difference as a migration.

    It is made in a copy of the folder and moved into place whole: managers may be starting meanwhile.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "migrations"
        shutil.copytree(
            migrate.FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__", *(["[0-9]*.py"] if anew else []))
        )
        database = Database(f"sqlite:///{scratch}/scratch.db")
        try:
            asyncio.run(database.write(lambda tx: _autogenerate(tx, folder, message)))
        finally:
            database.close()
        made = max(path.name for path in (folder / "versions").glob("[0-9]*.py"))
        path = migrate.FOLDER / "versions" / made
        _tidy(folder / "versions" / made)
        shutil.copy(folder / "versions" / made, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)
    for old in (migrate.FOLDER / "versions").glob("[0-9]*.py"):
        if anew and old != path:
            old.unlink()
    return path


def _autogenerate(tx: Tx, folder: Path, message: str) -> None:
    config = _config(tx.connection, folder)
    known = len(list(ScriptDirectory(str(folder)).walk_revisions()))
    if known:
        command.upgrade(config, "head")
    command.revision(config, message=message, autogenerate=True, rev_id=f"{known + 1:04d}")


def _tidy(path: Path) -> None:
    path.write_text(re.sub(r"(?m)^ *# ###.*\n", "", path.read_text()))
    if ruff := shutil.which("ruff", path=str(Path(sys.executable).parent)):
        settings = str(Path(__file__).parents[4] / "pyproject.toml")
        subprocess.run([ruff, "format", "--quiet", "--config", settings, str(path)], check=True)
        subprocess.run([ruff, "check", "--fix", "--quiet", "--config", settings, str(path)], check=True)


def main() -> None:
    """The developer's command."""
    parser = argparse.ArgumentParser(prog="python -m altus.manager.store.revisions")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("revision", help="write a migration to the tables as declared now").add_argument("message")
    actions.add_parser("rewrite", help="replace all migrations by one, while nothing is released")
    asked = parser.parse_args()
    anew = asked.action == "rewrite"
    written = _write_revision("initial" if anew else asked.message, anew=anew)
    sys.stdout.write(f"{written}\n")


if __name__ == "__main__":
    main()
