"""Errors cross processes and stay what they are."""

from __future__ import annotations

import pytest

from altus.common import errors


@pytest.mark.parametrize("cls", list(errors._KINDS.values()), ids=lambda cls: cls.__name__)
def test_an_error_that_crosses_a_process_stays_the_same(cls: type[errors.AltusError]) -> None:
    error = cls("It failed.", code="vm.case", hint="Do better.", host_id="h1", count=3)
    again = errors.from_dict(error.to_dict())
    assert type(again) is cls
    assert again.to_dict() == error.to_dict()
    assert str(again) == "It failed."


def test_an_error_without_a_code_has_its_kinds() -> None:
    assert errors.NotFound("Nothing there.").code == "not_found"


def test_an_unknown_kind_is_a_failure() -> None:
    assert type(errors.from_dict({"kind": "from the future", "message": "hm"})) is errors.Failed
    assert str(errors.from_dict({})) == "unknown error"
