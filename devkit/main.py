"""The commands of `./dev`; the script itself has made sure of packages and of the virtual environment.

What uses `altus` is imported when it is needed, so that `./dev check` works on code that cannot be imported.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Sequence

from devkit import checks, golden, suite, testmachine, web
from devkit.errors import DevkitError
from devkit.lab import commands as lab_commands

_PASSED_ON = ("test", "bench")
"""Commands whose arguments are another program's."""


def _up() -> int:
    from devkit import up

    return up.up()


def _down(*, purge: bool) -> int:
    from devkit import down

    return down.down(purge=purge)


def _lab(arguments: argparse.Namespace) -> int:
    return lab_commands.run(arguments)


def _check() -> int:
    web.install()
    return checks.run()


def _prepare_images() -> None:
    from devkit import images

    images.prepare()


def run_tests(arguments: Sequence[str]) -> int:
    """Run pytest with `arguments` in a test machine; what needs the network is fetched before.

    Without arguments all tests run, in several machines at once.
    """
    web.build()
    if not arguments:
        return suite.run(_prepare_images)
    _prepare_images()
    return testmachine.run([sys.executable, "-m", "pytest", *arguments], [])


def run_benchmarks(arguments: Sequence[str]) -> int:
    """Run the benchmarks with `arguments` in a test machine."""
    _prepare_images()
    return testmachine.run([sys.executable, "-m", "bench.main", *arguments], [])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev", description="Set up, run and test Altus on this machine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, action: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text, add_help=name not in _PASSED_ON)
        command.set_defaults(action=action)
        return command

    add("up", lambda _: _up(), "Start everything on this machine and create the VM `hello`; may be repeated.")
    stop = add("down", lambda args: _down(purge=args.purge), "Stop everything; data stays.")
    stop.add_argument("--purge", action="store_true", help="remove all data, settings, VMs and networks too")
    add("test", lambda args: run_tests(args.rest), "Run the tests; further arguments are pytest's.")
    add("check", lambda _: _check(), "Check types, imports, rules, format and sizes.")
    add("bench", lambda args: run_benchmarks(args.rest), "Run the benchmarks; further arguments are theirs.")
    lab = add("lab", _lab, "Simulated hosts on this machine, to try a pool and to break it; see docs/lab.md.")
    lab_commands.add(lab)
    add(
        "golden", lambda _: golden.rewrite(), "Write the golden files of the tests anew, to be looked at with git diff."
    )
    return parser


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says; the exit status."""
    # pytest's own options, such as -k, may come first: argparse would take them for ours
    passed_on = bool(arguments) and arguments[0] in _PASSED_ON
    own, rest = (arguments[:1], list(arguments[1:])) if passed_on else (arguments, [])
    parsed = _parser().parse_args(own, argparse.Namespace(rest=rest))
    try:
        status: int = parsed.action(parsed)
    except DevkitError as error:
        print(f"./dev: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"./dev: {error}\n{error.stderr or ''}".strip(), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main(sys.argv[1:]))
