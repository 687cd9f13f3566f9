"""The audit trail: records in a chain, and what can be wrong with it (row S5). Pure: keys and rows come from outside.

Each record carries a keyed hash (HMAC-SHA-256) over its own fields, its number and the hash of the record before, so
that who can write the database but has not the key can change nothing unnoticed.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from altus.model.resource import utc_now

GENESIS = "0" * 64
"""What the first record has as the hash of the one before."""


class Outcome(StrEnum):
    """`allowed`: accepted and now a task, whose end has a record of its own; `denied`: may not."""

    ALLOWED = "allowed"
    DENIED = "denied"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class AuditRecord:
    """Who did what to what, from where, when, how it ended and how long it took.

    `action` is `noun.verb`; `details` are plain values, never secrets. The store sets `seq`, `prev_hash` and `hash`.
    """

    seq: int = 0
    at: datetime = field(default_factory=utc_now)
    actor_id: str = ""
    actor_name: str = ""
    duty: str = ""
    source: str = ""
    action: str
    noun: str
    object_id: str = ""
    object_name: str = ""
    project_id: str = ""
    outcome: Outcome
    error_code: str = ""
    duration_ms: int = 0
    details: dict[str, Any] = field(default_factory=dict)
    request_id: str = ""
    prev_hash: str = ""
    hash: str = ""


class Tampering(StrEnum):
    """What was done to the trail."""

    ALTERED = "altered"
    DELETED = "deleted"
    INSERTED = "inserted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    SPLICED = "spliced"
    FORGED = "forged"
    HEAD_REPLACED = "head_replaced"
    ANCHOR_REPLACED = "anchor_replaced"
    ROLLED_BACK = "rolled_back"


EXPLANATIONS = {
    Tampering.ALTERED: "The content of this record was changed.",
    Tampering.DELETED: "This record was removed.",
    Tampering.INSERTED: "This record was put in by someone who has not the key.",
    Tampering.REORDERED: "This record stands in another one's place.",
    Tampering.TRUNCATED: "This record and all after it were removed.",
    Tampering.SPLICED: "This record is genuine but follows another history: parts of two copies were put together.",
    Tampering.FORGED: "From this record on everything was written with another key.",
    Tampering.HEAD_REPLACED: "The chain's head does not belong to the records from here on.",
    Tampering.ANCHOR_REPLACED: "The anchor file outside the database is missing or was not written with the key.",
    Tampering.ROLLED_BACK: "The database is an older copy: the anchor file knows of this record, the chain does not.",
}


@dataclass(frozen=True, kw_only=True)
class AuditVerdict:
    """The result of a verification: how many records were read; what is wrong, and the first broken record."""

    records: int
    tampering: Tampering | None = None
    first_broken: int | None = None
    explanation: str = ""

    @property
    def intact(self) -> bool:
        """Whether the trail is whole."""
        return self.tampering is None


def broken(records: int, tampering: Tampering, first_broken: int) -> AuditVerdict:
    """A verdict with its explanation."""
    return AuditVerdict(records=records, tampering=tampering, first_broken=first_broken,
                        explanation=EXPLANATIONS[tampering])  # fmt: skip


def mac(key: bytes, values: Mapping[str, Any]) -> str:
    """The keyed hash of plain values: over JSON with sorted keys and nothing left to choice. Hexadecimal."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), default=repr)
    return hmac.digest(key, text.encode(), "sha256").hex()


@dataclass(frozen=True)
class Point:
    """A place in the chain and its hash, vouched for by `seal`: the head in the database, or the anchor outside."""

    seq: int
    hash: str
    seal: str

    @classmethod
    def sealed(cls, key: bytes, purpose: str, seq: int, record_hash: str) -> Point:
        """Made by who has the key."""
        return cls(seq, record_hash, _seal(key, purpose, seq, record_hash))

    def genuine(self, key: bytes, purpose: str) -> bool:
        """Whether somebody with the key made it for this purpose."""
        return hmac.compare_digest(_seal(key, purpose, self.seq, self.hash).encode(), str(self.seal).encode())


def _seal(key: bytes, purpose: str, seq: int, record_hash: str) -> str:
    return mac(key, {"purpose": purpose, "seq": seq, "hash": record_hash})
