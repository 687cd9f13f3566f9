"""What can be told of `./dev lab` without one: names, addresses, cuts, orders, and what is written."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from devkit import main, progress
from devkit.lab import control, cuts, networks, places
from devkit.lab.cuts import Cut, Direction
from devkit.lab.networks import Net
from devkit.lab.places import LabError
from devkit.lab.status import MachineStatus, table
from devkit.machine import ENVIRONMENT

_EVERY = [*places.MANAGERS, places.DATABASE, *(places.host_name(number) for number in range(1, places.MOST_HOSTS + 1))]


def test_names_of_hosts_and_their_numbers_agree() -> None:
    assert [places.host_number(places.host_name(number)) for number in (1, 10, 32)] == [1, 10, 32]


@pytest.mark.parametrize("name", ["host0", "host33", "host01", "manager", "database", "host", "host1 ", "../host1"])
def test_what_is_no_host_is_refused(name: str) -> None:
    with pytest.raises(LabError, match="there is no host"):
        places.host_number(name)


@pytest.mark.parametrize("number", [0, -1, 33])
def test_a_lab_has_at_least_one_host_and_not_too_many(number: int) -> None:
    with pytest.raises(LabError, match="1 to 32 hosts"):
        places.host_name(number)


@pytest.mark.parametrize("number", [0, 5])
def test_a_lab_has_at_least_one_manager_and_not_too_many(number: int) -> None:
    with pytest.raises(LabError, match="1 to 4 managers"):
        places.manager_name(number)


def test_every_machine_has_addresses_and_cables_of_its_own() -> None:
    addresses = [networks.address(name, net).ip for name in _EVERY for net in networks.nets(name)]
    ports = [networks.port(name, net) for name in _EVERY for net in networks.nets(name)]
    assert len(set(addresses)) == len(addresses)
    assert len({*ports, *Net}) == len(ports) + len(Net)
    assert max(map(len, ports)) <= 15  # what a name of a network device may have
    assert all(any(address in cidr for cidr in networks.CIDRS.values()) for address in addresses)


def test_a_lab_in_a_test_machine_lies_in_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    assert places.root() == Path("/var/tmp/altus-lab")
    monkeypatch.setenv(ENVIRONMENT, "altus-1234")
    assert places.root() == Path("/var/tmp/altus-machines/altus-1234/lab")


def test_hosts_share_one_folder_and_have_all_else_for_themselves() -> None:
    one, two, manager = (places.machine(name, Path("/lab")) for name in ("host1", "host2", "manager"))
    assert one.shared == two.shared == {"/var/lib/altus/shared": Path("/lab/shared")}
    assert manager.own("/var/lib/altus/manager/tls/ca.pem") == Path("/lab/managers/tls/ca.pem")
    assert one.own("/var/lib/altus/agent/tls") == Path("/lab/machines/host1/var-lib-altus/agent/tls")
    assert len({one.group, two.group, manager.group}) == 3


@pytest.mark.parametrize(
    ("machine", "net", "direction", "expected"),
    [
        ("host1", "tenant", "in", {Cut("host1", Net.TENANT, Direction.IN)}),
        ("host1", "tenant", "both", {Cut("host1", Net.TENANT, way) for way in Direction}),
        ("host1", "all", "out", {Cut("host1", net, Direction.OUT) for net in Net}),
        ("manager", "all", "in", {Cut("manager", Net.MANAGEMENT, Direction.IN)}),
        ("manager", "tenant", "both", set()),
    ],
)
def test_cuts_are_of_networks_that_the_machine_is_on(
    machine: str, net: str, direction: str, expected: set[Cut]
) -> None:
    assert cuts.cuts(machine, net, direction) == expected


def test_what_comes_to_a_machine_is_dropped_where_it_leaves_the_switch() -> None:
    rules = cuts.ruleset([Cut("host1", Net.TENANT, Direction.IN), Cut("host2", Net.MANAGEMENT, Direction.OUT)])
    assert rules.startswith("table netdev altus-lab\ndelete table netdev altus-lab\n")
    assert 'hook egress device "host1-t" priority 0; policy drop;' in rules
    assert 'hook ingress device "host2-m" priority 0; policy drop;' in rules


def test_nothing_is_dropped_without_cuts() -> None:
    assert "drop" not in cuts.ruleset([])


def test_status_is_a_table_for_people() -> None:
    host = MachineStatus(machine="host1", power="on", state="up", vms=2, pid=7,
                         addresses={"management": "10.199.1.11"}, cuts=["tenant in"])  # fmt: skip
    off = MachineStatus(machine="host10", power="off", state="", vms=None, pid=None, addresses={}, cuts=[])
    assert table([host, off]).splitlines() == [
        "machine  power  state  vms  pid  addresses    cuts",
        "host1    on     up     2    7    10.199.1.11  tenant in",
        "host10   off    -      -    -    -            -",
    ]


def test_orders_to_no_lab_say_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"no lab is up: `./dev lab up N` makes one"):
        control.order(tmp_path, "status")


async def test_orders_are_answered_with_result_error_and_progress(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def double(number: int) -> int:
        progress.say(f"doubling {number}")
        return 2 * number

    async def fail() -> None:
        async with asyncio.TaskGroup() as both:
            for why in ("no power", "no power", "no cable"):
                both.create_task(_raise(why))

    async def _raise(why: str) -> None:
        raise LabError(why)

    server = await control.serve(tmp_path, {"double": double, "fail": fail}, (LabError,))
    async with server:
        assert await asyncio.to_thread(control.order, tmp_path, "double", number=21) == 42
        with pytest.raises(LabError, match=r"^no power; no cable$"):
            await asyncio.to_thread(control.order, tmp_path, "fail")
    assert capsys.readouterr().err == "doubling 21\n"


def test_lab_refuses_what_is_no_network(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.main(["lab", "cut", "host1", "--network", "wifi"])
    assert "invalid choice: 'wifi'" in capsys.readouterr().err
