"""Whatever crosses between manager and agent is recorded, so that a change of it is seen and meant."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from altus.wire import agent
from altus.wire.operations import OPERATIONS

_GOLDEN = Path(__file__).parent / "wire.json"
_MESSAGES = (agent.CallLine, agent.CancelCall, agent.CancelDone, agent.HostMessage, agent.UploadState,
             agent.EnrolRequest, agent.EnrolledAs, agent.EnrolToken)  # fmt: skip


def _fingerprint(shape: Any) -> str:
    """Of names, types and defaults; sentences may change."""

    def bare(value: object) -> object:
        if isinstance(value, dict):
            return {key: bare(item) for key, item in value.items() if key not in ("description", "title")}
        return [bare(item) for item in value] if isinstance(value, list) else value

    schema = bare(TypeAdapter(shape).json_schema())
    return hashlib.sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()[:16]


def test_messages_are_the_golden_ones() -> None:
    messages = {getattr(shape, "__name__", "HostMessage"): _fingerprint(shape) for shape in _MESSAGES}
    operations = {
        name: f"{_fingerprint(operation.request)} -> {_fingerprint(operation.response)}"
        for name, operation in sorted(OPERATIONS.items())
    }
    found = json.dumps({"messages": messages, "operations": operations}, indent=2) + "\n"
    if os.environ.get("ALTUS_GOLDEN") == "write":
        _GOLDEN.write_text(found)
    assert found == _GOLDEN.read_text(), "run ./dev golden if the change is meant; older agents will not understand it"
