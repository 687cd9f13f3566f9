"""Generated domain XML is what it was, is valid, is accepted by libvirt, and uses all that is declared."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import libvirt
import pytest

from altus.drivers.hypervisor.libvirt.xml.domain import Domain
from altus.drivers.hypervisor.libvirt.xml.metadata import parse_metadata
from altus.drivers.hypervisor.libvirt.xml.schema import Element
from tests.contract.hypervisor_rigs import start_libvirt
from tests.golden.libvirt_cases import cases

_FOLDER = Path(__file__).parent / "libvirt"
_CASES = cases()


def _elements(element: Element) -> Iterator[Element]:
    """An element and all below it."""
    yield element
    for _, value in element.values():
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Element):
                yield from _elements(item)


def _declared() -> Iterator[str]:
    for kind in Element.__subclasses__():
        if kind.__module__.startswith("altus."):
            yield from (f"{kind.__name__}.{field.name}" for field in dataclasses.fields(kind))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", _CASES)
def test_xml_is_the_golden_one(name: str) -> None:
    path = _FOLDER / f"{name}.xml"
    text = _CASES[name].to_text()
    if os.environ.get("ALTUS_GOLDEN") == "write":
        path.write_text(text)
    assert text == path.read_text(), "if the change is meant, run with ALTUS_GOLDEN=write and review the difference"


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in _FOLDER.glob("*.xml")} == set(_CASES)


@pytest.mark.parametrize("name", _CASES)
def test_xml_is_read_back_as_the_same_declaration(name: str) -> None:
    assert Domain.from_xml(ET.fromstring(_CASES[name].to_text())) == _CASES[name]


def _define(connection: libvirt.virConnect, domain: Domain) -> libvirt.virDomain:
    """Have libvirt check the XML against its schema, keep it and give our metadata back."""
    defined = connection.defineXMLFlags(domain.to_text(), libvirt.VIR_DOMAIN_DEFINE_VALIDATE)
    kept = defined.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, domain.metadata.altus.namespace)
    assert parse_metadata(kept) == domain.metadata.altus
    return defined


@pytest.mark.parametrize("name", _CASES)
def test_libvirts_test_driver_defines_it(name: str) -> None:
    connection = libvirt.open("test:///default")
    try:
        _define(connection, dataclasses.replace(_CASES[name], type="test")).undefine()  # its only acceleration
    finally:
        connection.close()


@pytest.mark.functional
@pytest.mark.parametrize("name", _CASES)
def test_libvirts_qemu_driver_defines_it(name: str) -> None:
    start_libvirt()
    connection = libvirt.open("qemu:///system")
    try:
        _define(connection, _CASES[name]).undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)
    finally:
        connection.close()


def test_every_declared_field_is_exercised_by_a_golden_file() -> None:
    used = {
        f"{type(element).__name__}.{field.name}"
        for domain in _CASES.values()
        for element in _elements(domain)
        for field, _ in element.values()
    }
    assert set(_declared()) - used == set()
