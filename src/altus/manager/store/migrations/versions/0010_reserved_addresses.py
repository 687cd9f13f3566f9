"""reserved addresses"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Lead the tables here."""
    with op.batch_alter_table("networks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reserved", sa.Text(), nullable=False, server_default="[]"))
    with op.batch_alter_table("networks", schema=None) as batch_op:  # new rows always bring their value
        batch_op.alter_column("reserved", server_default=None)


def downgrade() -> None:
    """Take them back."""
    with op.batch_alter_table("networks", schema=None) as batch_op:
        batch_op.drop_column("reserved")
