"""What manager and agent say to each other besides operations: call lines, the event stream, enrolment."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from altus.common.errors import InvalidInput
from altus.model.host import HostFacts
from altus.model.storage import StorageKind, StorageUsage
from altus.model.vm import VmEvent, VmObservation
from altus.wire.operations import Message

KEY_HEADER = "Altus-Key"
EPOCH_HEADER = "Altus-Epoch"
HEARTBEAT = 1.0
"""Seconds: an event stream is never silent for longer."""
KEEPALIVE = 2.0
"""Seconds: neither is a call that lasts."""


class CallLine(Message):
    """One line of the answer to a call: a sign of life, progress, or the end with `result` or `error`. `committed`: it
    cannot be broken off any more."""

    alive: bool = False
    progress: float | None = None
    message: str = ""
    committed: bool = False
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None

    @property
    def final(self) -> bool:
        """Whether it is the last one."""
        return self.result is not None or self.error is not None


class CancelCall(Message):
    """Break off the call with this key."""

    key: str


class CancelDone(Message):
    """Whether there was such a call; it has ended."""

    found: bool


class StorageSeen(Message):
    """A repository of the host; `usage` is None while it cannot be read."""

    id: str
    name: str
    kind: StorageKind
    shared: bool
    usage: StorageUsage | None


class Hello(Message):
    """The first message of every event stream: everything the host knows.

    `boot_id` changes when the host boots, `order` is its clock now (see `VmObservation`), `agent_version` is Altus'
    version there; `vms` is None while the hypervisor does not answer: a `StateSeen` follows when it does.
    """

    kind: Literal["hello"] = "hello"
    host_id: str
    boot_id: str
    order: int
    agent_version: str
    facts: HostFacts
    vms: list[VmObservation] | None
    storages: list[StorageSeen]


class StateSeen(Message):
    """All VMs again, after the agent was blind for a while: what is not among them was not on the host when its clock
    was at `order` (see `VmObservation`)."""

    kind: Literal["state"] = "state"
    order: int
    vms: list[VmObservation]


class VmHappened(Message):
    """Something happened to a VM, or its guest told something new (`reason` is `guest-facts`)."""

    kind: Literal["vm"] = "vm"
    event: VmEvent


class FactsChanged(Message):
    """The host is not as it was."""

    kind: Literal["facts"] = "facts"
    facts: HostFacts


class StoragesChanged(Message):
    """How full the repositories are now."""

    kind: Literal["storages"] = "storages"
    storages: list[StorageSeen]


class HostTouched(Message):
    """Something may have been changed by somebody: a domain, a network, a file. What it was, a census tells."""

    kind: Literal["touched"] = "touched"


class Heartbeat(Message):
    """Nothing happened, and the agent is alive."""

    kind: Literal["heartbeat"] = "heartbeat"


HostMessage = Annotated[
    Hello | StateSeen | VmHappened | FactsChanged | StoragesChanged | HostTouched | Heartbeat,
    Field(discriminator="kind"),
]
HOST_MESSAGE: TypeAdapter[HostMessage] = TypeAdapter(HostMessage)


class UploadState(Message):
    """How many bytes of an upload the host has on disk: where to go on from."""

    offset: int


class EnrolRequest(Message):
    """A host asks to belong to the pool. `csr` is PEM; `address` is host:port where its agent will listen."""

    secret: str = Field(min_length=1, max_length=200)
    csr: str = Field(min_length=1, max_length=8192)
    hostname: str = Field(min_length=1, max_length=253)
    address: str = Field(min_length=1, max_length=300)


class EnrolledAs(Message):
    """It does: its certificate and the pool's CA, both PEM."""

    host_id: str
    certificate: str
    ca: str


class EnrolToken(Message):
    """What an administrator carries to a host: where the manager is, what its CA's certificate hashes to (SHA-256 of
    the DER form, hex), and a secret good for one host, once."""

    url: str
    ca: str
    secret: str

    def encode(self) -> str:
        """As one word to paste."""
        plain = json.dumps(self.model_dump(), separators=(",", ":"))
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> EnrolToken:
        """The reverse; `InvalidInput` (`enrolment.token_malformed`)."""
        try:
            return cls.model_validate_json(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except (binascii.Error, ValueError, ValidationError) as error:
            raise InvalidInput("The enrolment token is not complete.", code="enrolment.token_malformed",
                               hint="Copy all of it, or make a new one.") from error  # fmt: skip
