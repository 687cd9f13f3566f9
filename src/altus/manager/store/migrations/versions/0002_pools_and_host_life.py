"""pools and host life"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_DEFAULT_POOL = "00000000-0000-7000-8000-000000000002"


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

    op.create_table(
        "pools",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("vcpu_ratio", sa.Float(), nullable=False),
        sa.Column("memory_ratio", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", name=op.f("uq_pools_name")),
    )
    with op.batch_alter_table("hosts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("maintenance", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("pool_id", sa.Text(), nullable=False, server_default=_DEFAULT_POOL))
        batch_op.add_column(sa.Column("tags", sa.Text(), nullable=False, server_default="[]"))
        batch_op.add_column(
            sa.Column(
                "reserved_vcpus",
                sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
                nullable=False,
                server_default="0",
            )
        )
        batch_op.add_column(
            sa.Column(
                "reserved_memory",
                sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
                nullable=False,
                server_default="0",
            )
        )

    with op.batch_alter_table("vms", schema=None) as batch_op:
        batch_op.add_column(sa.Column("placement", sa.Text(), nullable=False, server_default="{}"))
    # rows that were there have their values; new ones always bring theirs
    with op.batch_alter_table("hosts", schema=None) as batch_op:
        batch_op.alter_column("maintenance", server_default=None)
        batch_op.alter_column("pool_id", server_default=None)
        batch_op.alter_column("tags", server_default=None)
        batch_op.alter_column("reserved_vcpus", server_default=None)
        batch_op.alter_column("reserved_memory", server_default=None)
    with op.batch_alter_table("vms", schema=None) as batch_op:
        batch_op.alter_column("placement", server_default=None)


def downgrade() -> None:
    """Take them back."""
    with op.batch_alter_table("vms", schema=None) as batch_op:
        batch_op.drop_column("placement")

    with op.batch_alter_table("hosts", schema=None) as batch_op:
        batch_op.drop_column("reserved_memory")
        batch_op.drop_column("reserved_vcpus")
        batch_op.drop_column("tags")
        batch_op.drop_column("pool_id")
        batch_op.drop_column("maintenance")

    op.drop_table("pools")
    with op.batch_alter_table("certificates", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_certificates_host_id"))

    op.drop_table("certificates")
