"""Commands: coroutines that get a `Call` and their own parameters; the options which all have are added here."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from altus.cli.call import Call
from altus.cli.credentials import Overrides
from altus.cli.exits import EPILOG, ExitCode
from altus.cli.output import Output
from altus.cli.run import report_fault, run

Body = Callable[..., Coroutine[Any, Any, None]]
_OUTPUT = Annotated[Output | None, typer.Option("--output", "-o", help="How results are written.")]


@dataclass
class General:
    """Options before the command: they hold unless it is given its own."""

    output: Output | None = None
    url: str | None = None
    token_file: Path | None = None
    ca: Path | None = None
    debug: bool = False


def _parameter(name: str, annotation: Any, default: Any = None) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


_CONTEXT = _parameter("ctx", typer.Context, inspect.Parameter.empty)
_GENERAL = (
    _parameter("output", _OUTPUT),
    _parameter("url", Annotated[str | None, typer.Option(help="The manager's address.", hidden=True)]),
    _parameter("token_file", Annotated[Path | None, typer.Option(help="A file with the token.", hidden=True)]),
    _parameter("ca", Annotated[Path | None, typer.Option(help="The CA certificate's file.", hidden=True)]),
    _parameter("debug", Annotated[bool, typer.Option("--debug", help="Show all of an error.", hidden=True)], False),
)
_CHANGE = (
    _parameter("plan", Annotated[bool, typer.Option("--plan", help="Show what would be done; change nothing.")], False),
    _parameter("wait", Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is done.")], True),
)
_YES = _parameter("yes", Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")], False)


def group(help_text: str) -> typer.Typer:
    """The commands of one noun."""
    return typer.Typer(help=help_text, no_args_is_help=True, rich_markup_mode=None, add_completion=False, epilog=EPILOG,
                       pretty_exceptions_enable=False)  # fmt: skip


def query(app: typer.Typer, name: str) -> Callable[[Body], Body]:
    """A command that changes nothing."""
    return _register(app, name, _GENERAL)


def change(app: typer.Typer, name: str, *, asks: bool = False) -> Callable[[Body], Body]:
    """A command that changes something; `asks`: it takes `--yes`."""
    return _register(app, name, (*_GENERAL, *_CHANGE, *((_YES,) if asks else ())))


def _register(app: typer.Typer, name: str, shared: tuple[inspect.Parameter, ...]) -> Callable[[Body], Body]:
    def register(body: Body) -> Body:
        own = list(inspect.signature(body, eval_str=True).parameters.values())[1:]

        def command(**given: Any) -> None:
            general = given.pop("ctx").find_object(General) or General()
            taken = {parameter.name: given.pop(parameter.name) for parameter in shared}
            call = _call(general, taken)
            try:
                run(call, body(call, **given))
            except (typer.Exit, typer.Abort, typer.BadParameter):
                raise
            except Exception as error:
                report_fault(error, debug=call.debug)
                raise typer.Exit(ExitCode.FAILED) from error

        parameters = [_CONTEXT, *(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own), *shared]
        vars(command)["__signature__"] = inspect.Signature(parameters)
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        app.command(name, help=inspect.getdoc(body), epilog=EPILOG)(command)
        return body

    return register


def _call(general: General, given: dict[str, Any]) -> Call:
    overrides = Overrides(url=given["url"] or general.url, token_file=given["token_file"] or general.token_file,
                          ca=given["ca"] or general.ca)  # fmt: skip
    return Call(output=given["output"] or general.output or Output.TABLE, overrides=overrides,
                debug=given["debug"] or general.debug, plan=given.get("plan", False), wait=given.get("wait", True),
                yes=given.get("yes", False))  # fmt: skip
