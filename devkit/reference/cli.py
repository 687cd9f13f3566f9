"""docs/reference/cli.md: every command with its options, as its own help tells them."""

from collections.abc import Iterator
from typing import Any

import typer

from altus.cli.exits import EPILOG
from altus.cli.main import app
from devkit.reference import markdown as md

_TEXT = "`altus`, in a checkout `./altus`. Options before the command hold for it as well as those after it."
_HIDDEN = ("help", "install_completion", "show_completion")


def root() -> Any:
    """The whole command line as click has it."""
    return typer.main.get_command(app)


def commands(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that lead to it."""
    node = root() if group is None else group
    names = getattr(node, "commands", None)
    if names is None:
        yield path, node
        return
    context = typer.Context(node)
    for name in node.list_commands(context):
        yield from commands(node.get_command(context, name), (*path, name))


def options(command: Any) -> dict[str, Any]:
    """Its parameters by every way to write them; arguments by their metavar."""
    return {word: param for param in command.params for word in (*param.opts, *param.secondary_opts)}


def page() -> str:
    """The page."""
    every = list(commands())
    nouns = dict.fromkeys(path[0] if len(path) > 1 else "" for path, _ in every)
    sections = [
        _noun(noun, [(path, cmd) for path, cmd in every if (path[0] if len(path) > 1 else "") == noun])
        for noun in nouns
    ]
    general = md.table(("Option", ""), [_option(param) for param in root().params if param.name not in _HIDDEN])
    return md.page("Command line", _TEXT, general, EPILOG, *sections)


def _noun(noun: str, every: list[tuple[tuple[str, ...], Any]]) -> str:
    shared = set.intersection(*(_words(command) for _, command in every)) if len(every) > 1 else set()
    rows = [
        (md.code(" ".join(("altus", *path, *_arguments(cmd)))), _help(cmd), _options(cmd, shared))
        for path, cmd in every
    ]
    return md.section(f"altus {noun}".strip(), md.table(("Command", "", "Options"), rows))


def _words(command: Any) -> set[str]:
    return {param.name for param in command.params if param.param_type_name == "option"}


def _help(command: Any) -> str:
    return (command.help or "").split("\n\n")[0]


def _arguments(command: Any) -> list[str]:
    found = [param for param in command.params if param.param_type_name == "argument"]
    names = [(param.metavar or param.name).upper() for param in found]
    return [name if param.required else f"[{name}]" for param, name in zip(found, names, strict=True)]


def _options(command: Any, shared: set[str]) -> str:
    own = [param for param in command.params if param.param_type_name == "option"]
    return ", ".join(md.code(param.opts[0]) for param in own
                     if param.name not in shared | set(_HIDDEN) and not param.hidden)  # fmt: skip


def _option(param: Any) -> tuple[str, str]:
    return ", ".join(map(md.code, param.opts)), param.help or ""
