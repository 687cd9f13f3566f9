"""What the manager can ask of an agent: every operation declared once, with the shapes of its request and response.

`POST /v1/call/<name>` carries the request; the answer is a stream of JSON lines: `{"progress": …, "message": …}` while
it lasts, then `{"result": …}` or `{"error": …}`. All operations are idempotent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from altus.model.domain import DomainFacts
from altus.model.image import BuiltinImage, ImageFacts
from altus.model.migration import MigrationFacts, MigrationOptions
from altus.model.network import NetworkSpec, PortSpec
from altus.model.network_trace import PacketSpec, TraceFacts
from altus.model.router import RouterSpec
from altus.model.security_group import SecurityGroupSpec
from altus.model.storage import StorageUsage
from altus.model.translation import TranslationSpec
from altus.model.vm import CloudInit, VmDefinition, VmObservation
from altus.model.volume import LayerFacts, VolumeBase, VolumeFacts

Q = TypeVar("Q")
S = TypeVar("S")


class Message(BaseModel):
    """A value that crosses between manager and agent."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Nothing(Message):
    """No further answer than success."""


@dataclass(frozen=True)
class Operation(Generic[Q, S]):
    """A call by name. `timeout` is the longest silence in seconds before the caller gives the agent up."""

    name: str
    request: type[Q]
    response: type[S]
    timeout: float = 30.0


class VmRef(Message):
    """A VM of the host."""

    vm_id: str


class VmDefine(Message):
    """Define a VM; `seed` only when the guest's first-boot data is to be written anew."""

    vm: VmDefinition
    seed: CloudInit | None = None


class VmPlug(Message):
    """Let a running VM's guest have of these devices what the definition has: see `Devices.plug`."""

    vm: VmDefinition
    device_ids: list[str]
    held: list[str] = []
    asked: list[str] = []


class VmPlugged(Message):
    """Devices that the guest keeps although it was asked for them."""

    kept: list[str]


class DomainRef(Message):
    """A domain of the host, whoever made it."""

    domain_id: str


class VmReboot(Message):
    """Restart the guest, politely or not."""

    vm_id: str
    force: bool = False


class VmSeen(Message):
    """What the host sees; None if the VM is not defined there."""

    observation: VmObservation | None


class HostAddress(Message):
    """Where another host's agent listens (host:port; empty: that host was forgotten)."""

    host_id: str
    address: str


class VmAdmit(Message):
    """Let a host bring a VM here; empty: nobody."""

    vm_id: str
    host_id: str


class VmAdmitted(Message):
    """What the host is called as the place of ports."""

    place: str


class VmMove(Message):
    """Move a running VM `to` a host that admits it, where its ports are at `place` then; `copies`: with its disks."""

    vm_id: str
    to: HostAddress
    place: str
    port_ids: list[str]
    options: MigrationOptions = MigrationOptions()
    copies: bool = False


class VmMoved(Message):
    """It runs there."""

    facts: MigrationFacts


class VmSettled(Message):
    """What the host sees of a VM that was to leave it; `left`: the other host has it, or had it last."""

    observation: VmObservation | None
    left: bool


class VolumeCreate(Message):
    """Make a volume; `size` in bytes."""

    storage_id: str
    volume_id: str
    size: int
    base: VolumeBase | None = None


class VolumeResize(Message):
    """Grow a volume to `size` bytes."""

    storage_id: str
    volume_id: str
    size: int


class VolumeRef(Message):
    """A volume of a repository."""

    storage_id: str
    volume_id: str


class VolumeSeen(Message):
    """What storage says; None if it is not there."""

    facts: VolumeFacts | None


class VolumeFreeze(Message):
    """Keep what a volume holds as its layer; it goes on as it is, or as its layer `onto` was."""

    storage_id: str
    volume_id: str
    layer_id: str
    onto: str = ""


class VmFreeze(Message):
    """Keep what these disks of a VM hold at one instant as their layers; `quiesce`: if it runs, its agent has file
    systems written out before."""

    vm_id: str
    storage_id: str
    volume_ids: list[str]
    layer_id: str
    quiesce: bool = False


