"""Shows rooms and tickets"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go on to this form."""
    op.create_table(
        "device",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("issued_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        info={"retention": "30 days after the last show unless renewed"},
    )
    op.create_table(
        "node",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("seen_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_node")),
        info={"retention": "14 days"},
    )
    op.create_table(
        "organisation",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("city", sa.JSON(), nullable=False),
        sa.Column("city_in", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        info={"retention": "as long as the show stands in the catalogue"},
    )
    op.create_table(
        "device_secret",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("issued_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ends_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device"],
            ["device.id"],
            name=op.f("fk_device_secret_device_device"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_device_secret")),
        info={"retention": "30 days after the last show unless renewed"},
    )
    with op.batch_alter_table("device_secret", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_device_secret_device"), ["device"], unique=False)

    op.create_table(
        "show",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=64), nullable=False),
        sa.Column("city", sa.String(length=64), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("description", sa.JSON(), nullable=False),
        sa.Column("art_form", sa.String(length=32), nullable=False),
        sa.Column("artists", sa.JSON(), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("accessibility", sa.JSON(), nullable=False),
        sa.Column("price", sa.JSON(), nullable=False),
        sa.Column("starts_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("doors_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("duration_min", sa.Integer(), nullable=False),
        sa.Column("has_interval", sa.Boolean(), nullable=False),
        sa.Column("capacity_screens", sa.Integer(), nullable=False),
        sa.Column("recording_policy", sa.String(length=32), nullable=False),
        sa.Column("series", sa.String(length=64), nullable=True),
        sa.Column("touched", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_show_organisation_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_show")),
        info={"retention": "as long as the show stands in the catalogue"},
    )
    with op.batch_alter_table("show", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_show_organisation"), ["organisation"], unique=False)
        batch_op.create_index(batch_op.f("ix_show_starts_at_ms"), ["starts_at_ms"], unique=False)

    op.create_table(
        "room",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=64), nullable=False),
        sa.Column("phase", sa.String(length=32), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("phase_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["id"], ["show.id"], name=op.f("fk_room_id_show")),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_room_organisation_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_room")),
        info={"retention": "as long as its show"},
    )
    with op.batch_alter_table("room", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_room_organisation"), ["organisation"], unique=False)

    op.create_table(
        "ticket",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=64), nullable=False),
        sa.Column("show", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=True),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("companion_of", sa.String(length=64), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("issued_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_ticket_organisation_organisation")
        ),
        sa.ForeignKeyConstraint(["show"], ["show.id"], name=op.f("fk_ticket_show_show")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
        info={"retention": "30 days after the last show unless renewed"},
    )
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_organisation"), ["organisation"], unique=False)
        batch_op.create_index(batch_op.f("ix_ticket_show"), ["show"], unique=False)

    op.create_table(
        "audit",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=64), nullable=False),
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("act", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_audit_organisation_organisation")
        ),
        sa.ForeignKeyConstraint(["room"], ["room.id"], name=op.f("fk_audit_room_room")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        info={"retention": "2 years"},
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_organisation"), ["organisation"], unique=False)
        batch_op.create_index("ix_audit_room_at_ms", ["room", "at_ms"], unique=False)

    op.create_table(
        "due",
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_due_organisation_organisation")
        ),
        sa.ForeignKeyConstraint(["room"], ["room.id"], name=op.f("fk_due_room_room")),
        sa.PrimaryKeyConstraint("room", "what", "ref", name=op.f("pk_due")),
        info={"retention": "as long as its show"},
    )
    with op.batch_alter_table("due", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_due_at_ms"), ["at_ms"], unique=False)

    op.create_table(
        "room_event",
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("organisation", sa.String(length=64), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=True),
        sa.Column("span", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_room_event_organisation_organisation"),
        ),
        sa.ForeignKeyConstraint(["room"], ["room.id"], name=op.f("fk_room_event_room_room")),
        sa.PrimaryKeyConstraint("room", "seq", name=op.f("pk_room_event")),
        sa.UniqueConstraint("room", "key", name=op.f("uq_room_event_room")),
        info={"retention": "30 days after the show's end"},
    )
    with op.batch_alter_table("room_event", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_room_event_organisation"), ["organisation"], unique=False
        )

    op.create_table(
        "room_order",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=64), nullable=False),
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("placed_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("done_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_room_order_organisation_organisation"),
        ),
        sa.ForeignKeyConstraint(["room"], ["room.id"], name=op.f("fk_room_order_room_room")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_room_order")),
        info={"retention": "14 days"},
    )
    with op.batch_alter_table("room_order", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_room_order_done_at_ms"), ["done_at_ms"], unique=False)

    op.create_table(
        "seat",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=64), nullable=False),
        sa.Column("ticket", sa.String(length=64), nullable=False),
        sa.Column("show", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=True),
        sa.Column("device", sa.String(length=64), nullable=True),
        sa.Column("entered_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_seat_device_device")),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_seat_organisation_organisation")
        ),
        sa.ForeignKeyConstraint(["show"], ["show.id"], name=op.f("fk_seat_show_show")),
        sa.ForeignKeyConstraint(["ticket"], ["ticket.id"], name=op.f("fk_seat_ticket_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seat")),
        info={"retention": "30 days after the last show unless renewed"},
    )
    with op.batch_alter_table("seat", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_seat_device"), ["device"], unique=False)
        batch_op.create_index(batch_op.f("ix_seat_organisation"), ["organisation"], unique=False)
        batch_op.create_index(batch_op.f("ix_seat_show"), ["show"], unique=False)
        batch_op.create_index(batch_op.f("ix_seat_ticket"), ["ticket"], unique=False)

    op.create_table(
        "secret",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=64), nullable=False),
        sa.Column("ticket", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("issued_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisation.id"], name=op.f("fk_secret_organisation_organisation")
        ),
        sa.ForeignKeyConstraint(["ticket"], ["ticket.id"], name=op.f("fk_secret_ticket_ticket")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_secret")),
        info={"retention": "30 days after the last show unless renewed"},
    )
    with op.batch_alter_table("secret", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_secret_organisation"), ["organisation"], unique=False)
        batch_op.create_index(batch_op.f("ix_secret_ticket"), ["ticket"], unique=False)

    op.create_table(
        "revocation",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=64), nullable=False),
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("seat", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.id"],
            name=op.f("fk_revocation_organisation_organisation"),
        ),
        sa.ForeignKeyConstraint(["room"], ["room.id"], name=op.f("fk_revocation_room_room")),
        sa.ForeignKeyConstraint(["seat"], ["seat.id"], name=op.f("fk_revocation_seat_seat")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revocation")),
        info={"retention": "14 days"},
    )
    with op.batch_alter_table("revocation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_revocation_at_ms"), ["at_ms"], unique=False)


