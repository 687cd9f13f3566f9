"""vms by name"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Lead the tables here."""
    op.create_index("ix_vms_name_id", "vms", ["name", "id"], unique=False)


def downgrade() -> None:
    """Take them back."""
    op.drop_index("ix_vms_name_id", table_name="vms")
