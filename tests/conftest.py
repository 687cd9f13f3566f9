"""What all tests share: a fresh database each, on SQLite and on PostgreSQL, with every migration applied."""

from __future__ import annotations

import asyncio
import gc
import shutil
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from altus.manager.store import migrate
from altus.manager.store.database import Database
from devkit import postgres

pytest_plugins = ["testbed.hanging"]
BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


def pytest_collection_finish() -> None:
    """Modules and collected tests stay until the end: the search for garbage, of which each test makes much, need not
    look through them again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgres.Postgres]:
    """One server for all tests."""
    with postgres.running() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_template(postgresql: postgres.Postgres) -> str:
    """The name of a migrated database, to be copied."""
    name = postgresql.create_database()
    _migrate(postgresql.dsn(name))
    return name


@pytest.fixture
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Makes a fresh migrated database of a backend and returns its address."""

    def make(backend: str) -> str:
        if backend == "sqlite":
            path = tmp_path / "altus.db"
            shutil.copy(request.getfixturevalue("sqlite_template"), path)
            return f"sqlite:///{path}"
        template, name = request.getfixturevalue("postgresql_template"), f"test_{uuid.uuid4().hex}"
        server: postgres.Postgres = request.getfixturevalue("postgresql")
        with psycopg.connect(server.dsn(driver="postgresql"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return server.dsn(name)

    return make


@pytest.fixture(params=BOTH)
def db_url(request: pytest.FixtureRequest, new_url: Callable[[str], str]) -> str:
    """The address of a fresh migrated database, on either backend."""
    return new_url(request.param)


@pytest.fixture
def db(db_url: str) -> Iterator[Database]:
    """A fresh migrated database, on either backend."""
    database = Database(db_url)
    yield database
    database.close()


@pytest.fixture
def sqlite_db(new_url: Callable[[str], str]) -> Iterator[Database]:
    """A fresh migrated SQLite database, where the backend makes no difference."""
    database = Database(new_url("sqlite"))
    yield database
    database.close()


def _migrate(url: str) -> None:
    database = Database(url)
    with ThreadPoolExecutor(1) as own_thread:  # the test that asks first may have an event loop running
        own_thread.submit(lambda: asyncio.run(migrate.upgrade(database))).result()
    database.close()
