"""How events look."""

from __future__ import annotations

from altus.cli.layout import AnyLayout, Layout
from altus.cli.text import listed

EVENT: AnyLayout = Layout(
    columns=(
        ("SEQ", lambda event: event.seq),
        ("AT", lambda event: f"{event.at:%Y-%m-%d %H:%M:%S}"),
        ("WHAT", lambda event: event.kind),
        ("OBJECT", lambda event: event.data.get("name") or event.object_id),
        ("DATA", lambda event: listed(f"{key}={value}" for key, value in event.data.items() if key != "name")),
    ),
)
