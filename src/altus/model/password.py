"""Passwords: whether one is good enough, and how to make one (row S8). Hashing is elsewhere."""

from __future__ import annotations

import secrets
import string
import unicodedata

from altus.common.errors import InvalidInput
from altus.model.policy import PasswordPolicy

MAX_LENGTH = 256
"""Longer ones are refused before they cost anything."""
_GENERATED = 20
_ALPHABET = string.ascii_letters + string.digits + "-_.+"
_LEET = str.maketrans("013457@$!", "oleastasi")
_COMMON = frozenset(
    """
    password passwort passw0rd motdepasse contrasena administrator admin administrador root superuser welcome letmein
    iloveyou qwerty qwertyuiop qwertyuiopasdfghjkl asdfghjkl zxcvbnm azertyuiop qazwsx qazwsxedc qaywsx abc abcdef
    abcdefgh abcdefghijkl abcd monkey dragon sunshine princess football baseball basketball superman batman master
    shadow michael jennifer jordan trustno trustnoone changeme changemenow changeit default secret topsecret test
    testing testtest guest login access server computer internet virtual hypervisor virtualization cloud altus
    sysadmin secadmin auditadmin starwars whatever freedom mustang corvette hunter summer winter spring autumn
    january february december company hello helloworld temporary temp initial start nopassword passwordpassword
    adminadmin rootroot correcthorsebatterystaple
    """.split()  # noqa: SIM905 - a hundred quoted words are no easier to read
)


def problems_of(password: str, account_name: str, policy: PasswordPolicy) -> list[str]:
    """What is wrong with it, one phrase for each fault; empty if it is good."""
    problems = []
    if len(password) > MAX_LENGTH:
        return [f"is longer than {MAX_LENGTH} characters"]
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in password):
        return ["contains control characters"]
    if len(password) < policy.min_length:
        problems.append(f"is shorter than {policy.min_length} characters")
    if _classes(password) < policy.min_classes:
        problems.append(
            f"mixes fewer than {policy.min_classes} of: lower case, upper case, digits, other characters"
        )  # fmt: skip
    if policy.forbid_name and _contains_name(password, account_name):
        problems.append("contains the account's name")
    if policy.forbid_common and _is_common(password):
        problems.append("is a common password or one with little added")
    return problems


def check_password(password: str, account_name: str, policy: PasswordPolicy) -> None:
    """`InvalidInput` (`password.weak`) that lists everything wrong with it."""
    problems = problems_of(password, account_name, policy)
    if problems:
        raise InvalidInput(f"The password {'; it '.join(problems)}.", code="password.weak",
                           hint="Choose another one; several words with digits between them are easy to remember.",
                           problems=problems)  # fmt: skip


def generate_password(policy: PasswordPolicy) -> str:
    """A random one that follows the policy; 20 characters (about 120 bits) or the least length if that is more."""
    length = max(_GENERATED, policy.min_length)
    while True:
        password = "".join(secrets.choice(_ALPHABET) for _ in range(length))
        if _classes(password) == 4 and password[0].isalnum():
            return password


def to_bytes(password: str) -> bytes:
    """What is hashed: the same for every way to type the same characters (NFKC)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _classes(password: str) -> int:
    kinds = (str.islower, str.isupper, str.isdigit, lambda char: not (char.isalpha() or char.isdigit()))
    return sum(any(kind(char) for char in password) for kind in kinds)


def _contains_name(password: str, name: str) -> bool:
    return len(name) >= 3 and name.casefold() in password.casefold()


def _is_common(password: str) -> bool:
    """Whether nothing but decoration (digits, punctuation, l33t) is around a common word, or it is one repeated run."""
    lowered = password.casefold()
    if len(set(lowered)) <= 4:
        return True
    decoration = string.digits + string.punctuation + string.whitespace
    core = lowered.strip(decoration)
    stems = {"".join(filter(str.isalpha, text)) for text in (core, core.translate(_LEET))}
    return bool(stems & _COMMON) or (lowered.isalnum() and "".join(sorted(set(lowered))) == lowered)
