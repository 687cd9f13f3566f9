"""Commands from the outside: what they send, what they write, and their exit codes."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from altus.common.errors import AltusError, Conflict, Failed, Forbidden, LimitExceeded, Unavailable
from tests.unit.cli.conftest import Altus
from tests.unit.sdk.fake_manager import FakeManager


def test_list_is_items_and_next_in_json(altus: Altus, manager: FakeManager) -> None:
    for name in ("a", "b", "c"):
        manager.add_vm(name, state="running")
    page = altus.json("vm", "list", "--limit", "2")
    assert [vm["name"] for vm in page["items"]] == ["a", "b"]
    assert page["next"] == "b"
    assert page["items"][0]["state"] == "running"
    assert altus.json("vm", "list", "--all")["next"] is None


def test_list_in_a_table_has_names_and_says_that_there_is_more(altus: Altus, manager: FakeManager) -> None:
    for name in ("web1", "web2"):
        manager.add_vm(name)
    result = altus("vm", "list", "--limit", "1")
    header, row = result.stdout.splitlines()
    assert header.split() == ["NAME", "STATE", "VCPUS", "MEMORY", "ADDRESSES", "HOST", "CREATED"]
    assert row.split()[:7] == ["web1", "stopped", "2", "512", "MiB", "10.0.0.7", "node1"]
    assert "There is more" in result.stderr


def test_list_filters_and_sorts(altus: Altus, manager: FakeManager) -> None:
    manager.add_vm("web1", state="running")
    manager.add_vm("web2")
    page = altus.json("vm", "list", "-f", "state:running", "--filter", "name~web", "--sort", "-name")
    assert [vm["name"] for vm in page["items"]] == ["web1"]
    assert ("sort", "-name") in manager.seen[-1].query


@pytest.mark.parametrize("place", ["before", "after"])
def test_output_may_stand_before_or_after_the_command(altus: Altus, manager: FakeManager, place: str) -> None:
    manager.add_vm("web1")
    words = ("-o", "yaml", "vm", "show", "web1") if place == "before" else ("vm", "show", "web1", "-o", "yaml")
    assert yaml.safe_load(altus(*words).stdout)["addresses"] == ["10.0.0.7"]


def test_show_in_a_table_has_the_details(altus: Altus, manager: FakeManager) -> None:
    vm = manager.add_vm("web1", description="the \x1b[31mfirst", tags=["blue", "new"])
    shown = altus("vm", "show", "web1").stdout
    assert vm["id"] in shown
    assert "blue, new" in shown
    assert "Westmere, 2 features" in shown
    assert "\x1b" not in shown


def test_host_is_shown_though_the_name_of_its_pool_cannot_be_read(altus: Altus) -> None:
    assert "node1" in altus("host", "show", "node1").stdout


def test_create_sends_sizes_in_bytes_and_shows_the_vm(altus: Altus, manager: FakeManager, tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== me\n")
    vm = altus.json("vm", "create", "web1", "--image", "debian-12", "--network", "lan", "--memory", "2G", "--vcpus",
                    "4", "--disk-size", "20G", "--disk", "1.5T", "--ssh-key", str(tmp_path / "key.pub"), "--start",
                    "--tag", "blue", "--cpu", "Haswell")  # fmt: skip
    assert (vm["name"], vm["state"]) == ("web1", "stopped")
    sent = manager.requests("POST", "/vms")[0].json
    assert (sent["memory"], sent["disk_size"], sent["disks"]) == (2 * 2**30, 20 * 2**30, [{"size": 3 * 2**39}])
    assert (sent["vcpus"], sent["start"], sent["nics"], sent["tags"]) == (4, True, [{"network": "lan"}], ["blue"])
    assert sent["cpu_model"] == "Haswell"
    assert sent["cloud_init"]["ssh_keys"] == ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== me"]


def test_waited_change_shows_the_object_and_tells_progress_on_standard_error(
    altus: Altus, manager: FakeManager
) -> None:
    manager.add_vm("web1")
    result = altus("vm", "start", "web1", "-o", "json")
    assert json.loads(result.stdout)["state"] == "running"
    assert "Start VM web1: running" in result.stderr


def test_change_without_waiting_shows_the_task(altus: Altus, manager: FakeManager) -> None:
    manager.add_vm("web1")
    task = altus.json("vm", "start", "web1", "--no-wait")
    assert (task["kind"], task["state"]) == ("vm.start", "queued")


def test_deletion_shows_the_finished_task(altus: Altus, manager: FakeManager) -> None:
    manager.add_vm("web1")
    task = altus.json("vm", "delete", "web1", "--yes", "--keep-volumes")
    assert (task["kind"], task["state"], manager.vms) == ("vm.delete", "succeeded", {})
    assert ("keep_volumes", "true") in manager.requests("DELETE", "/vms/web1")[0].query


@pytest.mark.parametrize(
    "words",
    [("vm", "delete", "web1"), ("volume", "delete", "v"), ("image", "delete", "i"), ("network", "delete", "n"),
     ("user", "delete", "eve"), ("group", "delete", "g"), ("grant", "delete", "1"), ("role", "delete", "r")],
    ids=" ".join,
)  # fmt: skip
def test_deletion_where_nobody_can_be_asked_needs_yes(
    altus: Altus, manager: FakeManager, words: tuple[str, ...]
) -> None:
    manager.add_vm("web1")
    result = altus(*words, code=2)
    assert "--yes" in result.stderr
    assert [one.method for one in manager.seen] == []


def test_plan_needs_no_yes_and_names_host_reasons_and_steps(altus: Altus, manager: FakeManager) -> None:
    manager.add_vm("web1")
    shown = altus("vm", "delete", "web1", "--plan").stdout
    assert "1. Choose a host\n" in shown
    assert "2. Define it  (not undone after this)" in shown
    assert "Host chosen: node1, storage local: 8 GiB of memory free" in shown
    assert "Not suitable: node2, storage local: the host is unreachable" in shown
    assert "web1" in manager.vms
    assert altus.json("vm", "start", "web1", "--plan")["details"]["placement"][0]["chosen"] is True


def test_plan_of_what_is_no_task_asks_nothing_of_the_manager(altus: Altus, manager: FakeManager) -> None:
    plan = altus.json("user", "create", "eve", "--plan")
    assert (plan["kind"], plan["object_name"]) == ("user.create", "eve")
    assert manager.seen == []


@pytest.mark.parametrize(
    ("error", "code"),
    [(Failed("It failed.", hint="Look."), 1), (Forbidden("No."), 4), (Conflict("Not so."), 5),
     (LimitExceeded("Full."), 5), (Unavailable("Away."), 6)],
)  # fmt: skip
def test_failed_task_gives_its_error_and_exit_code(
    altus: Altus, manager: FakeManager, error: AltusError, code: int
) -> None:
    manager.add_vm("web1")
    manager.ends = error
    result = altus("vm", "start", "web1", code=code)
    assert f"Error: {error.message}\n" in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_missing_thing_is_one_sentence_and_a_hint(altus: Altus) -> None:
    result = altus("vm", "show", "nope", code=3)
    assert result.stderr == "Error: There is no VM 'nope'.\nHint: See `altus vm list`.\n"


def test_debug_shows_code_and_request(altus: Altus) -> None:
    result = altus("--debug", "vm", "show", "nope", code=3)
    assert "Code: vm.not_found" in result.stderr
    assert "request_id: request-1" in result.stderr


@pytest.mark.parametrize(
    "words",
    [("vm", "create", "web1", "--memory", "lots"), ("vm", "create", "web 1", "--image", "i"), ("vm", "edit", "web1"),
     ("vm", "create", "web1", "--vcpus", "0"), ("vm", "frobnicate"), ("vm", "list", "--filter", "size:1"),
     ("volume", "create", "v"), ("policy", "set", "password", "min_length"), ("session", "revoke"),
     ("user", "token", "create", "t", "--expires", "soon"), ("vm", "create", "w", "--ssh-key", "/nonexistent")],
    ids=" ".join,
)  # fmt: skip
def test_wrong_input_exits_with_two(altus: Altus, words: tuple[str, ...]) -> None:
    result = altus(*words, code=2)
    assert "Error" in result.stderr
    assert "Traceback" not in result.stderr


def test_edit_sends_only_what_was_given(altus: Altus, manager: FakeManager) -> None:
    manager.add_vm("web1")
    altus("vm", "edit", "web1", "--memory", "1G", "--unprotect", "--no-tags", "--attach", "data", "--cpu", "auto")
    sent = manager.requests("PATCH", "/vms/web1")[0].json
    assert sent == {"memory": 2**30, "protected": False, "tags": [], "attach_volumes": ["data"], "cpu_model": "auto"}


def test_token_and_password_are_in_the_output(altus: Altus, manager: FakeManager) -> None:
    assert altus.json("user", "token", "create", "ci", "--expires", "1h", "--permission", "vm:read")["token"]
    assert manager.requests("POST", "/tokens")[0].json["expires_in"] == "1h"
    assert altus.json("user", "create", "eve")["password"] == "once-only-77"
    assert "once-only-77" in altus("user", "create", "eve").stdout


def test_change_with_nothing_to_show_says_done(altus: Altus) -> None:
    assert altus.json("user", "delete", "eve", "--yes") == {"done": True}


def test_doctor_exits_with_zero_only_when_all_agrees(altus: Altus, manager: FakeManager) -> None:
    assert "Everything agrees: 3 vms, 1 host compared." in altus("doctor").stdout
    manager.healthy = False
    result = altus("doctor", code=1)
    assert "vm.lost: VM web1 is not on its host. Delete it." in result.stdout
    assert altus.json("doctor", code=1)["healthy"] is False


def test_audit_verify_fails_when_the_trail_is_broken(altus: Altus, manager: FakeManager) -> None:
    assert altus.json("audit", "verify")["intact"] is True
    manager.intact = False
    assert altus.json("audit", "verify", code=1)["first_broken"] == 4


def test_version_needs_no_manager(nobody: Altus, altus: Altus) -> None:
    assert altus.json("version")["manager"] == "9.9.9"
    nobody.env["ALTUS_CREDENTIALS"] = None
    assert nobody.json("version")["manager"] is None


def test_image_import_uploads_and_goes_on_with_one_that_was_begun(
    altus: Altus, manager: FakeManager, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 8_000
    (tmp_path / "disk.qcow2").write_bytes(content)
    image = altus.json("image", "import", "web", str(tmp_path / "disk.qcow2"))
    assert image["state"] == "ready"
    assert manager.uploads[image["id"]] == content
    manager.images["web"]["state"] = "uploading"
    manager.uploads[image["id"]] = content[:1_000_000]
    altus("image", "import", "web", str(tmp_path / "disk.qcow2"))
    assert manager.uploads[image["id"]] == content
    assert "already" in altus("image", "import", "web", str(tmp_path / "disk.qcow2"), code=5).stderr


def test_task_watch_fails_as_the_task_does(altus: Altus, manager: FakeManager) -> None:
    manager.add_vm("web1")
    manager.ends = Failed("It failed.")
    task = altus.json("vm", "start", "web1", "--no-wait")
    altus("task", "watch", task["id"], code=1)
    assert altus.json("task", "cancel", task["id"])["state"] == "cancelled"


def test_event_watch_writes_a_line_per_event(altus: Altus, manager: FakeManager) -> None:
    manager.emit("vm.changed", "vm", "1", name="web1")
    manager.emit("vm.changed", "vm", "2", name="web2")
    lines = altus("event", "watch", "--after", "0", "--count", "2", "-o", "json").stdout.splitlines()
    assert [json.loads(line)["object_id"] for line in lines] == ["1", "2"]


def test_manager_that_is_not_there_exits_with_six(
    altus: Altus, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("altus.cli.call.Call.patience", 0.2)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        result = altus("vm", "list", "--url", f"http://127.0.0.1:{unused.getsockname()[1]}", code=6)
    assert "does not answer" in result.stderr


def test_interrupted_wait_says_that_the_task_goes_on(altus: Altus, manager: FakeManager) -> None:
    manager.add_vm("web1")
    manager.looks = 10**9
    env = {key: value for key, value in altus.env.items() if value is not None}
    command = [str(Path(sys.executable).parent / "altus"), "vm", "start", "web1"]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 120
        while not manager.requests("GET", "/events"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    [task_id] = manager.tasks
    assert f"altus task watch {task_id}" in said
    assert f"altus task cancel {task_id}" in said
    assert "Traceback" not in said


def test_reader_that_goes_away_is_no_error(altus: Altus, manager: FakeManager) -> None:
    for number in range(400):
        manager.add_vm(f"web{number}")
    env = {key: value for key, value in altus.env.items() if value is not None}
    command = f"{Path(sys.executable).parent / 'altus'} vm list --limit 1000 -o json | head -1"
    done = subprocess.run(["/bin/sh", "-c", command], env={**env, "PATH": "/usr/bin:/bin"}, capture_output=True,
                          text=True, check=True)  # fmt: skip
    assert (done.stdout, done.stderr) == ("{\n", "")
