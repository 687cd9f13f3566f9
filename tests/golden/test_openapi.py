"""The public API's description is recorded, so that a change of it is seen and meant."""

from __future__ import annotations

import json
import os
from pathlib import Path

from altus.manager.api.app import openapi

_GOLDEN = Path(__file__).parent / "openapi.json"


def test_openapi_document_is_the_golden_one() -> None:
    found = json.dumps(openapi(), indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("ALTUS_GOLDEN") == "write":
        _GOLDEN.write_text(found)
    assert found == _GOLDEN.read_text(), "run ./dev golden if the change is meant; clients are written against it"