class LayerRef(Message):
    """A layer of a volume."""

    storage_id: str
    volume_id: str
    layer_id: str


class LayerThaw(LayerRef):
    """A layer to become the volume again; with `vm_id` that VM may run on it, and nothing may be lost."""

    vm_id: str = ""


class LayersAsked(Message):
    """Volumes of a repository, with their layers."""

    storage_id: str
    volume_ids: list[str]


class LayersSeen(Message):
    """What storage says of those that are there."""

    volumes: list[VolumeFacts]
    layers: list[LayerFacts]


class ImageRef(Message):
    """An image of a repository."""

    storage_id: str
    image_id: str


class ImageBuild(Message):
    """Build an image of Altus' own and store it."""

    storage_id: str
    image_id: str
    builtin: BuiltinImage


class ImageMade(Message):
    """What was stored."""

    facts: ImageFacts


class NetworkEnsure(Message):
    """Make a network be like this."""

    network: NetworkSpec


class NetworkRef(Message):
    """A network."""

    network_id: str


class PortEnsure(Message):
    """Make a port be like this."""

    port: PortSpec


class PortRef(Message):
    """A port."""

    port_id: str


class RouterEnsure(Message):
    """Let networks reach each other."""

    router: RouterSpec


class RouterRef(Message):
    """A router between networks."""

    router_id: str


class TranslationEnsure(Message):
    """Lead an outside address to a NIC."""

    translation: TranslationSpec


class TranslationRef(Message):
    """A translation."""

    translation_id: str


class PortBind(Message):
    """Let only one host plug a VM into a port: the one called `place`, or (None) the one that is asked; empty: any."""

    port_id: str
    place: str | None


class NetworkTrace(Message):
    """What would become of a packet?"""

    packet: PacketSpec


class NetworkTraced(Message):
    """That."""

    facts: TraceFacts


class SecurityGroupEnsure(Message):
    """Make a security group be like this."""

    group: SecurityGroupSpec


class SecurityGroupRef(Message):
    """A security group."""

    group_id: str


class CertificateAsked(Message):
    """A request (PEM) for a certificate for a new key of the host, and the serial number (hex) of what it shows now."""

    csr: str
    serial: str


class CertificateTake(Message):
    """Show this certificate (PEM) instead of the one with the serial number `instead_of` (hex)."""

    certificate: str
    instead_of: str


class CertificateRef(Message):
    """One of the host's certificates, by its serial number (hex)."""

    serial: str


class CertificatesRevoked(Message):
    """The serial numbers (hex) of all hosts' certificates that are not to be believed."""

    serials: list[str]


class Census(Message):
    """Everything of Altus that a host really has, to compare the database with.

    `processes` are the ids of VMs for which a QEMU process runs; `networks` ids, `ports` port id → network id,
    `security_groups` group id → digest, `memberships` port id → group ids, `limits` port id → words, `routers` and
    `translations` id → words (`NetworkTruth`); `storages` maps a repository to its volumes, layers and images;
    `domains` are all there are, whoever made them.
    """

    vms: list[VmObservation]
    processes: list[str]
    volumes: dict[str, list[VolumeFacts]]
    layers: dict[str, list[LayerFacts]]
    images: dict[str, list[ImageFacts]]
    usage: dict[str, StorageUsage]
    networks: list[str]
    ports: dict[str, str]
    security_groups: dict[str, str]
    memberships: dict[str, list[str]]
    limits: dict[str, str]
    routers: dict[str, str]
    translations: dict[str, str]
    domains: list[DomainFacts]


class Domains(Message):
    """All domains of a host, whoever made them."""

    domains: list[DomainFacts]


_LONG = 600.0

