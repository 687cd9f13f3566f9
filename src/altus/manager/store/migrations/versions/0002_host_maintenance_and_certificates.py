"""host maintenance and certificates"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Lead the tables here."""
    op.create_table(
        "certificates",
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("renew_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("serial"),
    )
    with op.batch_alter_table("certificates", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_certificates_host_id"), ["host_id"], unique=False)

    with op.batch_alter_table("hosts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("maintenance", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("hosts", schema=None) as batch_op:
        batch_op.alter_column("maintenance", server_default=None)


def downgrade() -> None:
    """Take them back."""
    with op.batch_alter_table("hosts", schema=None) as batch_op:
        batch_op.drop_column("maintenance")

    with op.batch_alter_table("certificates", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_certificates_host_id"))

    op.drop_table("certificates")
