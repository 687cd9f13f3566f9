"""The command line `./dev lab …`."""

import argparse
import json
import os
from collections.abc import Callable

from devkit import progress
from devkit.errors import DevkitError
from devkit.lab.client import Lab
from devkit.lab.cuts import Direction
from devkit.lab.networks import Net
from devkit.lab.status import table


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands; the chosen one is `lab_action`."""
    commands = parser.add_subparsers(required=True, metavar="ORDER")

    def order(name: str, action: Callable[[Lab, argparse.Namespace], int | None], text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(lab_action=action)
        return made

    up = order("up", _up, "Start a manager and N hosts; may be repeated, also with a greater N.")
    up.add_argument("hosts", type=int, nargs="?", default=2, metavar="N", help="how many hosts (default 2)")
    up.add_argument("--managers", type=int, default=0, help="how many managers, on PostgreSQL if several (default 1)")
    up.add_argument("--bare", action="store_true", help="without the image `tiny` on the shared storage")
    order("down", lambda lab, _: lab.down(), "End the lab and remove all of it.")
    status = order("status", _status, "What every machine is doing.")
    status.add_argument("-o", "--output", choices=["table", "json"], default="table", help="how it is written")
    inside = order("exec", _exec, "Run a command in a machine: exec host1 -- virsh list.")
    _machine(inside)
    inside.add_argument("command", nargs="+", metavar="CMD", help="the command and its arguments, after --")
    _machine(order("kill-host", lambda lab, args: lab.kill(args.machine), "Cut a machine's power: all dies at once."))
    _machine(order("power-on", lambda lab, args: lab.power_on(args.machine), "Boot a machine whose power was cut."))
    for name, text in (("cut", "Let no packets pass between a machine and a network."), ("heal", "Undo cuts.")):
        changed = order(name, _cut_or_heal, text)
        changed.set_defaults(order=name)
        _machine(changed)
        nets = [*map(str, Net), "all"]
        changed.add_argument("--network", choices=nets, default="all", help="which network (default: all)")
        ways = [*map(str, Direction), "both"]
        changed.add_argument("--direction", choices=ways, default="both", help="as the machine sees it (default: both)")


def run(arguments: argparse.Namespace) -> int:
    """Do what was chosen."""
    if os.geteuid() != 0:
        raise DevkitError("./dev lab needs root: it makes namespaces")
    return arguments.lab_action(Lab(), arguments) or 0


def _machine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("machine", metavar="HOST", help="host1, host2, …, manager, or another name in `lab status`")


def _up(lab: Lab, arguments: argparse.Namespace) -> None:
    if not arguments.bare:
        _prepare_image()
    lab.up(arguments.hosts, managers=arguments.managers, furnish=not arguments.bare)
    print("\nThe lab is up.")
    print("  look:   ./dev lab status, ./dev lab exec manager -- ./altus host list")
    print(f"  or, from here: ALTUS_CREDENTIALS={lab.credentials} ./altus host list")
    print("  break:  ./dev lab kill-host host1, ./dev lab cut host1 --network management")


def _prepare_image() -> None:
    """Built here, since the lab has no way out."""
    from altus.model.image import BuiltinImage
    from devkit import images

    images.prepare((BuiltinImage.TINY,))


def _exec(lab: Lab, arguments: argparse.Namespace) -> None:
    command = lab.command(arguments.machine, arguments.command)
    os.execvp(command[0], command)  # noqa: S606  there is no shell between us and the command


def _cut_or_heal(lab: Lab, arguments: argparse.Namespace) -> None:
    change = lab.cut if arguments.order == "cut" else lab.heal
    change(arguments.machine, arguments.network, arguments.direction)
    left = lab.status()[arguments.machine].cuts
    progress.say(f"  ✓ {arguments.machine} is cut off: {', '.join(left) or 'from nothing'}")


def _status(lab: Lab, arguments: argparse.Namespace) -> None:
    machines = lab.status().values()
    as_json = arguments.output == "json"
    print(json.dumps([known.to_json() for known in machines], indent=2) if as_json else table(machines))
