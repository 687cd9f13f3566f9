"""Passwords and policies."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altus.common.errors import InvalidInput
from altus.model.password import MAX_LENGTH, check_password, generate_password, problems_of, to_bytes
from altus.model.policy import PasswordPolicy, SessionPolicy, changed

POLICY = PasswordPolicy()


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("Short1!", "is shorter than 12"),
        ("alllowercaseletters", "mixes fewer than 3"),
        ("Carol-1234-long", "contains the account's name"),
        ("Password1234!", "is a common password"),
        ("P@ssw0rd2026!", "is a common password"),
        ("Aa1-Aa1-Aa1-Aa1-", "is a common password"),
        ("Good-1234-\x00-xyz", "contains control characters"),
        ("Good-1234-\ud800-xyz", "contains control characters"),
        ("Aa1-" * 65, "is longer than 256"),
    ],
)
def test_a_bad_password_is_refused_and_the_fault_named(password: str, problem: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_password(password, "carol", POLICY)
    assert caught.value.code == "password.weak"
    assert problem in caught.value.message


def test_all_faults_are_named_at_once() -> None:
    assert len(problems_of("carol", "carol", POLICY)) == 3


@pytest.mark.parametrize("password", ["Garden-Ladder-77", "çok uzun Bir şifre 9", "xK4.mQ9_zR2-"])
def test_a_good_password_passes(password: str) -> None:
    check_password(password, "carol", POLICY)


@given(st.integers(8, 128), st.integers(1, 4))
def test_a_generated_password_follows_the_policy_it_was_made_for(length: int, classes: int) -> None:
    policy = PasswordPolicy(min_length=length, min_classes=classes)
    password = generate_password(policy)
    assert problems_of(password, "carol", policy) == []
    assert len(password) <= MAX_LENGTH


def test_the_same_characters_typed_in_two_ways_are_one_password() -> None:
    typed = "pässwörter-Äpfel"
    assert to_bytes(unicodedata.normalize("NFD", typed)) == to_bytes(unicodedata.normalize("NFC", typed))


def test_lone_surrogates_do_not_break_hashing() -> None:
    assert to_bytes("\ud800") != to_bytes("\ud801")


def test_policy_values_change_within_their_range() -> None:
    assert changed(PasswordPolicy(), {"min_length": 16, "forbid_common": False}).min_length == 16


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"min_length": 7}, "policy.value"),
        ({"min_length": 10**9}, "policy.value"),
        ({"min_length": True}, "policy.value"),
        ({"min_length": "16"}, "policy.value"),
        ({"forbid_name": 1}, "policy.value"),
        ({"nonsense": 1}, "policy.field"),
    ],
)
def test_policy_values_out_of_range_are_refused(changes: dict[str, object], code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        changed(PasswordPolicy(), changes)
    assert caught.value.code == code


def test_every_policy_default_is_within_its_own_range() -> None:
    for policy in (PasswordPolicy(), SessionPolicy()):
        assert changed(policy, vars(policy)) == policy
