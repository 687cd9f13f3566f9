"""cpu baseline"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Lead the tables here."""
    with op.batch_alter_table("pools", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cpu_model", sa.Text(), nullable=False, server_default="auto"))
    with op.batch_alter_table("pools", schema=None) as batch_op:  # new rows always bring their value
        batch_op.alter_column("cpu_model", server_default=None)
    with op.batch_alter_table("vms", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cpu", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take them back."""
    with op.batch_alter_table("vms", schema=None) as batch_op:
        batch_op.drop_column("cpu")

    with op.batch_alter_table("pools", schema=None) as batch_op:
        batch_op.drop_column("cpu_model")
