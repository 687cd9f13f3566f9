"""What leads outside addresses to NICs goes with their ports, and has to come back with them when a task is undone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from altus.manager.store.database import Tx
from altus.manager.store.resources import FLOATING_IP
from altus.manager.tasks.run import Run
from altus.model.translation import TranslationSpec
from altus.wire.operations import TRANSLATION_ENSURE, TranslationEnsure


async def lead_again(run: Run[Any], host_id: str, nic_ids: Iterable[str]) -> None:
    """Make translations to these NICs, whose ports are there, as the database says."""
    wanted = list(nic_ids)

    def look(tx: Tx) -> list[TranslationSpec]:
        return [floating.spec for floating in FLOATING_IP.all(tx, FLOATING_IP.table.c.nic_id.in_(wanted))]

    for spec in await run.db.read(look):
        await run.call(host_id, TRANSLATION_ENSURE, TranslationEnsure(translation=spec))
