"""claims of unfinished tasks"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Lead the tables here; the claims of tasks that are unfinished now are read from their locks."""
    claims = op.create_table(
        "claims",
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("task_id", "resource", "mode"),
    )
    op.create_index(op.f("ix_claims_resource_mode"), "claims", ["resource", "mode"], unique=False)
    tasks = op.get_bind().execute(
        sa.text("SELECT id, locks FROM tasks WHERE state IN ('queued', 'running', 'undoing')")
    )
    found = {(row.id, lock["resource"], lock["mode"]) for row in tasks for lock in json.loads(row.locks)}
    op.bulk_insert(claims, [dict(zip(("task_id", "resource", "mode"), one, strict=True)) for one in sorted(found)])
    with op.batch_alter_table("vms", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_vms_state"))
        batch_op.create_index(batch_op.f("ix_vms_state_intent"), ["state", "intent"], unique=False)


def downgrade() -> None:
    """Take them back."""
    with op.batch_alter_table("vms", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_vms_state_intent"))
        batch_op.create_index(batch_op.f("ix_vms_state"), ["state"], unique=False)
    op.drop_table("claims")
