"""Plans as people read them: the steps, the host chosen and why, what would be waited for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from altus.cli.call import Call
from altus.cli.output import Output, write_data, write_line

if TYPE_CHECKING:
    from altus.wire.tasks import PlanView


async def show_plan(call: Call, plan: PlanView) -> None:
    """The plan; nothing was changed."""
    if call.output is not Output.TABLE:
        write_data(call.output, plan.model_dump(mode="json"))
        return
    for line in lines_of(plan):
        write_line(line)


def lines_of(plan: PlanView) -> Iterator[str]:
    """As text."""
    yield f"Plan: {plan.title} {plan.object_name}".rstrip() + " (nothing was changed)"
    for number, step in enumerate(plan.steps, 1):
        yield f"  {number}. {step.title}" + ("" if step.undoable else "  (not undone after this)")
    if plan.waits_for:
        yield f"It would wait for: {', '.join(plan.waits_for)}"
    for key, value in plan.details.items():
        yield from placement_lines(value) if key == "placement" else [f"{key[:1].upper()}{key[1:]}: {_brief(value)}"]


def placement_lines(verdicts: Any) -> Iterator[str]:
    """What is thought of each host."""
    for verdict in verdicts:
        where = f"{verdict['host_name']}, storage {verdict['storage_name']}"
        why = ", ".join(verdict["reasons"])
        chosen, suitable = verdict.get("chosen"), verdict.get("suitable")
        yield f"{'Host chosen' if chosen else 'Also suitable' if suitable else 'Not suitable'}: {where}: {why}"


def _brief(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value) or "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
