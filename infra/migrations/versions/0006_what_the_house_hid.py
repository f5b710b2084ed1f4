"""What the house hid"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go on to this form."""
    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.add_column(sa.Column("hidden_ms", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Go back to the form before."""
    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.drop_column("hidden_ms")
