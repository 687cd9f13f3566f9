"""docs/reference/settings.md: the settings of manager and agent."""

import json
import types
import typing
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from altus.agent.settings import DEFAULT_CONFIG as AGENT_FILE
from altus.agent.settings import AgentSettings, StorageSettings
from altus.manager.settings import DEFAULT_CONFIG as MANAGER_FILE
from altus.manager.settings import ManagerSettings
from devkit.reference import markdown as md

_TEXT = """\
Manager and agent read a TOML file, which need not be there, and the environment, which wins. Another file is named by
`--config`. An unknown name or a wrong value ends the program at its start (`settings.invalid`)."""
_TITLES = ("Name", "Type", "Default", "Meaning")
_BOUNDS = (("ge", "at least"), ("gt", "above"), ("le", "at most"))


def page() -> str:
    """The page."""
    return md.page(
        "Settings",
        _TEXT,
        md.section("Manager", _where(MANAGER_FILE, ManagerSettings), _table(ManagerSettings)),
        md.section("Agent", _where(AGENT_FILE, AgentSettings), _table(AgentSettings)),
        md.section("A table of `storages`", md.first_line(StorageSettings), _table(StorageSettings)),
    )


def _where(file: Path, settings: type[BaseSettings]) -> str:
    prefix = settings.model_config.get("env_prefix", "")
    return f"File {md.code(str(file))}; environment {md.code(prefix + 'NAME')}."


def _table(settings: type[BaseModel]) -> str:
    rows = [
        (md.code(name), _type(field.annotation), _default(field), " ".join(filter(None, _meaning(field))))
        for name, field in settings.model_fields.items()
    ]
    return md.table(_TITLES, rows)


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "see there"
    if field.default is None or field.default == "":
        return "none" if field.default is None else "empty"
    return md.code(json.dumps(field.default) if isinstance(field.default, list | bool) else str(field.default))


def _meaning(field: FieldInfo) -> list[str]:
    bounds = [
        f"{word} {getattr(rule, name)}" for rule in field.metadata for name, word in _BOUNDS if hasattr(rule, name)
    ]
    return [field.description or "", f"({', '.join(bounds)})" if bounds else ""]


def _type(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return ", ".join(md.code(str(value)) for value in arguments)
    if origin is list:
        return "list of " + {str: "texts"}.get(arguments[0], "tables")
    if origin is types.UnionType:
        return " or ".join(_type(argument) for argument in arguments if argument is not type(None))
    return {Path: "path", str: "text", int: "number", float: "number", bool: "true or false"}.get(annotation, "table")
