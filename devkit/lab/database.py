"""PostgreSQL for several managers, in a machine of its own. `python -m devkit.lab.database` there starts it again.

Whoever is on the management network of the lab may use it without a password: there is nobody else.
"""

import shutil
import subprocess
import sys

from devkit import postgres
from devkit.lab import networks
from devkit.lab.networks import Net
from devkit.lab.places import DATABASE
from devkit.services import ready
from devkit.services.declared import STATE, Service
from devkit.services.plain import Plain

PORT = 5432
_FOLDER = STATE / "postgresql"
_DATA = _FOLDER / "data"
_NAME = "altus"


def url() -> str:
    """For managers."""
    address = networks.address(DATABASE, Net.MANAGEMENT).ip
    return f"postgresql+psycopg://{postgres.USER}@{address}:{PORT}/{_NAME}"


def service() -> Service:
    """The server, with its files in a folder that the machine has for itself."""
    settings = {"listen_addresses": "*", "port": str(PORT), "unix_socket_directories": str(_FOLDER)}
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return Service(
        name="postgresql",
        command=(str(postgres.binaries() / "postgres"), "-D", str(_DATA), *words),
        user=postgres.SYSTEM_USER,
        ready=ready.command(str(postgres.binaries() / "pg_isready"), "--quiet", "--host", str(_FOLDER)),
        unit="postgresql.service",
        prepare=_prepare,
        configure=_create_database,
    )


def _prepare() -> None:
    """Make the cluster; killed in between, the next call begins anew."""
    if _DATA.exists():
        return
    _FOLDER.mkdir(parents=True, exist_ok=True)
    shutil.chown(_FOLDER, postgres.SYSTEM_USER, postgres.SYSTEM_USER)
    new = postgres.Postgres(_FOLDER).make_cluster()
    with (new / "pg_hba.conf").open("a") as rules:
        rules.write(f"host all all {networks.CIDRS[Net.MANAGEMENT]} trust\n")
    new.rename(_DATA)


def _create_database() -> None:
    """Make the managers' database unless it is there."""
    client = ("--host", str(_FOLDER), "--username", postgres.USER)
    tool = (str(postgres.binaries() / "psql"), *client, "--list", "--tuples-only", "--csv")
    listed = subprocess.run(tool, check=True, capture_output=True, text=True).stdout
    if f"\n{_NAME}," not in f"\n{listed}":
        subprocess.run([str(postgres.binaries() / "createdb"), *client, _NAME], check=True, capture_output=True)


def main() -> int:
    """Start it unless it runs."""
    Plain().run(service())
    return 0


if __name__ == "__main__":
    sys.exit(main())
