"""What a string of a certain form, or a size, must be is told in words, not as a pattern or in bytes."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from altus.common.units import MIB, TIB
from altus.wire.users import TokenCreate
from altus.wire.vms import CloudInitCreate, VmCreate


@pytest.mark.parametrize(("shape", "field", "value", "words"), [
    (VmCreate, "name", "web 1", "must be 1 to 63 letters, digits, dots"),
    (VmCreate, "name", "w" * 64, "must be 1 to 63 letters, digits, dots"),
    (VmCreate, "name", 7, "should be a valid string"),
    (VmCreate, "memory", 9 * TIB, "must be 64 MiB to 1 TiB, in whole MiB"),
    (VmCreate, "memory", 512 * MIB + 1, "must be 64 MiB to 1 TiB, in whole MiB"),
    (VmCreate, "disk_size", 1, "must be 1 MiB to 64 TiB, in whole sectors"),
    (VmCreate, "tags", ["-"], "must be 1 to 63 letters, digits, or any of"),
    (VmCreate, "cpu_model", "x y", "must be the name of a CPU model, or auto"),
    (CloudInitCreate, "ssh_keys", ["secret"], "must be a public key in one line"),
    (TokenCreate, "expires_in", "soon", "must be a number with a unit"),
])  # fmt: skip
def test_words_say_what_it_must_be(shape: type[BaseModel], field: str, value: Any, words: str) -> None:
    body: dict[str, Any] = {"name": "web", "memory": 128 * MIB, "expires_in": "1h"}
    fields = {name: body[name] for name in body if name in shape.model_fields} | {field: value}
    with pytest.raises(ValidationError) as caught:
        shape.model_validate(fields)
    (error,) = caught.value.errors()
    assert error["loc"][0] == field
    assert words in error["msg"]
