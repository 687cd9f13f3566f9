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
    """A repository of this host."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    name: str = Field(default="local", pattern=NAME_PATTERN)
    """How the host calls it; the pool's name for it has the host's before it unless it is shared."""
    kind: Literal["directory", "fake"] = "directory"
    """Its driver."""
    path: Path = Path("/var/lib/altus/storage")
    """Its folder."""
    id: str | None = None
    """Its id if another host has made this shared folder a repository; else it follows from host and name."""
    shared: bool = False
    """Whether several hosts use it."""
    reserve: int | None = Field(default=None, ge=0)
    """The free space to keep, in bytes; none: the driver's own rule."""


class AgentSettings(BaseSettings):
    """All of them."""

    model_config = SettingsConfigDict(env_prefix="ALTUS_AGENT_", extra="forbid", use_attribute_docstrings=True)

    host_name: str = Field(default_factory=lambda: socket.gethostname().split(".")[0])
    """How the host calls itself when it enrols; the machine's own name unless given."""
    listen: str = "127.0.0.1"
    """The address where the agent listens."""
    port: int = Field(default=8441, ge=0, le=65535)
    """The port where the agent listens."""
    address: str = ""
    """host:port by which managers reach the agent; if empty, where it listens."""
    state_dir: Path = Path("/var/lib/altus/agent")
    """Certificate and key, the newest manager's epoch, the hypervisor's files."""
    storages: list[StorageSettings] = Field(default_factory=lambda: [StorageSettings()])
    """The host's repositories, see below; one with all defaults unless given."""
    hypervisor: Literal["libvirt", "fake"] = "libvirt"
    """The driver of virtual machines."""
    libvirt_uri: str = "qemu:///system"
    """Whom the libvirt driver connects to."""
    network: Literal["ovn", "fake"] = "ovn"
    """The driver of networks."""
    ovn_northbound: str = "unix:/run/ovn/ovnnb_db.sock"
    """OVN's northbound database; on another machine `ssl:ADDRESS:PORT`, where it is shown this host's certificate."""
    ovn_southbound: str = ""
    """OVN's southbound database, in the same way; if empty, this host is the only one and has OVN to itself."""
    ovn_encap_address: str = ""
    """The address of this host to which the others tunnel the packets of VMs; if empty, as Open vSwitch is set up."""
    image_cache: Path = Path("/var/cache/altus")
    """What builds of images keep."""
    max_upload: int = Field(default=2 * TIB, gt=0)
    """The largest upload in bytes."""

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
                           hint="See docs/reference/settings.md for what can be set.") from error  # fmt: skip
