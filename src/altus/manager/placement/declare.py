"""What the rules of placement see, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from altus.model.cpu import GuestCpu
from altus.model.host import Acceleration, Host
from altus.model.label import Label
from altus.model.placement import Capacity, VmPlacement
from altus.model.storage import Storage


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be placed; `vcpus` and `memory` (bytes) count only if it is to be `started`. `storage_id` names a
    repository if one was asked for or holds the image. `members` are the ids of the hosts where the other members of
    its groups are.

    A VM that moves is `leaving` the host with this id, and a guest that runs needs the `acceleration` and the `cpu` it
    has; one that is to start may ask for a `cpu`. `host_id` names a host if one was asked for. Its disks, if they have
    to be copied, are `disks` bytes, and best go to a repository that is named and reached as the one they leave, which
    its host calls `beside`."""

    label: Label
    vcpus: int
    memory: int
    started: bool
    storage_id: str = ""
    placement: VmPlacement = field(default_factory=VmPlacement)
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    leaving: str = ""
    host_id: str = ""
    acceleration: Acceleration | None = None
    cpu: GuestCpu | None = None
    disks: int = 0
    beside: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A host, a repository it reaches, what it can hold, and what the VMs that run on it or move to it have of it.
    `cpu` is what its pool gives VMs that start there, `cpu_refusal` the rest of a sentence that says why it gives the
    host no VMs. `promised` bytes of the repository are for disks that come from elsewhere."""

    host: Host
    storage: Storage
    capacity: Capacity
    vcpus_used: int = 0
    memory_used: int = 0
    cpu: GuestCpu | None = None
    cpu_refusal: str = ""
    promised: int = 0

    @property
    def free_storage(self) -> int | None:
        """In bytes, without the reserve; None if nobody knows; may be negative, too."""
        usage = self.storage.usage
        return None if usage is None else usage.available - self.promised

    @property
    def free_vcpus(self) -> int:
        """May be negative: a ratio was lowered, or VMs were started outside."""
        return self.capacity.vcpus - self.vcpus_used

    @property
    def free_memory(self) -> int:
        """In bytes; may be negative, too."""
        return self.capacity.memory - self.memory_used


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is thought of one candidate; `reasons` are sentences, why not if it is unsuitable. Of suitable ones the one
    with the highest `score` is chosen."""

    host_id: str
    host_name: str
    storage_id: str
    storage_name: str
    suitable: bool
    chosen: bool
    score: float
    reasons: tuple[str, ...]
