"""A private PostgreSQL for tests: real durability (fsync on), reachable by a unix socket only.

with postgres.running() as server:       # in a temporary folder, gone afterwards
    engine = create_async_engine(server.dsn(server.create_database()))
    server.kill()                        # as a power cut
    server.start()
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil

from devkit.errors import DevkitError

USER = "altus"
SYSTEM_USER = "postgres"
_SECONDS = 60.0
_POLL_SECONDS = 0.02


class PostgresError(DevkitError):
    """PostgreSQL is not installed, did not start or did not stop."""


def binaries() -> Path:
    """The folder of the newest installed server's programs."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not versions:
        raise PostgresError("PostgreSQL is not installed (Debian package postgresql)")
    return versions[-1].parent


class Postgres:
    """One server with its files in `folder`, which must be short (socket paths end at 107 bytes) and ours alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The server's main process, None if it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def dsn(self, database: str = "postgres", driver: str = "postgresql+psycopg") -> str:
        """The address of a database, for SQLAlchemy; driver "postgresql" is what psycopg itself reads."""
        return f"{driver}://{USER}@/{database}?host={self.folder}"

    def create_database(self) -> str:
        """Create an empty database and return its name."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self._client("createdb", name)
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database, ending the sessions that use it."""
        self._client("dropdb", "--force", name)

    def start(self) -> None:
        """Start the server, creating its files if there are none, and wait until it accepts connections."""
        if self.pid is not None:
            return
        if not self.data.exists():
            self.make_cluster().rename(self.data)
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "max_connections": "100",
            "fsync": "on",
        }
        command = [*_as_postgres(), str(binaries() / "postgres"), "-D", str(self.data)]
        command += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._wait_ready()

    def stop(self) -> None:
        """Shut the server down in order, ending sessions ("fast"); by force if it takes too long."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """kill -9 all processes of the server at once and wait until they are gone."""
        if self._process is None:
            return
        family = [psutil.Process(self._process.pid), *psutil.Process(self._process.pid).children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait(_SECONDS)
        _, alive = psutil.wait_procs(family, timeout=_SECONDS)
        if alive:
            raise PostgresError(f"still running after kill -9: {alive}")
        self._process = None

    def make_cluster(self) -> Path:
        """Make the files of a cluster under a temporary name, which a whole one is renamed from, and return that."""
        new = self.folder / "new"
        shutil.rmtree(new, ignore_errors=True)
        if os.geteuid() == 0:
            shutil.chown(self.folder, SYSTEM_USER, SYSTEM_USER)
        access = ["--username", USER, "--auth-local", "trust", "--auth-host", "reject"]
        _run("initdb", "--pgdata", str(new), *access, "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-instructions")
        return new

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + _SECONDS
        check = [str(binaries() / "pg_isready"), "--quiet", "--host", str(self.folder)]
        while subprocess.run(check, check=False).returncode != 0:
            if self.pid is None or time.monotonic() > deadline:
                raise PostgresError(f"PostgreSQL does not answer:\n{self.log.read_text()[-2000:]}")
            time.sleep(_POLL_SECONDS)

    def _client(self, program: str, *arguments: str) -> None:
        _run(program, "--host", str(self.folder), "--username", USER, *arguments)


@contextlib.contextmanager
def running() -> Iterator[Postgres]:
    """A started server in a temporary folder; it and its files are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="altus-pg-") as folder:
        server = Postgres(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.kill()


def _as_postgres() -> list[str]:
    """What to put before a command of the server, which refuses to run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid", SYSTEM_USER, "--regid", SYSTEM_USER, "--init-groups"]


def _run(program: str, *arguments: str) -> None:
    done = subprocess.run(
        [*_as_postgres(), str(binaries() / program), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    if done.returncode != 0:
        raise PostgresError(f"{program} failed: {done.stderr.strip()}")
