"""Accounts of the real manager: three administrators, a user with rights, and what nobody may."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from altus.common.errors import AltusError, Forbidden, NotFound, Unauthenticated
from altus.model.account import BUILTIN_ACCOUNTS, SubjectKind
from altus.model.permission import OPERATOR_ROLE, Duty
from altus.sdk.client import AltusClient
from altus.wire.consoles import ConsoleKind
from altus.wire.users import GrantCreate, TokenCreate, UserCreate
from testbed.administrator import Administrator, fresh
from testbed.strikes import MANAGER
from testbed.system import System

pytestmark = pytest.mark.functional
_NEW = "vQ7!kzP2#mWx9Lr-tu"


class Office:
    """Who is logged in: the three administrators, with passwords of their own."""

    def __init__(self, system: System, stack: AsyncExitStack) -> None:
        self._system = system
        self._stack = stack
        self.by_duty: dict[Duty, AltusClient] = {}

    async def login(self, name: str, password: str) -> AltusClient:
        """A client with a new session."""
        async with self._system.client(token="") as nobody:
            opened = await nobody.sessions.login(name, password)
        return await self._stack.enter_async_context(self._system.client(token=opened.token))

    async def arrive(self, name: str, first: str) -> AltusClient:
        """Log in for the first time: the one-time password must be changed; later it is the changed one."""
        try:
            client = await self.login(name, first)
        except Unauthenticated:
            return await self.login(name, _NEW)
        await client.sessions.change_password(first, _NEW)
        return client


@pytest.fixture
async def office(system: System) -> AsyncIterator[Office]:
    """All three have arrived."""
    async with AsyncExitStack() as stack:
        office = Office(system, stack)
        for duty, name in BUILTIN_ACCOUNTS.items():
            office.by_duty[duty] = await office.arrive(name, system.first_passwords()[name])
        yield office


async def test_a_first_password_is_good_for_changing_it_only(admin: Administrator) -> None:
    name = fresh("user")
    made = await admin.altus.users.create(UserCreate(name=name))
    async with AsyncExitStack() as stack:
        office = Office(admin.system, stack)
        client = await office.login(name, made.password)
        with pytest.raises(Forbidden) as caught:
            await client.vms.page()
        assert caught.value.code == "password.must_change"
        with pytest.raises(AltusError):
            await client.sessions.change_password(made.password, "short")
        await client.sessions.change_password(made.password, _NEW)
        with pytest.raises(Unauthenticated):
            await office.login(name, made.password)
        await office.login(name, _NEW)
    await admin.altus.users.delete(name)


async def test_the_three_administrators_cannot_do_each_others_work(admin: Administrator, office: Office) -> None:
    system, security, audit = (office.by_duty[duty] for duty in (Duty.SYSTEM, Duty.SECURITY, Duty.AUDIT))
    assert (await system.system.doctor()).healthy
    assert (await audit.audit.verify()).intact
    assert (await security.grants.page()).items
    for forbidden in (
        system.audit.page(),
        system.grants.page(),
        security.vms.page(),
        security.audit.page(),
        audit.vms.page(),
        audit.grants.page(),
        security.system.doctor(),
    ):
        with pytest.raises(Forbidden) as caught:
            await forbidden
        assert caught.value.hint


async def test_a_user_may_what_was_granted_and_no_more(admin: Administrator, office: Office) -> None:
    vm, name = await admin.guest(), fresh("user")
    made = await admin.altus.users.create(UserCreate(name=name))
    user = await office.arrive(name, made.password)
    with pytest.raises((Forbidden, NotFound)):
        await user.vms.get(vm.id)
    grant = GrantCreate(subject_kind=SubjectKind.ACCOUNT, subject=name, role=OPERATOR_ROLE.name)
    await office.by_duty[Duty.SECURITY].grants.create(grant)
    assert (await user.vms.get(vm.id)).name == vm.name
    await user.vms.pause(vm.id).run()
    await user.vms.resume(vm.id).run()
    assert (await user.consoles.ticket(vm.id, ConsoleKind.VNC)).path
    with pytest.raises(Forbidden):
        await user.vms.delete(vm.id)
    assert not (await user.vms.get(vm.id)).allowed_actions["delete"].allowed
    await admin.altus.users.delete(name)
    with pytest.raises(Unauthenticated):
        await user.vms.page()


async def test_a_token_may_less_than_its_owner_and_ends_when_revoked(admin: Administrator, office: Office) -> None:
    owner, name = office.by_duty[Duty.SYSTEM], fresh("token")
    made = await owner.tokens.create(TokenCreate.model_validate(
        {"name": name, "expires_in": "1h", "permissions": ["vm:read"]}
    ))  # fmt: skip
    async with admin.system.client(token=made.token) as holder:
        await holder.vms.page()
        with pytest.raises(Forbidden):
            await holder.networks.page()
        await owner.tokens.revoke(name)
        with pytest.raises(Unauthenticated):
            await holder.vms.page()


async def test_what_was_done_is_in_the_audit_even_over_a_killed_manager(admin: Administrator, office: Office) -> None:
    vm = await admin.vm(networks=())
    admin.system.restart(MANAGER)
    audit = office.by_duty[Duty.AUDIT]
    actions = [record.action async for record in audit.audit.each([f"object_id:{vm.id}"])]
    assert "vm.create" in actions
    assert (await audit.audit.verify()).intact


@pytest.mark.parametrize("token", ["", "nonsense", "altus_" + "x" * 40, "\u00fc"])
async def test_nobody_gets_nothing(admin: Administrator, token: str) -> None:
    async with admin.system.client(token=token.encode("ascii", "replace").decode()) as nobody:
        with pytest.raises(Unauthenticated):
            await nobody.vms.page()


_BAD: list[tuple[str, str, object]] = [
    ("GET", "/vms/no-such-vm", None),
    ("GET", "/vms/..%2F..%2Fetc%2Fpasswd", None),
    ("GET", "/vms?limit=-1", None),
    ("GET", "/vms?limit=1e9", None),
    ("GET", "/vms?sort=no_such_field", None),
    ("GET", "/vms?filter=no_such_field:1", None),
    ("GET", "/vms?after=garbage", None),
    ("GET", "/tasks/not-a-task", None),
    ("POST", "/vms", []),
    ("POST", "/vms", {"name": 7}),
    ("POST", "/vms", {"name": "x", "image": "no-such-image"}),
    ("POST", "/vms", {"name": "x", "disk_size": 1048576, "nics": [{"network": "no-such-network"}]}),
    ("POST", "/vms", {"name": "x", "disk_size": 1048576, "project": "no-such-project"}),
    ("POST", "/vms", {"name": "x", "disk_size": 1048576, "storage": "no-such-storage"}),
    ("POST", "/vms", {"name": "\u0000", "disk_size": 1048576}),
    ("POST", "/vms", {"name": "x", "disk_size": 1048576, "cloud_init": {"ssh_keys": ["rm -rf /"]}}),
    ("PATCH", "/vms/no-such-vm", {}),
    ("DELETE", "/vms/no-such-vm", None),
    ("POST", "/networks", {"name": "x", "cidr": "not a network"}),
    ("POST", "/images", {"name": "x/../y"}),
    ("POST", "/sessions", {"name": "system", "password": "wrong"}),
    ("POST", "/hosts/enrol", {"name": "x", "label": "no-such-label"}),
    ("PUT", "/nowhere", {}),
]


@pytest.mark.parametrize(("method", "path", "body"), _BAD, ids=[f"{m} {p} {b}"[:60] for m, p, b in _BAD])
async def test_bad_input_is_refused_with_a_reason(admin: Administrator, method: str, path: str, body: object) -> None:
    with pytest.raises(AltusError) as caught:
        await admin.send(method, path, body)
    error = caught.value
    assert error.kind in ("invalid", "not_found", "conflict", "forbidden", "unauthenticated"), error.to_dict()
    assert error.code
    assert error.hint, error.to_dict()
    assert "Traceback" not in admin.system.log(MANAGER)
