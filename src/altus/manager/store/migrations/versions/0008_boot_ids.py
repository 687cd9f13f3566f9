"""boot ids of hosts"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Lead the tables here; of hosts that are known it is not known, so that their next hello counts as one after a
    boot."""
    with op.batch_alter_table("hosts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("boot_id", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("hosts", schema=None) as batch_op:  # new rows always bring their value
        batch_op.alter_column("boot_id", server_default=None)


def downgrade() -> None:
    """Take them back."""
    with op.batch_alter_table("hosts", schema=None) as batch_op:
        batch_op.drop_column("boot_id")
