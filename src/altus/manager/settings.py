"""The manager's settings: one typed class, from TOML and the environment (`ALTUS_MANAGER_…`)."""

from __future__ import annotations

import os
import socket
import tomllib
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from altus.common.errors import InvalidInput
from altus.wire.agent import HEARTBEAT

DEFAULT_CONFIG = Path("/etc/altus/manager.toml")


class ManagerSettings(BaseSettings):
    """All of them. Times in seconds unless the name tells."""

    model_config = SettingsConfigDict(env_prefix="ALTUS_MANAGER_", extra="forbid", use_attribute_docstrings=True)

    state_dir: Path = Path("/var/lib/altus/manager")
    """Database, CA, certificate and keys; for root alone."""
    listen: str = "127.0.0.1"
    """The address where the API listens."""
    port: int = Field(default=8440, ge=1, le=65535)
    """The port where the API listens."""
    public_url: str = ""
    """Where clients and hosts reach the API; if empty, where it listens."""
    names: list[str] = ["localhost", "127.0.0.1"]
    """Names and addresses in the API's certificate."""
    database: str = ""
    """SQLAlchemy's URL of a PostgreSQL database (`postgresql+psycopg://…`); if empty, SQLite in `state_dir`."""
    local_credentials: Path | None = Path("/etc/altus/admin-credentials.json")
    """The file by which root on this machine is its system administrator."""
    node: str = Field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}")
    """This manager's name in the lease; its host's name and process number unless given."""
    lease_seconds: float = Field(default=5.0, gt=0.5)
    """After how long another manager takes over the tasks of one that is silent."""
    host_silence_seconds: float = Field(default=5.0, gt=2 * HEARTBEAT)
    """After how long a host of which not even a sign of life comes counts as unreachable."""
    max_running_tasks: int = Field(default=64, ge=1)
    """How many tasks run at once; children of running ones come on top."""
    keep_events_days: int = Field(default=30, ge=1)
    """How long events are kept."""
    keep_tasks_days: int = Field(default=90, ge=1)
    """How long finished tasks are kept."""
    log_level: str = "info"
    """`debug`, `info`, `warning` or `error`; `debug` tells every step of every task."""

    @property
    def url(self) -> str:
        """Where clients reach the API."""
        return self.public_url or f"https://{self.listen}:{self.port}"

    @property
    def database_url(self) -> str:
        """SQLAlchemy's URL."""
        return self.database or f"sqlite:///{self.state_dir / 'altus.db'}"

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
        """Environment before file."""
        return env_settings, init_settings


def load(path: Path = DEFAULT_CONFIG) -> ManagerSettings:
    """From the file, if it is there, and the environment; `InvalidInput` (`settings.invalid`)."""
    try:
        written = tomllib.loads(path.read_text()) if path.exists() else {}
        return ManagerSettings(**written)
    except (tomllib.TOMLDecodeError, ValidationError, OSError) as error:
        raise InvalidInput(f"The manager's settings in {path} are not right: {error}", code="settings.invalid",
                           hint="See docs/reference/settings.md for what can be set.") from error  # fmt: skip
