"""Routers between networks on the public API."""

from __future__ import annotations

from altus.model.label import Label
from altus.model.router import RouterState
from altus.wire.base import ActionView, Name, Reference, ResourceView, Shape, example


class RouterCreate(Shape):
    """A new router without networks."""

    model_config = example(name="core")

    name: Name
    project: Reference | None = None
    label: Label = Label.OPEN


class RouterMember(Shape):
    """A network that comes or goes."""

    model_config = example(network="lan")

    network: Reference


class RouterView(ResourceView):
    """A router; its `networks`, by their ids, reach each other."""

    state: RouterState
    networks: list[str]
    allowed_actions: dict[str, ActionView]
