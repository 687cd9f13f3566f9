"""Run by Alembic: connects the migrations with the transaction that `altus.manager.store.revisions` has opened."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context

from altus.manager.store.columns import UtcTime


def _render(kind: str, item: Any, _autogenerate: Any) -> str | Literal[False]:
    """Migrations know nothing of our own types, which may change."""
    return "sa.BigInteger()" if kind == "type" and isinstance(item, UtcTime) else False


def _run(connection: sa.Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=context.config.attributes["metadata"],
        render_as_batch=True,  # SQLite changes a table by making it anew
        render_item=_render,
    )
    with context.begin_transaction():
        context.run_migrations()


_run(context.config.attributes["connection"])
