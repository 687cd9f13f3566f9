"""What the public shapes have in common. Sizes are bytes, times UTC in ISO 8601, unknown fields are refused."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from altus.model.label import Label
from altus.model.resource import NAME_PATTERN

T = TypeVar("T")


def printable(text: str) -> str:
    """Control characters could forge lines in logs and tables."""
    if any(unicodedata.category(char) == "Cc" and char not in "\n\t" for char in text):
        raise ValueError("must not contain control characters")
    return text


def says(words: str) -> WrapValidator:
    """After the constraints of a string or number: who sends one of another form or size is told in `words` what it
    must be, instead of the pattern, or of bounds in bytes."""

    def validate(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError as error:
            if all(one["type"] in _FORM for one in error.errors()):
                raise PydanticCustomError("form", words) from None
            raise

    return WrapValidator(validate)


_FORM = ("string_pattern_mismatch", "string_too_long", "greater_than_equal", "less_than_equal", "multiple_of")
Name = Annotated[
    str,
    StringConstraints(pattern=NAME_PATTERN, max_length=63),
    says("must be 1 to 63 letters, digits, dots, dashes or underscores, the first one a letter or digit"),
]
"""1-63 letters, digits, dots, dashes, underscores."""
Reference = Annotated[str, StringConstraints(min_length=1, max_length=80), AfterValidator(printable)]
"""The id or the name of something."""
Text = Annotated[str, StringConstraints(max_length=1024), AfterValidator(printable)]
"""A line or two for people."""
Tag = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:=-]{0,62}$"),
    says("must be 1 to 63 letters, digits, or any of . _ : = -, the first one a letter or digit"),
]


Flag = Annotated[bool, Field(strict=True)]
"""True or false, and not "yes"."""


class Shape(BaseModel):
    """A value of the public API that a client sends."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def example(**fields: Any) -> ConfigDict:
    """Configures a shape to show what is usually sent."""
    return ConfigDict(json_schema_extra={"examples": [fields]})


class View(BaseModel):
    """A value of the public API that a client receives; made from the model's own objects."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    @classmethod
    def of(cls, **fields: Any) -> Self:
        """From valid values, one for every field, for long lists: `model_construct` without its care for defaults and
        aliases, which takes most of its time."""
        view = cls.__new__(cls)
        for name, value in (("__dict__", fields), ("__pydantic_fields_set__", set(fields)),
                            ("__pydantic_extra__", None), ("__pydantic_private__", None)):  # fmt: skip
            object.__setattr__(view, name, value)
        return view


class ResourceView(View):
    """What every resource shows."""

    id: str
    name: str
    project_id: str
    label: Label
    created_at: datetime
    updated_at: datetime
    revision: int


class ActionView(View):
    """Whether something may be done now, and why not."""

    allowed: bool
    reason: str = ""


class ListView(View, Generic[T]):
    """One page of a list; give `next` back as `after` for the following page."""

    items: list[T]
    next: str | None = None


class Problem(View):
    """An error (RFC 9457). `code` is stable, and so is `kind`, whose fault it is; `hint` says what to do."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    kind: str
    code: str
    hint: str = ""
    context: dict[str, Any] = Field(default_factory=dict)
    request_id: str = ""
