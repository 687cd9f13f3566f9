"""What holds for all commands: recorded help, the options of changes, completion, a quick start."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from altus.cli.completion import of
from altus.cli.main import NOUNS, app
from tests.unit.cli.conftest import Altus
from tests.unit.sdk.fake_manager import FakeManager, unavailable

GOLDEN = Path(__file__).parents[2] / "golden/cli_help"
READS = {"list", "show", "events", "watch", "verify", "console", "screenshot", "doctor", "version", "explain",
         "unmanaged", "tree"}  # fmt: skip
LOCAL = {"login", "logout", "use"}


def walk(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every group and command with its words."""
    yield words, command
    if hasattr(command, "list_commands"):
        context = typer.Context(command)
        for name in command.list_commands(context):
            yield from walk(command.get_command(context, name), (*words, name))


TREE = dict(walk(typer.main.get_command(app)))
COMMANDS = {words: command for words, command in TREE.items() if not hasattr(command, "list_commands")}
CHANGES = {words: c for words, c in COMMANDS.items() if words[-1] not in READS | LOCAL}


def _options(command: Any) -> set[str]:
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}


@pytest.mark.parametrize("words", TREE, ids=lambda words: " ".join(words) or "altus")
def test_help_is_as_recorded(words: tuple[str, ...]) -> None:
    file = GOLDEN / f"{'_'.join(('altus', *words))}.txt"
    result = CliRunner(env={"COLUMNS": "80"}).invoke(app, [*words, "--help"], prog_name="altus")
    assert result.exit_code == 0
    if os.environ.get("ALTUS_GOLDEN") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(result.stdout)
    assert result.stdout == file.read_text()


def test_no_help_is_recorded_of_what_is_gone() -> None:
    assert {file.stem for file in GOLDEN.glob("*.txt")} == {"_".join(("altus", *words)) for words in TREE}


@pytest.mark.parametrize("words", CHANGES, ids=" ".join)
def test_change_can_be_planned_waited_for_and_written_in_any_form(words: tuple[str, ...]) -> None:
    assert {"--plan", "--wait", "--no-wait", "--output", "-o"} <= _options(CHANGES[words])


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_tells_what_it_does_its_exit_codes_and_takes_the_general_options(words: tuple[str, ...]) -> None:
    command = COMMANDS[words]
    assert command.help
    assert "Exit codes:" in command.epilog
    assert {"--output", "--url", "--token-file", "--ca", "--debug"} <= _options(command)


@pytest.mark.parametrize("words", [words for words in COMMANDS if words[-1] in {"delete", "kill", "revoke", "forget"}
                                   or words == ("host", "remove")], ids=" ".join)  # fmt: skip
def test_what_destroys_takes_yes(words: tuple[str, ...]) -> None:
    assert "--yes" in _options(COMMANDS[words])


def test_no_option_takes_a_secret() -> None:
    named = {option for command in COMMANDS.values() for option in _options(command)}
    assert not named & {"--password", "--token", "--secret", "--guest-password"}


def test_all_that_was_promised_is_there() -> None:
    promised = """
        login, logout, doctor, version, config show, config use, vm create, vm list, vm show, vm start, vm stop,
        vm restart, vm kill, vm pause, vm resume, vm suspend, vm migrate, vm edit, vm clone, vm delete,
        vm adopt, vm repair, alarm list, host unmanaged,
        vm console, vm events, vm screenshot, image list, image show, image import, image build, image delete,
        volume list, volume show, volume create, volume resize, volume delete, snapshot list, snapshot tree,
        snapshot show, snapshot create, snapshot revert, snapshot keep, snapshot delete, snapshot-schedule list,
        snapshot-schedule show, snapshot-schedule create, snapshot-schedule edit, snapshot-schedule enable,
        snapshot-schedule disable, snapshot-schedule run, snapshot-schedule delete, network list, network show,
        network create, network delete, network explain, security-group list, security-group show,
        security-group create, security-group edit, security-group delete, security-group rule add,
        security-group rule remove, floating-ip list, floating-ip show, floating-ip create, floating-ip attach,
        floating-ip detach, floating-ip delete, router list, router show, router create, router attach, router detach,
        router delete, forward list, forward show, forward create, forward delete, vm nic edit, vm disk edit,
        storage list, storage show, host list, host show, host add, host edit,
        pool list, pool show, pool create, pool edit, pool delete, placement explain, host remove, host forget,
        host renew, host maintenance on, host maintenance off, project list, project create, task list,
        task show, task watch, task cancel, user list, user show, user create, user delete, user passwd,
        user reset-password, user enable, user disable, user unlock, user token create, user token list,
        user token revoke, group list, group show, group create, group delete, group add, group remove, grant list,
        grant create, grant delete, role list, role create, role delete, policy show, policy set, session list,
        session revoke, audit list, audit verify, event watch"""
    assert {" ".join(words) for words in COMMANDS} == {" ".join(words.split()) for words in promised.split(",")}


def test_help_imports_nothing_heavy() -> None:
    """What takes time is loaded only by commands that need it."""
    code = """
import sys
from typer.testing import CliRunner
from altus.cli.main import app
assert CliRunner().invoke(app, ["--help"]).exit_code == 0
print(sorted({"pydantic", "aiohttp", "rich", "yaml", "cryptography", "altus.sdk", "altus.wire"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_nouns_have_the_help_of_their_modules() -> None:
    for noun, text in NOUNS.items():
        assert TREE[(noun,)].help == text


def test_names_are_completed_from_the_manager(
    altus: Altus, manager: FakeManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALTUS_CREDENTIALS", str(altus.env["ALTUS_CREDENTIALS"]))
    for name in ("web1", "web2", "db1", "myweb"):
        manager.add_vm(name)
    assert of("vms")("web") == ["web1", "web2"]
    manager.faults.append(unavailable)
    assert of("vms")("web") == []


def test_shell_completes_commands_and_names(altus: Altus, manager: FakeManager) -> None:
    manager.add_vm("web1")
    env = {key: value for key, value in altus.env.items() if value is not None}

    def completed(typed: str) -> list[str]:
        done = subprocess.run([Path(sys.executable).parent / "altus"], capture_output=True, text=True, check=False,
                              env={**env, "_ALTUS_COMPLETE": "complete_bash", "COMP_WORDS": typed,
                                   "COMP_CWORD": str(len(typed.split()) - 1)})  # fmt: skip
        return done.stdout.split()

    for typed, expected in (("altus vm sta", "start"), ("altus vm start w", "web1"), ("altus ima", "image")):
        deadline, words = time.monotonic() + 60, completed(typed)
        while not words and time.monotonic() < deadline:
            words = completed(typed)  # a shell is not kept waiting: names that come late are not shown
        assert words == [expected]
