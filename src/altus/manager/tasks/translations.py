"""What leads outside addresses to NICs goes with their ports, and has to come back with them when a task is undone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from altus.manager.store.database import Tx
from altus.manager.store.resources import FLOATING_IP, FORWARD
from altus.manager.tasks.run import Run
from altus.model.translation import TranslationSpec
from altus.wire.operations import TRANSLATION_ENSURE, TranslationEnsure


async def lead_again(run: Run[Any], host_id: str, nic_ids: Iterable[str]) -> None:
    """Make translations to these NICs, whose ports are there, as the database says."""
    wanted = list(nic_ids)

    def look(tx: Tx) -> list[TranslationSpec]:
        floating = FLOATING_IP.all(tx, FLOATING_IP.table.c.nic_id.in_(wanted))
        forwards = FORWARD.all(tx, FORWARD.table.c.nic_id.in_(wanted))
        return [*(one.spec for one in floating), *(one.spec for one in forwards)]

    for spec in await run.db.read(look):
        await run.call(host_id, TRANSLATION_ENSURE, TranslationEnsure(translation=spec))
