"""Keyed hashes and seals of the audit trail."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from altus.model.audit import EXPLANATIONS, Point, Tampering, broken, mac

KEY = b"k" * 32
values = st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text(max_size=20), max_size=5)


@given(values, values)
def test_only_equal_values_have_the_same_hash(one: dict[str, object], other: dict[str, object]) -> None:
    assert (mac(KEY, one) == mac(KEY, other)) == (one == other)


@given(values)
def test_the_hash_depends_on_the_key_and_not_on_the_order(plain: dict[str, object]) -> None:
    assert mac(KEY, plain) != mac(b"other key", plain)
    assert mac(KEY, dict(reversed(plain.items()))) == mac(KEY, plain)


def test_a_seal_holds_for_its_purpose_place_and_hash_only() -> None:
    point = Point.sealed(KEY, "head", 7, "ab")
    assert point.genuine(KEY, "head")
    assert not point.genuine(KEY, "anchor")
    assert not point.genuine(b"other", "head")
    assert not Point(8, point.hash, point.seal).genuine(KEY, "head")
    assert not Point(7, "cd", point.seal).genuine(KEY, "head")
    assert not Point(7, "ab", "é").genuine(KEY, "head")


def test_every_kind_of_tampering_is_explained() -> None:
    assert set(EXPLANATIONS) == set(Tampering)
    assert not broken(3, Tampering.ALTERED, 2).intact
