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


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["metadata"] = metadata()
    return config


def _write_revision(message: str, revision: str | None, *, upgraded: bool) -> Path:
    """Compare the tables with those of a scratch database and write the difference as a migration."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/scratch.db")
        try:
            if upgraded:
                asyncio.run(upgrade(database))
            name = revision or f"{len(list(ScriptDirectory(str(_FOLDER)).walk_revisions())) + 1:04d}"
            made = asyncio.run(database.write(lambda tx: command.revision(
                _config(tx.connection), message=message, autogenerate=True, rev_id=name)))  # fmt: skip
        finally:
            database.close()
    if made is None or isinstance(made, list):
        raise SystemExit("no migration was written")
    path = Path(made.path)
    path.write_text(re.sub(r"(?m)^ *# ###.*\n", "", path.read_text()))
    if ruff := shutil.which("ruff", path=str(Path(sys.executable).parent)):
        subprocess.run([ruff, "format", "--quiet", str(path)], check=True)
        subprocess.run([ruff, "check", "--fix", "--quiet", str(path)], check=True)
    return path


def main() -> None:
    """The developer's command."""
    parser = argparse.ArgumentParser(prog="python -m altus.manager.store.migrate")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("revision", help="write a migration to the tables as declared now").add_argument("message")
    actions.add_parser("rewrite", help="replace all migrations by one, while nothing is released")
    asked = parser.parse_args()
    if asked.action == "revision":
        written = _write_revision(asked.message, None, upgraded=True)
    else:
        for old in (_FOLDER / "versions").glob("[0-9]*.py"):
            old.unlink()
        written = _write_revision("initial", "0001", upgraded=False)
    sys.stdout.write(f"{written}\n")


if __name__ == "__main__":
    main()
