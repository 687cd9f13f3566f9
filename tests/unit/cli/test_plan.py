"""Plans as people read them."""

from __future__ import annotations

from altus.cli.plan import lines_of
from altus.wire.tasks import PlannedStepView, PlanView


def test_what_a_plan_tells_besides_its_steps_reads_like_text() -> None:
    details = {
        "disks": "What was written is lost.",
        "VMs that move": ["web1 to host2", "web2 to host3"],
        "VMs that stay": [],
        "room": {"vcpus": 2},
    }
    step = PlannedStepView(name="close", title="Close the host", undoable=False)
    plan = PlanView(kind="host.maintain", title="Maintain host", noun="host", object_name="host1", steps=[step],
                    locks=[], waits_for=["Start VM web1"], details=details)  # fmt: skip
    assert list(lines_of(plan)) == [
        "Plan: Maintain host host1 (nothing was changed)",
        "  1. Close the host  (not undone after this)",
        "It would wait for: Start VM web1",
        "Disks: What was written is lost.",
        "VMs that move: web1 to host2, web2 to host3",
        "VMs that stay: none",
        'Room: {"vcpus": 2}',
    ]
