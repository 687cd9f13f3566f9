"""The agent's settings: a TOML file, over which environment variables `ALTUS_AGENT_*` win."""

from __future__ import annotations

import socket
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from altus.common.errors import InvalidInput
from altus.common.units import TIB
from altus.model.resource import NAME_PATTERN

DEFAULT_CONFIG = Path("/etc/altus/agent.toml")


class StorageSettings(BaseModel):
    """A repository of this host. Its `id` follows from host and name unless it is given, as for a shared folder that
    another host has already made one. `reserve` is the free space to keep in bytes; None: the driver's own rule."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(default="local", pattern=NAME_PATTERN)
    kind: Literal["directory", "fake"] = "directory"
    path: Path = Path("/var/lib/altus/storage")
    id: str | None = None
    shared: bool = False
    reserve: int | None = Field(default=None, ge=0)


class AgentSettings(BaseSettings):
    """All of them. `address` is host:port under which managers reach the agent; where it listens, if empty."""

    model_config = SettingsConfigDict(env_prefix="ALTUS_AGENT_", extra="forbid")

    host_name: str = Field(default_factory=lambda: socket.gethostname().split(".")[0])
    listen: str = "127.0.0.1"
    port: int = Field(default=8441, ge=0, le=65535)
    address: str = ""
    state_dir: Path = Path("/var/lib/altus/agent")
    storages: list[StorageSettings] = Field(default_factory=lambda: [StorageSettings()])
    hypervisor: Literal["libvirt", "fake"] = "libvirt"
    libvirt_uri: str = "qemu:///system"
    network: Literal["ovn", "fake"] = "ovn"
    image_cache: Path = Path("/var/cache/altus")
    max_upload: int = Field(default=2 * TIB, gt=0)

    @property
    def reached_at(self) -> str:
        """host:port for managers."""
        return self.address or f"{self.listen}:{self.port}"

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
        """Environment before file."""
        return env_settings, init_settings


def load_settings(path: Path = DEFAULT_CONFIG) -> AgentSettings:
    """From the file, if it is there, and the environment; `InvalidInput` (`settings.invalid`)."""
    try:
        written = tomllib.loads(path.read_text()) if path.exists() else {}
        return AgentSettings(**written)
    except (tomllib.TOMLDecodeError, ValidationError, OSError) as error:
        raise InvalidInput(f"The agent's settings in {path} are not right: {error}", code="settings.invalid",
                           hint="See docs/agent.md for what can be set.") from error  # fmt: skip
