"""The drivers that one host works with, and finding the repository that is meant."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from altus.agent.credentials import Credentials
from altus.agent.peers import Admissions, Peers
from altus.common.errors import NotFound
from altus.drivers.hypervisor.base import Hypervisor
from altus.drivers.image.base import ImageBuilder
from altus.drivers.network.base import NetworkDriver
from altus.drivers.storage.base import StorageDriver
from altus.model.image import BuiltinImage


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A storage repository of this host: its id is `driver`'s name for everybody else."""

    id: str
    name: str
    kind: str
    driver: StorageDriver


@dataclass(frozen=True, kw_only=True)
class HostDrivers:
    """All that handlers work with. `processes` tells the ids of VMs for which a hypervisor process runs, found without
    asking the hypervisor's own book-keeping where that is possible."""

    host_id: str
    hypervisor: Hypervisor
    network: NetworkDriver
    processes: Callable[[], Awaitable[list[str]]]
    peers: Peers
    credentials: Credentials
    admissions: Admissions = field(default_factory=Admissions)
    repositories: Sequence[Repository] = ()
    builders: Mapping[BuiltinImage, ImageBuilder] = field(default_factory=dict)

    @property
    def storages(self) -> dict[str, StorageDriver]:
        """Repository id → its driver."""
        return {repository.id: repository.driver for repository in self.repositories}

    def storage(self, storage_id: str) -> StorageDriver:
        """The repository with this id; `NotFound` (`storage.not_on_host`)."""
        for repository in self.repositories:
            if repository.id == storage_id:
                return repository.driver
        raise NotFound(f"This host has no storage {storage_id[:64]}.", code="storage.not_on_host",
                       hint="Is it still in the agent's settings?", host_id=self.host_id)  # fmt: skip

    def builder(self, name: BuiltinImage) -> ImageBuilder:
        """The builder of this image; `NotFound` (`image.no_builder`)."""
        found = self.builders.get(name)
        if found is None:
            raise NotFound(f"This host cannot build image {name}.", code="image.no_builder", host_id=self.host_id)
        return found

    async def close(self) -> None:
        """Let go of everything; VMs and networks live on."""
        await self.hypervisor.close()
        await self.network.close()