VM_DEFINE = Operation("vm.define", VmDefine, VmSeen)
VM_PLUG = Operation("vm.plug", VmPlug, VmPlugged, timeout=120)
VM_TAKE = Operation("vm.take", DomainRef, Nothing)
VM_GIVE_BACK = Operation("vm.give_back", DomainRef, Nothing)
VM_UNDEFINE = Operation("vm.undefine", VmRef, Nothing)
VM_START = Operation("vm.start", VmRef, VmSeen, timeout=120)
VM_SHUTDOWN = Operation("vm.shutdown", VmRef, VmSeen)
VM_DESTROY = Operation("vm.destroy", VmRef, VmSeen)
VM_REBOOT = Operation("vm.reboot", VmReboot, Nothing)
VM_PAUSE = Operation("vm.pause", VmRef, VmSeen)
VM_RESUME = Operation("vm.resume", VmRef, VmSeen)
VM_SUSPEND = Operation("vm.suspend", VmRef, VmSeen, timeout=_LONG)
VM_OBSERVE = Operation("vm.observe", VmRef, VmSeen)
VM_ADMIT = Operation("vm.admit", VmAdmit, VmAdmitted)
VM_MIGRATE = Operation("vm.migrate", VmMove, VmMoved, timeout=120)
VM_SETTLE = Operation("vm.settle", VmMove, VmSettled)

VOLUME_CREATE = Operation("volume.create", VolumeCreate, VolumeSeen, timeout=_LONG)
VOLUME_RESIZE = Operation("volume.resize", VolumeResize, VolumeSeen)
VOLUME_DELETE = Operation("volume.delete", VolumeRef, Nothing)
VOLUME_INSPECT = Operation("volume.inspect", VolumeRef, VolumeSeen)

LAYER_FREEZE = Operation("layer.freeze", VolumeFreeze, VolumeSeen)
LAYER_FREEZE_ALL = Operation("layer.freeze_all", VmFreeze, LayersSeen, timeout=120)
LAYER_THAW = Operation("layer.thaw", LayerThaw, VolumeSeen)
LAYER_DROP = Operation("layer.drop", LayerRef, Nothing)
LAYER_MERGE = Operation("layer.merge", VolumeRef, VolumeSeen, timeout=_LONG)
LAYER_INSPECT = Operation("layer.inspect", LayersAsked, LayersSeen)

IMAGE_IMPORT = Operation("image.import", ImageRef, ImageMade, timeout=_LONG)
IMAGE_BUILD = Operation("image.build", ImageBuild, ImageMade, timeout=_LONG)
IMAGE_DELETE = Operation("image.delete", ImageRef, Nothing)

NETWORK_ENSURE = Operation("network.ensure", NetworkEnsure, Nothing)
NETWORK_DELETE = Operation("network.delete", NetworkRef, Nothing)
NETWORK_TRACE = Operation("network.trace", NetworkTrace, NetworkTraced)
PORT_ENSURE = Operation("port.ensure", PortEnsure, Nothing)
PORT_BIND = Operation("port.bind", PortBind, Nothing)
PORT_DELETE = Operation("port.delete", PortRef, Nothing)
ROUTER_ENSURE = Operation("router.ensure", RouterEnsure, Nothing)
ROUTER_DELETE = Operation("router.delete", RouterRef, Nothing)
TRANSLATION_ENSURE = Operation("translation.ensure", TranslationEnsure, Nothing)
TRANSLATION_DELETE = Operation("translation.delete", TranslationRef, Nothing)

SECURITY_GROUP_ENSURE = Operation("security_group.ensure", SecurityGroupEnsure, Nothing)
SECURITY_GROUP_DELETE = Operation("security_group.delete", SecurityGroupRef, Nothing)

CERTIFICATE_ASK = Operation("certificate.ask", Nothing, CertificateAsked)
CERTIFICATE_DROP = Operation("certificate.drop", Nothing, Nothing)
CERTIFICATE_TAKE = Operation("certificate.take", CertificateTake, Nothing)
CERTIFICATE_RETURN = Operation("certificate.return", CertificateRef, Nothing)
CERTIFICATES_REVOKE = Operation("certificates.revoke", CertificatesRevoked, Nothing)

HOST_CENSUS = Operation("host.census", Nothing, Census, timeout=60)
HOST_DOMAINS = Operation("host.domains", Nothing, Domains)

OPERATIONS: dict[str, Operation[Message, Message]] = {
    value.name: value for value in list(globals().values()) if isinstance(value, Operation)
}
