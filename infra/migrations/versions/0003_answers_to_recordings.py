"""What artists answer to their recordings, and whose spool has a take"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go on to this form."""
    op.create_table(
        "recording_answer",
        sa.Column("recording", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("organisation", sa.String(length=64), nullable=False),
        sa.Column("seat", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.String(length=8), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording"], ["recording.id"], name=op.f("fk_recording_answer_recording_recording")
        ),
        sa.PrimaryKeyConstraint("recording", "number", name=op.f("pk_recording_answer")),
        info={"retention": "as long as the recording stands, and 2 years"},
    )
    with op.batch_alter_table("take", schema=None) as batch_op:
        batch_op.add_column(sa.Column("node", sa.String(length=128), nullable=True))


def downgrade() -> None:
    """Go back to the form before."""
    with op.batch_alter_table("take", schema=None) as batch_op:
        batch_op.drop_column("node")

    op.drop_table("recording_answer")
