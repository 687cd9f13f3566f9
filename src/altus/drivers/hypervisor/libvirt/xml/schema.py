"""Declared XML: a field says once where it stands, and emission and parsing both follow from that.

    @dataclass(kw_only=True)
    class Disk(Element, tag="disk"):
        device: str = at("@device")                  # an attribute of <disk> itself
        target: str = at("target/@dev")              # an attribute of a child
        serial: str | None = at("serial", None)      # a child's text
        read_only: bool | None = at("readonly/?", None)  # a child that is there or is not
        address: Address | None = None               # no place: another element below this one
        others: tuple[Address, ...] = ()             # several of them

A place is a path of child names that ends in a name (text), in `@name` (attribute), in `.` (text of the element
itself) or in `?` (presence). None and the empty tuple are not written. Booleans are libvirt's `yes` and `no`.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator
from typing import Any, ClassVar, Self, get_args, get_origin, get_type_hints
from xml.etree import ElementTree as ET

from altus.common.errors import Failed

_PLACE = "place"
_REQUIRED = dataclasses.MISSING


def at(place: str, default: Any = _REQUIRED) -> Any:
    """A field with a simple value (str, int, bool or an enum of text) at `place`."""
    return dataclasses.field(default=default, metadata={_PLACE: place})


class Element:
    """Base of declared elements; a subclass is a dataclass and names its tag (and, for foreign ones, a namespace)."""

    tag: ClassVar[str]
    namespace: ClassVar[str]

    def __init_subclass__(cls, tag: str, namespace: str = "") -> None:
        cls.tag = tag
        cls.namespace = namespace

    @classmethod
    def qualified(cls, name: str = "") -> str:
        """A child's name, or by default the element's own, with the namespace as ElementTree writes it."""
        name = name or cls.tag
        return f"{{{cls.namespace}}}{name}" if cls.namespace else name

    def to_xml(self) -> ET.Element:
        """This element and all below it."""
        root = ET.Element(self.qualified())
        for field, value in self.values():
            if _PLACE in field.metadata:
                self._put(root, field.metadata[_PLACE], value)
            else:
                root.extend(item.to_xml() for item in (value if isinstance(value, tuple) else (value,)))
        return root

    def to_text(self) -> str:
        """Indented XML, ending in a newline."""
        root = self.to_xml()
        ET.indent(root)
        return ET.tostring(root, encoding="unicode") + "\n"

    def values(self) -> Iterator[tuple[dataclasses.Field[Any], Any]]:
        """The declared fields that have something to write."""
        for field in dataclasses.fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            value = getattr(self, field.name)
            if value is not None and value != ():
                yield field, value

    @classmethod
    def from_xml(cls, root: ET.Element) -> Self:
        """The object that `to_xml` wrote; what is not declared is left out."""
        hints = get_type_hints(cls)
        found: dict[str, Any] = {}
        for field in dataclasses.fields(cls):  # type: ignore[arg-type]  # every subclass is a dataclass
            value = cls._get(root, field, hints[field.name])
            if value is not None:
                found[field.name] = value
        try:
            return cls(**found)
        except TypeError as error:
            raise Failed(f"<{cls.tag}> is incomplete: {error}.", code="hypervisor.xml_incomplete") from error

    @classmethod
    def _walk(cls, place: str) -> tuple[list[str], str]:
        *steps, last = place.split("/")
        return [cls.qualified(step) for step in steps], last

    @classmethod
    def _put(cls, root: ET.Element, place: str, value: Any) -> None:
        steps, last = cls._walk(place)
        node = root
        for step in steps:
            found = node.find(step)
            node = ET.SubElement(node, step) if found is None else found
        text = ("yes" if value else "no") if isinstance(value, bool) else str(value)
        if last.startswith("@"):
            node.set(last[1:], text)
        elif last == ".":
            node.text = text
        elif last != "?":
            ET.SubElement(node, cls.qualified(last)).text = text

    @classmethod
    def _get(cls, root: ET.Element, field: dataclasses.Field[Any], hint: Any) -> Any:
        kind, many = _kind_of(hint)
        if _PLACE not in field.metadata:
            nodes = [kind.from_xml(node) for node in root.findall(kind.qualified())]
            return tuple(nodes) if many else next(iter(nodes), None)
        steps, last = cls._walk(field.metadata[_PLACE])
        node = root.find("/".join(steps)) if steps else root
        if last == "?":
            return None if node is None else True
        if node is None:
            return None
        if last.startswith("@"):
            text = node.get(last[1:])
        else:
            text = node.text if last == "." else node.findtext(cls.qualified(last))
        if text is None:
            return None
        return text == "yes" if kind is bool else kind(text)


def _kind_of(hint: Any) -> tuple[Any, bool]:
    """The class behind `X`, `X | None` or `tuple[X, ...]`, and whether there are many."""
    if get_origin(hint) in (types.UnionType, typing.Union):
        return next(arg for arg in get_args(hint) if arg is not type(None)), False
    if get_origin(hint) is tuple:
        return get_args(hint)[0], True
    return hint, False
