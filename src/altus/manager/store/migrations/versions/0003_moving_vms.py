"""moving vms"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Lead the tables here."""
    with op.batch_alter_table("vms", schema=None) as batch_op:
        batch_op.add_column(sa.Column("other_host_id", sa.Text(), nullable=True))
        batch_op.create_index(batch_op.f("ix_vms_other_host_id"), ["other_host_id"], unique=False)


def downgrade() -> None:
    """Take them back."""
    with op.batch_alter_table("vms", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_vms_other_host_id"))
        batch_op.drop_column("other_host_id")
