"""Brings the database's tables up to date: Alembic, called by the manager when it starts.

After a change of the tables (`altus.manager.store`), while developing:

    python -m altus.manager.store.migrate revision "what changed"   # a new file in migrations/versions/: read it!
    python -m altus.manager.store.migrate rewrite                   # before the first release: 0001 anew, alone
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import pkgutil
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

import altus.manager.store
from altus.common.errors import Conflict
from altus.manager.store.database import Database, Tx
from altus.manager.store.tables import METADATA

_FOLDER = Path(__file__).parent / "migrations"


async def upgrade(database: Database, revision: str = "head") -> None:
    """Lead the tables to `revision` in one transaction, whatever they are at; two managers do so one after another.

    `Conflict` (`database.newer`) if a newer version of Altus has used this database.
    """
    await database.write(lambda tx: _upgrade(tx, revision))


async def downgrade(database: Database, revision: str) -> None:
    """Take the tables back to `revision` ("base": none)."""
    await database.write(lambda tx: command.downgrade(_config(tx.connection), revision))


def metadata() -> sa.MetaData:
    """All tables, whichever module of the store declares them."""
    for module in pkgutil.iter_modules(altus.manager.store.__path__, "altus.manager.store."):
        if module.name != __name__ and not module.ispkg:
            importlib.import_module(module.name)
    return METADATA


def _upgrade(tx: Tx, revision: str) -> None:
    try:
        command.upgrade(_config(tx.connection), revision)
    except CommandError as error:
        raise Conflict("The database was made by a newer version of Altus.", code="database.newer",
                       hint=f"Start that version, or restore a backup. ({error})") from error  # fmt: skip


def _config(connection: sa.Connection | None = None, folder: Path = _FOLDER) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["metadata"] = metadata()
    return config


def _write_revision(message: str, *, anew: bool) -> Path:
    """Compare the tables with those of a scratch database and write the difference as a migration.

    It is made in a copy of the folder and moved into place whole: managers may be starting meanwhile.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "migrations"
        shutil.copytree(_FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__", *(["[0-9]*.py"] if anew else [])))
        database = Database(f"sqlite:///{scratch}/scratch.db")
        try:
            asyncio.run(database.write(lambda tx: _autogenerate(tx, folder, message)))
        finally:
            database.close()
        made = max(path.name for path in (folder / "versions").glob("[0-9]*.py"))
        path = _FOLDER / "versions" / made
        _tidy(folder / "versions" / made)
        shutil.copy(folder / "versions" / made, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)
    for old in (_FOLDER / "versions").glob("[0-9]*.py"):
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
    parser = argparse.ArgumentParser(prog="python -m altus.manager.store.migrate")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("revision", help="write a migration to the tables as declared now").add_argument("message")
    actions.add_parser("rewrite", help="replace all migrations by one, while nothing is released")
    asked = parser.parse_args()
    anew = asked.action == "rewrite"
    written = _write_revision("initial" if anew else asked.message, anew=anew)
    sys.stdout.write(f"{written}\n")


if __name__ == "__main__":
    main()
