"""Enrolment of hosts on the public API."""

from __future__ import annotations

from altus.model.label import Label
from altus.wire.base import Name, Shape, View, example


class HostEnrol(Shape):
    """The host that is to come; its label holds for all that runs there."""

    model_config = example(name="host1", label="open")

    name: Name
    label: Label = Label.OPEN


class HostToken(View):
    """A one-time token, shown this once."""

    name: str
    token: str