def downgrade() -> None:
    """Go back to the form before."""
    with op.batch_alter_table("revocation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_revocation_at_ms"))

    op.drop_table("revocation")
    with op.batch_alter_table("secret", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_secret_ticket"))
        batch_op.drop_index(batch_op.f("ix_secret_organisation"))

    op.drop_table("secret")
    with op.batch_alter_table("seat", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_seat_ticket"))
        batch_op.drop_index(batch_op.f("ix_seat_show"))
        batch_op.drop_index(batch_op.f("ix_seat_organisation"))
        batch_op.drop_index(batch_op.f("ix_seat_device"))

    op.drop_table("seat")
    with op.batch_alter_table("room_order", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_room_order_done_at_ms"))

    op.drop_table("room_order")
    with op.batch_alter_table("room_event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_room_event_organisation"))

    op.drop_table("room_event")
    with op.batch_alter_table("due", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_due_at_ms"))

    op.drop_table("due")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_room_at_ms")
        batch_op.drop_index(batch_op.f("ix_audit_organisation"))

    op.drop_table("audit")
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_show"))
        batch_op.drop_index(batch_op.f("ix_ticket_organisation"))

    op.drop_table("ticket")
    with op.batch_alter_table("room", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_room_organisation"))

    op.drop_table("room")
    with op.batch_alter_table("show", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_show_starts_at_ms"))
        batch_op.drop_index(batch_op.f("ix_show_organisation"))

    op.drop_table("show")
    with op.batch_alter_table("device_secret", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_device_secret_device"))

    op.drop_table("device_secret")
    op.drop_table("organisation")
    op.drop_table("node")
    op.drop_table("device")
