"""Groups whose commands are read only when they are needed, so that the command line starts at once."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from altus.cli.exits import EPILOG


class LazyGroup(TyperGroup):
    """The commands of `altus.cli.commands.<module>`: its `app`."""

    def __init__(self, name: str, help_text: str, module: str) -> None:
        super().__init__(name=name, help=help_text, epilog=EPILOG, no_args_is_help=True, rich_markup_mode=None)
        self._module = module

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """As click asks for it."""
        self._load()
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: Any) -> list[str]:
        """As click asks for it."""
        self._load()
        return list(self.commands)

    def _load(self) -> None:
        if not self.commands:
            app: typer.Typer = import_module(f"altus.cli.commands.{self._module}").app
            self.commands.update(typer.main.get_group(app).commands)
