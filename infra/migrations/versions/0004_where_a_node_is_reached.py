"""Where clients reach exactly one node"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go on to this form."""
    with op.batch_alter_table("node", schema=None) as batch_op:
        batch_op.add_column(sa.Column("url", sa.String(length=200), nullable=True))


def downgrade() -> None:
    """Go back to the form before."""
    with op.batch_alter_table("node", schema=None) as batch_op:
        batch_op.drop_column("url")
