"""migration options"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Lead the tables here."""
    with op.batch_alter_table("hosts", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("migrations", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False,
                      server_default="8"))  # fmt: skip
    with op.batch_alter_table("hosts", schema=None) as batch_op:  # new rows always bring their value
        batch_op.alter_column("migrations", server_default=None)
    with op.batch_alter_table("vms", schema=None) as batch_op:
        batch_op.add_column(sa.Column("migration", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take them back."""
    with op.batch_alter_table("vms", schema=None) as batch_op:
        batch_op.drop_column("migration")

    with op.batch_alter_table("hosts", schema=None) as batch_op:
        batch_op.drop_column("migrations")
