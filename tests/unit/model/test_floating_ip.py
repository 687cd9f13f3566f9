"""Which addresses are given as floating ones."""

from __future__ import annotations

import pytest

from altus.common.errors import AltusError, Conflict, LimitExceeded
from altus.model.floating_ip import addresses_of, choose_address, outside_of, require_apart
from altus.model.pool import Pool


def _pool(outside: str) -> Pool:
    return Pool(id=outside or "none", name=outside or "none", outside=outside)


@pytest.mark.parametrize(("taken", "given"), [
    ([], "192.0.2.10"),
    (["192.0.2.10"], "192.0.2.11"),
    (["192.0.2.11", "192.0.2.10"], "192.0.2.12"),
    (["192.0.2.11"], "192.0.2.10"),
    (["192.0.2.10", "192.0.2.11", "192.0.2.12"], "198.51.100.7"),
    (["203.0.113.1"], "192.0.2.10"),
])  # fmt: skip
def test_the_lowest_free_address_is_given_of_the_first_pool_that_has_one(taken: list[str], given: str) -> None:
    pools = [_pool(""), _pool("192.0.2.10-192.0.2.12"), _pool("198.51.100.7")]
    assert choose_address(pools, taken, "") == given


def test_a_wanted_address_is_given_if_it_is_free() -> None:
    assert choose_address([_pool("192.0.2.10-192.0.2.12")], ["192.0.2.10"], "192.0.2.12") == "192.0.2.12"


@pytest.mark.parametrize(("outside", "wanted", "code"), [
    ("", "", "floating_ip.no_outside"),
    ("192.0.2.10", "", "floating_ip.exhausted"),
    ("192.0.2.10", "192.0.2.10", "floating_ip.address_taken"),
    ("192.0.2.10", "192.0.2.11", "floating_ip.address_invalid"),
    ("192.0.2.10", "web", "floating_ip.address_invalid"),
])  # fmt: skip
def test_what_cannot_be_given_is_refused(outside: str, wanted: str, code: str) -> None:
    with pytest.raises(AltusError) as error:
        choose_address([_pool(outside)], ["192.0.2.10"], wanted)
    assert error.value.code == code
    assert error.value.hint


@pytest.mark.parametrize("text", [
    "192.0.2.10-192.0.2.9", "192.0.2.0/24", "x", "-", "127.0.0.1", "224.0.0.1-224.0.0.9", "169.254.0.1",
    "0.0.0.0-0.0.0.9", "10.0.0.0-10.1.0.0",
])  # fmt: skip
def test_a_range_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(AltusError) as error:
        outside_of(text)
    assert error.value.code == "network.range_invalid"


def test_a_range_is_as_large_as_it_may_be() -> None:
    found = outside_of("10.0.0.0-10.0.255.255")
    assert found.last - found.first == 65535


@pytest.mark.parametrize(("other", "apart"), [
    ("192.0.2.0/29", False), ("192.0.2.8/29", False), ("192.0.2.0/24", False), ("192.0.2.16/29", True),
    ("192.0.1.0/24", True),
])  # fmt: skip
def test_outside_addresses_are_nobody_elses(other: str, apart: bool) -> None:
    outside = outside_of("192.0.2.7-192.0.2.15")
    if apart:
        require_apart("default", outside, [("lan", addresses_of(other))])
        return
    with pytest.raises(Conflict, match="lan") as error:
        require_apart("default", outside, [("lan", addresses_of(other))])
    assert error.value.code == "pool.outside_overlap"


def test_being_exhausted_is_a_limit() -> None:
    with pytest.raises(LimitExceeded):
        choose_address([_pool("192.0.2.10")], ["192.0.2.10"], "")
