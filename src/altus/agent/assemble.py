"""Putting an agent together from its settings."""

from __future__ import annotations

from altus.agent.core import AgentCore
from altus.agent.credentials import Credentials
from altus.agent.drivers import HostDrivers
from altus.agent.identity import Identity
from altus.agent.inventory.facts import look
from altus.agent.peers import AgentPeers
from altus.agent.processes import active_vms, qemu_processes
from altus.agent.repositories import Opener
from altus.agent.settings import AgentSettings
from altus.drivers.hypervisor.load import HypervisorOptions, load_hypervisor
from altus.drivers.image.load import builder
from altus.drivers.network.base import NetworkDriver
from altus.drivers.network.fake import FakeNetworks
from altus.drivers.network.load import load_network
from altus.model.image import BuiltinImage


def _network(settings: AgentSettings) -> NetworkDriver:
    if settings.network == "fake":  # kept in a file, so that it outlives the agent as real networks do
        return FakeNetworks(settings.state_dir / "fake-network.db")
    identity = Identity(settings.state_dir / "tls")
    options = {
        "northbound": settings.ovn_northbound,
        "southbound": settings.ovn_southbound,
        "encap_address": settings.ovn_encap_address,
        "tls_key": str(identity.certificate),
        "tls_certificate": str(identity.certificate),
        "tls_ca": str(identity.ca),
    }
    return load_network(settings.network, {name: value for name, value in options.items() if value})


async def assemble(settings: AgentSettings, host_id: str) -> AgentCore:
    """The agent of this host. Storage that cannot be opened yet is opened when it can; needs a running event loop."""
    hypervisor = load_hypervisor(
        settings.hypervisor, HypervisorOptions(state_dir=settings.state_dir, uri=settings.libvirt_uri)
    )
    fake = settings.hypervisor == "fake"
    identity = Identity(settings.state_dir / "tls")
    credentials = Credentials(identity)
    opener = Opener(host_id, settings.storages, settings.state_dir / "repositories.json")
    drivers = HostDrivers(
        host_id=host_id,
        hypervisor=hypervisor,
        network=_network(settings),
        processes=(lambda: active_vms(hypervisor)) if fake else qemu_processes,
        peers=AgentPeers(identity, credentials.revoked),
        credentials=credentials,
        repositories=opener.opened,
        builders={image: builder(image, cache=settings.image_cache, fake=fake) for image in BuiltinImage},
    )
    core = AgentCore(drivers, settings.state_dir, look)
    if not await opener.open_all(core.facts.warn):
        core.add_work(lambda: opener.keep_trying(core.facts.warn))
    return core
