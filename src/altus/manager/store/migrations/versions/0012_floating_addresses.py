"""floating addresses"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Lead the tables here."""
    op.create_table(
        "floating_ips",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("network_id", sa.Text(), nullable=False),
        sa.Column("vm_id", sa.Text(), nullable=False),
        sa.Column("nic_id", sa.Text(), nullable=False),
        sa.Column("inside", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("address", name=op.f("uq_floating_ips_address")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_floating_ips_project_id_name")),
    )
    with op.batch_alter_table("floating_ips", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_floating_ips_network_id"), ["network_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_floating_ips_vm_id"), ["vm_id"], unique=False)

    with op.batch_alter_table("pools", schema=None) as batch_op:
        batch_op.add_column(sa.Column("outside", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("pools", schema=None) as batch_op:  # new rows always bring their value
        batch_op.alter_column("outside", server_default=None)


def downgrade() -> None:
    """Take them back."""
    with op.batch_alter_table("pools", schema=None) as batch_op:
        batch_op.drop_column("outside")

    with op.batch_alter_table("floating_ips", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_floating_ips_vm_id"))
        batch_op.drop_index(batch_op.f("ix_floating_ips_network_id"))

    op.drop_table("floating_ips")
