"""Declared XML: emission and parsing are each other's reverse, and text cannot break out."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altus.common.errors import Failed
from altus.drivers.hypervisor.libvirt.xml.schema import Element, at

_TEXT = st.text(st.characters(categories=["L", "N", "P", "Sm"]), min_size=1)


@dataclass(kw_only=True)
class Leaf(Element, tag="leaf", namespace="urn:leaf"):
    """A child in a namespace of its own."""

    name: str = at("@name")
    text: str | None = at("deep/text", None)


@dataclass(kw_only=True)
class Root(Element, tag="root"):
    """One of each kind of field."""

    attribute: str = at("@attribute")
    number: int = at("a/b/@number")
    flag: bool = at("a/@flag", True)
    own: str | None = at(".", None)
    present: bool | None = at("present/?", None)
    one: Leaf | None = None


@dataclass(kw_only=True)
class Many(Element, tag="many"):
    """Children of one kind."""

    leaves: tuple[Leaf, ...] = ()


@given(_TEXT, st.integers(), st.booleans(), st.none() | _TEXT, st.none() | st.just(True), _TEXT)
def test_what_is_written_is_read_back(
    attribute: str, number: int, flag: bool, own: str | None, present: bool | None, name: str
) -> None:
    leaf = Leaf(name=name, text=attribute)
    root = Root(attribute=attribute, number=number, flag=flag, own=own, present=present, one=leaf)
    assert Root.from_xml(ET.fromstring(ET.tostring(root.to_xml()))) == root


def test_absent_values_write_nothing() -> None:
    assert ET.tostring(Root(attribute="x", number=1).to_xml()) == (
        b'<root attribute="x"><a flag="yes"><b number="1" /></a></root>'
    )
    assert ET.tostring(Many().to_xml()) == b"<many />"


def test_many_children_keep_their_order() -> None:
    many = Many(leaves=(Leaf(name="b"), Leaf(name="a")))
    assert Many.from_xml(ET.fromstring(many.to_text())) == many


def test_text_cannot_become_markup() -> None:
    hostile = "'\"/><evil/>&amp;<![CDATA["
    text = Root(attribute=hostile, number=1, own=hostile).to_text()
    assert "<evil" not in text
    assert Root.from_xml(ET.fromstring(text)).attribute == hostile


def test_missing_parts_are_told() -> None:
    with pytest.raises(Failed) as refused:
        Root.from_xml(ET.fromstring("<root attribute='x'/>"))
    assert refused.value.code == "hypervisor.xml_incomplete"
