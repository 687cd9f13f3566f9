"""The client: one object with every noun of the API.

async with AltusClient("https://127.0.0.1:8440", token, ca=Path("ca.pem")) as altus:
    task = await altus.vms.start("web1").run()
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from altus.common.errors import AltusError, Unavailable
from altus.sdk.alarms import Alarms
from altus.sdk.audit import Audit
from altus.sdk.consoles import Consoles
from altus.sdk.events import Events
from altus.sdk.floating_ips import FloatingIps
from altus.sdk.forwards import Forwards
from altus.sdk.hosts import Hosts
from altus.sdk.images import Images
from altus.sdk.networks import Networks
from altus.sdk.placement import Placement
from altus.sdk.pools import Pools
from altus.sdk.projects import Projects
from altus.sdk.rights import Grants, Groups, Policies, Roles
from altus.sdk.routers import Routers
from altus.sdk.security_groups import SecurityGroups
from altus.sdk.sessions import Sessions, Tokens
from altus.sdk.snapshot_schedules import SnapshotSchedules
from altus.sdk.snapshots import Snapshots
from altus.sdk.storages import Storages
from altus.sdk.system import System
from altus.sdk.tasks import Tasks
from altus.sdk.tls import check_url, fingerprint, same_fingerprint, trusting, verifying
from altus.sdk.transport import Transport
from altus.sdk.users import Users
from altus.sdk.vms import Vms
from altus.sdk.volumes import Volumes


class AltusClient:
    """A connection to a manager, as an async context manager.

    `ca` is the file of the pool's CA certificate (None: the system's CAs). Errors are those of `altus.common.errors`.
    For up to `patience` seconds a manager that does not answer, such as one that restarts, is waited for; `on_trouble`
    is told each time. Changes carry idempotency keys, so that repeating them is safe.
    """

    def __init__(self, url: str, token: str = "", ca: Path | None = None, *, patience: float = 20.0,
                 on_trouble: Callable[[AltusError], None] | None = None) -> None:  # fmt: skip
        tls = verifying(ca) if check_url(url).startswith("https:") else None
        self.transport = Transport(url, token, tls, patience=patience, on_trouble=on_trouble)
        transport = self.transport
        self.vms = Vms(transport)
        self.volumes = Volumes(transport)
        self.snapshots = Snapshots(transport)
        self.snapshot_schedules = SnapshotSchedules(transport)
        self.images = Images(transport)
        self.networks = Networks(transport)
        self.security_groups = SecurityGroups(transport)
        self.floating_ips = FloatingIps(transport)
        self.forwards = Forwards(transport)
        self.routers = Routers(transport)
        self.storages = Storages(transport)
        self.hosts = Hosts(transport)
        self.placement = Placement(transport)
        self.pools = Pools(transport)
        self.projects = Projects(transport)
        self.tasks = Tasks(transport)
        self.events = Events(transport)
        self.consoles = Consoles(transport)
        self.users = Users(transport)
        self.groups = Groups(transport)
        self.grants = Grants(transport)
        self.roles = Roles(transport)
        self.policies = Policies(transport)
        self.sessions = Sessions(transport)
        self.tokens = Tokens(transport)
        self.alarms = Alarms(transport)
        self.audit = Audit(transport)
        self.system = System(transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:  # fmt: skip
        await self.transport.close()


async def fetch_ca(url: str, expected: str = "", *, patience: float = 0.0) -> tuple[str, str]:
    """The CA certificate (PEM) that a manager shows to whoever asks, and its fingerprint (SHA-256, hex). Nothing proves
    yet that it is the right one: compare the fingerprint. `Unavailable` (`client.untrusted`) if it is not `expected`.
    """
    transport = Transport(url, tls=trusting(), patience=patience)
    try:
        pem = await System(transport).ca()
    finally:
        await transport.close()
    found = fingerprint(pem)
    if expected and not same_fingerprint(found, expected):
        raise Unavailable(f"The manager's CA has the fingerprint {found}, which is not the expected one.",
                          code="client.untrusted", hint="Somebody may stand between you and the manager.")  # fmt: skip
    return pem, found
