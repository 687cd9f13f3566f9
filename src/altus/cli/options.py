"""Arguments and options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from altus.cli import completion
from altus.common.durations import parse_duration
from altus.common.errors import InvalidInput
from altus.common.units import parse_size
from altus.model.label import Label

T = TypeVar("T")


def checked(parse: Callable[[str], T]) -> Callable[[str], T]:
    """A parser whose refusal is a usage error."""

    def parser(text: str) -> T:
        try:
            return parse(text)
        except InvalidInput as error:
            raise typer.BadParameter(f"{error.message} {error.hint}") from error

    return parser


def _duration(text: str) -> str:
    parse_duration(text)
    return text.strip().lower()


NONE: list[Any] = []
"""The default of options that can be repeated; Typer hands out copies."""
SIZE = checked(parse_size)
DURATION = checked(_duration)

Vm = Annotated[str, typer.Argument(metavar="VM", help="Name or id.", autocompletion=completion.of("vms"))]
Volume = Annotated[str, typer.Argument(metavar="VOLUME", help="Name or id.", autocompletion=completion.of("volumes"))]
Image = Annotated[str, typer.Argument(metavar="IMAGE", help="Name or id.", autocompletion=completion.of("images"))]
Network = Annotated[
    str, typer.Argument(metavar="NETWORK", help="Name or id.", autocompletion=completion.of("networks"))
]
SecurityGroup = Annotated[
    str, typer.Argument(metavar="GROUP", help="Name or id.", autocompletion=completion.of("security_groups"))
]
FloatingIp = Annotated[
    str, typer.Argument(metavar="ADDRESS", help="The address or its id.", autocompletion=completion.of("floating_ips"))
]
Forward = Annotated[
    str, typer.Argument(metavar="FORWARD", help="Name or id.", autocompletion=completion.of("forwards"))
]
Router = Annotated[str, typer.Argument(metavar="ROUTER", help="Name or id.", autocompletion=completion.of("routers"))]
Storage = Annotated[
    str, typer.Argument(metavar="STORAGE", help="Name or id.", autocompletion=completion.of("storages"))
]
Pool = Annotated[str, typer.Argument(metavar="POOL", help="Name or id.", autocompletion=completion.of("pools"))]
Host = Annotated[str, typer.Argument(metavar="HOST", help="Name or id.", autocompletion=completion.of("hosts"))]
User = Annotated[str, typer.Argument(metavar="USER", help="Name or id.", autocompletion=completion.of("users"))]
Group = Annotated[str, typer.Argument(metavar="GROUP", help="Name or id.", autocompletion=completion.of("groups"))]
Task = Annotated[str, typer.Argument(metavar="TASK", help="Id, as in `altus task list`.")]
NewName = Annotated[str, typer.Argument(metavar="NAME", help="Its name: letters, digits, dots, dashes, underscores.")]

InProject = Annotated[
    str | None,
    typer.Option(
        "--project", metavar="PROJECT", help="The project it belongs to.", autocompletion=completion.of("projects")
    ),
]
OnStorage = Annotated[
    str | None,
    typer.Option(
        "--storage", metavar="STORAGE", help="The repository it is kept in.", autocompletion=completion.of("storages")
    ),
]
WithLabel = Annotated[Label, typer.Option("--label", help="Its classification.")]
FromImage = Annotated[
    str | None,
    typer.Option("--image", metavar="IMAGE", help="The image it is made from.", autocompletion=completion.of("images")),
]
FullCopy = Annotated[bool, typer.Option("--full", help="Copy all data now instead of sharing it until it is written.")]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
ExistingFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="The file.", exists=True, dir_okay=False, readable=True)
]

Filters = Annotated[
    list[str],
    typer.Option(
        "--filter",
        "-f",
        metavar="FILTER",
        help="field:value (alternatives by comma), field~part or field!value; repeatable.",
    ),
]
Sort = Annotated[str, typer.Option("--sort", metavar="FIELD", help="A field; -field for descending.")]
Limit = Annotated[int, typer.Option("--limit", metavar="NUMBER", help="At most so many.", min=1, max=1000)]
All = Annotated[bool, typer.Option("--all", help="All of them, however many.")]
