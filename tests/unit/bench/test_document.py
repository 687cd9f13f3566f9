"""The document of benchmarks: a part that is measured replaces its own section."""

from __future__ import annotations

from bench.document import with_part


def test_a_part_replaces_its_own_section_and_no_other() -> None:
    both = with_part(with_part("", "fake", "| old |"), "real", "| stays |")
    again = with_part(both, "fake", "| new |")
    assert "| old |" in both
    assert "| old |" not in again
    assert (
        again.index("## One machine") < again.index("| stays |") < again.index("## The manager") < again.index("| new")
    )
    assert with_part(again, "fake", "| new |") == again
