"""The tools behind ./dev: test machines, services and packages."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path

import psutil
import pytest

from devkit import cgroups, main, packages, postgres, services, testmachine
from devkit.services import declared, processes, supervised, systemd
from devkit.services.plain import Plain

MACHINE = [sys.executable, "-m", "devkit.testmachine"]


def _machine(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*MACHINE, "--", *command], capture_output=True, text=True, check=False)


def _groups(name: str) -> list[Path]:
    return [hierarchy.folder / name for hierarchy in cgroups.mounted() if (hierarchy.folder / name).exists()]


@pytest.mark.functional
def test_machine_is_private_and_leaves_nothing() -> None:
    script = "hostname; id -u; echo $$; ls /var/lib/altus; touch /var/lib/altus/mine; ip -o link | wc -l; exit 7"
    done = _machine("sh", "-c", script)
    name, user, pid, *rest = done.stdout.split()
    assert done.returncode == 7
    assert user == "0"
    assert int(pid) < 20
    assert rest == ["1"]
    assert not Path("/var/lib/altus/mine").exists()
    assert not (testmachine.MACHINES / name).exists()
    assert _groups(name) == []


@pytest.mark.functional
def test_a_machine_gets_the_share_of_busy_processors_that_it_was_given() -> None:
    script = "cat /sys/fs/cgroup/cpu*/cpu.shares /sys/fs/cgroup/cpu.weight 2>/dev/null; true"
    usual, small = (
        subprocess.run([*MACHINE, *given, "--", "sh", "-c", script], capture_output=True, check=True).stdout.split()
        for given in ((), ("--weight", "25"))
    )
    assert [int(number) * 4 for number in small] == [int(number) for number in usual]
    assert usual


@pytest.mark.functional
def test_what_a_command_took_of_the_processors_is_told() -> None:
    script = "import time; end = time.process_time() + 2\nwhile time.process_time() < end: pass"
    told = subprocess.run([*MACHINE, "--account", "--", sys.executable, "-c", script], capture_output=True, text=True,
                          check=True).stdout  # fmt: skip
    took, used = (int(word) for word in re.findall(r"(\d+) s", told))
    assert took >= 2
    assert used >= 2


@pytest.mark.functional
def test_signal_that_ends_the_command_is_told_by_the_status() -> None:
    assert _machine("sh", "-c", "kill -KILL $$").returncode == 128 + signal.SIGKILL


@pytest.mark.functional
def test_termination_reaches_the_command() -> None:
    script = "trap 'exit 9' TERM; sleep 1000 & echo ready; wait"
    with subprocess.Popen([*MACHINE, "--", "bash", "-c", script], stdout=subprocess.PIPE) as machine:
        assert machine.stdout is not None
        assert machine.stdout.readline() == b"ready\n"
        machine.terminate()
        assert machine.wait(30) == 9


@pytest.mark.functional
def test_a_command_can_be_interrupted_also_where_its_machine_was_started_in_the_background() -> None:
    """A shell lets such a program ignore ctrl-C."""
    command = [*MACHINE, "--", "sh", "-c", "kill -INT $$; exit 3"]
    background = f"import os, signal; signal.signal(2, signal.SIG_IGN); os.execvp({command[0]!r}, {command})"
    started = [sys.executable, "-c", background]
    assert subprocess.run(started, check=False).returncode == 128 + signal.SIGINT


@pytest.mark.functional
def test_killed_machine_dies_whole_and_its_remains_go_with_the_next_start() -> None:
    script = "setsid --fork sleep 1000 >/dev/null; hostname; exec sleep 1000"
    with subprocess.Popen([*MACHINE, "--", "sh", "-c", script], stdout=subprocess.PIPE, text=True) as machine:
        assert machine.stdout is not None
        name = machine.stdout.readline().strip()
        inside = psutil.Process(machine.pid).children(recursive=True)
        machine.kill()
        assert machine.stdout.read() == ""  # ends when nobody is left who holds it
    assert len(inside) >= 3  # process 1, the command, and the one it set free
    assert psutil.wait_procs(inside, timeout=30)[1] == []
    assert _machine("true").returncode == 0
    assert not (testmachine.MACHINES / name).exists()
    assert _groups(name) == []


@pytest.mark.functional
def test_service_is_killed_and_started_again_by_name() -> None:
    runner = Plain()
    runner.start(["libvirt"])
    try:
        killed = runner.kill("libvirtd")
        assert runner.pid("libvirtd") is None
        with pytest.raises(services.ServiceError, match="does not run"):
            runner.kill("libvirtd")
        runner.start(["libvirtd"])
        [state] = runner.status(["libvirtd"])
        assert state.ready
        assert state.pid not in {None, killed}
    finally:
        runner.stop(["libvirt"])
    assert [state.pid for state in runner.status(["libvirt"])] == [None, None]


@pytest.mark.functional
def test_service_that_does_not_start_is_reported_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = services.Service("broken", ("/bin/sh", "-c", "echo why; exit 1"), ready=lambda: False, unit="")
    monkeypatch.setattr(declared, "SERVICES", {"broken": broken})
    monkeypatch.setattr("devkit.services.plain.SERVICES", {"broken": broken})
    with pytest.raises(services.ServiceError, match=r"broken ended before it answered(?s:.*)why"):
        Plain().start(["broken"])


@pytest.mark.functional
def test_committed_data_survive_a_kill_of_postgresql() -> None:
    with postgres.running() as server:
        name = server.create_database()
        _psql(server, name, "create table t as select 42 as answer")
        server.kill()
        assert server.pid is None
        server.start()
        assert _psql(server, name, "select answer from t") == "42"


def _psql(server: postgres.Postgres, database: str, statement: str) -> str:
    command = ["psql", "--tuples-only", "--no-align", "--command", statement, server.dsn(database, "postgresql")]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_groups_and_names_resolve_once_and_in_starting_order() -> None:
    names = [service.name for service in services.resolve(["ovn-controller", "libvirt", "libvirtd", "ovsdb"])]
    assert names == ["virtlogd", "libvirtd", "ovsdb", "ovn-controller"]


def test_unknown_service_is_named() -> None:
    with pytest.raises(services.ServiceError, match="no service 'ceph'"):
        services.resolve(["libvirt", "ceph"])


def test_supervisor_knows_every_service_and_starts_none_by_itself() -> None:
    parsed = RawConfigParser()
    parsed.read_string(supervised.config(services.SERVICES.values()))
    programs = {name for name in parsed.sections() if name.startswith("program:")}
    assert programs == {f"program:{name}" for name in services.SERVICES}
    assert {parsed[name]["autostart"] for name in programs} == {"false"}
    assert {parsed[name]["autorestart"] for name in programs} == {"true"}


def test_unit_file_runs_the_declared_command() -> None:
    [manager] = services.resolve(["altus-manager"])
    text = systemd.unit_text(manager)
    assert f"ExecStart={' '.join(manager.command)}\n" in text
    assert "Restart=always\n" in text


def test_process_is_found_by_its_command_behind_an_interpreter(tmp_path: Path) -> None:
    script = tmp_path / "daemon"
    script.write_text("#!/bin/sh\nread line\n")
    script.chmod(0o755)
    command = (str(script), "--argument")
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert processes.find(command) == process.pid
        assert processes.end(process.pid, signal.SIGKILL, 30)
    assert processes.find(command) is None
    assert not processes.is_running(os.getpid(), command)


@pytest.mark.parametrize(
    ("mounts", "expected"),
    [
        (("cgroup2 cgroup2 rw", "/sys/fs/cgroup"), [cgroups.Hierarchy(Path("/sys/fs/cgroup"), "")]),
        (
            ("cgroup cgroup rw,cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct"),
            [cgroups.Hierarchy(Path("/sys/fs/cgroup/cpu,cpuacct"), "cpu,cpuacct")],
        ),
        (("cgroup cgroup rw,name=systemd", "/sys/fs/cgroup/systemd"), []),
    ],
    ids=["unified", "per controller", "named"],
)
def test_hierarchies_are_read_from_mountinfo(mounts: tuple[str, str], expected: list[cgroups.Hierarchy]) -> None:
    kind, folder = mounts
    line = f"30 23 0:26 / {folder} rw,nosuid shared:4 - {kind}\n"
    other = "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
    assert cgroups.hierarchies(other + line) == expected


def test_unified_hierarchy_beside_controllers_is_left_out() -> None:
    lines = (
        "31 23 0:27 / /sys/fs/cgroup/unified rw shared:5 - cgroup2 cgroup2 rw\n"
        "32 23 0:28 / /sys/fs/cgroup/pids rw shared:6 - cgroup cgroup rw,pids\n"
    )
    assert cgroups.hierarchies(lines) == [cgroups.Hierarchy(Path("/sys/fs/cgroup/pids"), "pids")]


def test_every_needed_package_is_known_once() -> None:
    assert len(packages.wanted("test")) == len(set(packages.wanted("test")))
    assert set(packages.wanted("up")) < set(packages.wanted("test"))


def test_missing_package_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "PACKAGES", {"some": ("dpkg", "altus-no-such-package")})
    assert packages.missing("up") == ["altus-no-such-package"]


def test_arguments_of_test_are_handed_on_untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(main, "_prepare_images", lambda: None)

    def run(command: list[str], services: list[str]) -> int:
        seen.append(command)
        return 5

    monkeypatch.setattr(testmachine, "run", run)
    assert main.main(["test", "-k", "disk and not slow", "--help", "-x"]) == 5
    assert seen == [[sys.executable, "-m", "pytest", "-k", "disk and not slow", "--help", "-x"]]
