"""Takes and recordings"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go on to this form."""
    op.create_table(
        "recording",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=64), nullable=False),
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("policy", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("ready_ms", sa.BigInteger(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("codecs", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording")),
        sa.UniqueConstraint("room", name=op.f("uq_recording_room")),
        info={"retention": "recording"},
    )
    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.create_index("recording_by_organisation", ["organisation", "id"], unique=False)

    op.create_table(
        "take",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("organisation", sa.String(length=64), nullable=False),
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("participant", sa.String(length=64), nullable=False),
        sa.Column("feed", sa.String(length=32), nullable=False),
        sa.Column("track", sa.String(length=32), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("has_picture", sa.Boolean(), nullable=False),
        sa.Column("trouble", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_take")),
        info={"retention": "recording"},
    )
    with op.batch_alter_table("take", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_take_room"), ["room"], unique=False)
        batch_op.create_index("take_by_room", ["organisation", "room", "number"], unique=False)

    op.create_table(
        "archive_step",
        sa.Column("recording", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=64), nullable=False),
        sa.Column("step", sa.String(length=16), nullable=False),
        sa.Column("done_ms", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording"], ["recording.id"], name=op.f("fk_archive_step_recording_recording")
        ),
        sa.PrimaryKeyConstraint("recording", "step", name=op.f("pk_archive_step")),
        info={"retention": "recording"},
    )
    op.create_table(
        "publication",
        sa.Column("prefix", sa.String(length=32), nullable=False),
        sa.Column("recording", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=64), nullable=False),
        sa.Column("audience", sa.String(length=16), nullable=False),
        sa.Column("published_ms", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["recording"], ["recording.id"], name=op.f("fk_publication_recording_recording")
        ),
        sa.PrimaryKeyConstraint("prefix", name=op.f("pk_publication")),
        info={"retention": "recording"},
    )
    with op.batch_alter_table("publication", schema=None) as batch_op:
        batch_op.create_index(
            "publication_by_recording", ["recording", "withdrawn_ms"], unique=False
        )


def downgrade() -> None:
    """Go back to the form before."""
    with op.batch_alter_table("publication", schema=None) as batch_op:
        batch_op.drop_index("publication_by_recording")

    op.drop_table("publication")
    op.drop_table("archive_step")
    with op.batch_alter_table("take", schema=None) as batch_op:
        batch_op.drop_index("take_by_room")
        batch_op.drop_index(batch_op.f("ix_take_room"))

    op.drop_table("take")
    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.drop_index("recording_by_organisation")

    op.drop_table("recording")
