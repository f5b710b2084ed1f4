"""Tables of shows, rooms, tickets, devices and what was done by whom.

Every table names its retention class; every row that belongs to an organisation carries it. Times are
UTC in ms since 1970, so that SQLite and PostgreSQL keep them alike. `room_event` is the truth of a
room; `room.phase` and `due` are read models, written in the same transaction as the events.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from infra.broken import ReadableJson
from infra.database import Base

Ms = BigInteger
"""A moment in ms since 1970 UTC."""

Id = String(64)
Code = String(32)
Digest = String(64)
Words = dict[str, str]
"""A text by language code."""

# What has a number of days is erased by `rooms/erasure.py`.
CONTACT_DAYS = 30
CHAT_DAYS = 30
TECHNICAL_DAYS = 14
"""Also for help that was asked for."""
AUDIT_DAYS = 2 * 365

CATALOGUE = {"info": {"retention": "as long as the show stands in the catalogue"}}
RUNNING = {"info": {"retention": "as long as its show"}}
CONTACT = {"info": {"retention": f"{CONTACT_DAYS} days after the last show unless renewed"}}
TECHNICAL = {"info": {"retention": f"{TECHNICAL_DAYS} days"}}
CHAT = {"retention": f"{CHAT_DAYS} days after the show's end"}
AUDIT = {"retention": f"{AUDIT_DAYS // 365} years"}


class OrganisationRow(Base):
    """A municipality or house that arranges shows."""

    __tablename__ = "organisation"
    __table_args__ = CATALOGUE

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[Words] = mapped_column(ReadableJson)
    city: Mapped[Words] = mapped_column(ReadableJson)
    city_in: Mapped[Words] = mapped_column(ReadableJson)


class ShowRow(Base):
    """One scheduled performance. `touched`: people have changed its phase, so nothing re-dates it."""

    __tablename__ = "show"
    __table_args__ = CATALOGUE

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    organisation: Mapped[str] = mapped_column(ForeignKey("organisation.id"), index=True)
    city: Mapped[str] = mapped_column(Id)
    title: Mapped[Words] = mapped_column(ReadableJson)
    description: Mapped[Words] = mapped_column(ReadableJson)
    art_form: Mapped[str] = mapped_column(Code)
    artists: Mapped[list[str]] = mapped_column(ReadableJson)
    languages: Mapped[list[str]] = mapped_column(ReadableJson)
    accessibility: Mapped[list[str]] = mapped_column(ReadableJson)
    price: Mapped[dict[str, Any]] = mapped_column(ReadableJson)
    starts_at_ms: Mapped[int] = mapped_column(Ms, index=True)
    doors_at_ms: Mapped[int | None] = mapped_column(Ms)
    duration_min: Mapped[int]
    has_interval: Mapped[bool]
    capacity_screens: Mapped[int]
    recording_policy: Mapped[str] = mapped_column(Code)
    series: Mapped[str | None] = mapped_column(Id)
    touched: Mapped[bool] = mapped_column(default=False)


class NodeRow(Base):
    """A process that runs rooms, when it last said so, and where clients reach exactly it."""

    __tablename__ = "node"
    __table_args__ = TECHNICAL

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    seen_at_ms: Mapped[int] = mapped_column(Ms)
    url: Mapped[str | None] = mapped_column(String(200))


class RoomRow(Base):
    """The running side of a show: last number, fence and owner; `phase` and `epoch` as last logged."""

    __tablename__ = "room"
    __table_args__ = RUNNING

    id: Mapped[str] = mapped_column(ForeignKey("show.id"), primary_key=True)
    organisation: Mapped[str] = mapped_column(ForeignKey("organisation.id"), index=True)
    phase: Mapped[str] = mapped_column(Code)
    epoch: Mapped[int] = mapped_column(default=0)
    phase_at_ms: Mapped[int] = mapped_column(Ms, default=0)
    seq: Mapped[int] = mapped_column(BigInteger, default=0)
    fence: Mapped[int] = mapped_column(BigInteger, default=0)
    owner: Mapped[str | None] = mapped_column(Id)


class RoomEventRow(Base):
    """One numbered event. `key` stands on the first event of a command, `span` counts its events."""

    __tablename__ = "room_event"
    __table_args__ = (UniqueConstraint("room", "key"), {"info": CHAT})

    room: Mapped[str] = mapped_column(ForeignKey("room.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    organisation: Mapped[str] = mapped_column(ForeignKey("organisation.id"), index=True)
    fence: Mapped[int] = mapped_column(BigInteger)
    body: Mapped[str] = mapped_column(Text)
    at_ms: Mapped[int] = mapped_column(Ms)
    key: Mapped[str | None] = mapped_column(String(160))
    span: Mapped[int] = mapped_column(default=1)


class DueRow(Base):
    """Something that happens in a room at a time: doors open, an unanswered ask becomes a no."""

    __tablename__ = "due"
    __table_args__ = RUNNING

    room: Mapped[str] = mapped_column(ForeignKey("room.id"), primary_key=True)
    what: Mapped[str] = mapped_column(Code, primary_key=True)
    ref: Mapped[str] = mapped_column(Id, primary_key=True, default="")
    organisation: Mapped[str] = mapped_column(ForeignKey("organisation.id"))
    at_ms: Mapped[int] = mapped_column(Ms, index=True)


class TicketRow(Base):
    """The right to enter one show, with one or more seats. `companion_of` is the guest's seat."""

    __tablename__ = "ticket"
    __table_args__ = CONTACT

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    organisation: Mapped[str] = mapped_column(ForeignKey("organisation.id"), index=True)
    show: Mapped[str] = mapped_column(ForeignKey("show.id"), index=True)
    role: Mapped[str] = mapped_column(Code)
    name: Mapped[str | None] = mapped_column(String(40))
    places: Mapped[int]
    companion_of: Mapped[str | None] = mapped_column(Id)
    status: Mapped[str] = mapped_column(Code)
    issued_at_ms: Mapped[int] = mapped_column(Ms)
    revoked_at_ms: Mapped[int | None] = mapped_column(Ms)


class SeatRow(Base):
    """One screen's place under a ticket; the device that sits there, if any."""

    __tablename__ = "seat"
    __table_args__ = CONTACT

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    organisation: Mapped[str] = mapped_column(ForeignKey("organisation.id"), index=True)
    ticket: Mapped[str] = mapped_column(ForeignKey("ticket.id"), index=True)
    show: Mapped[str] = mapped_column(ForeignKey("show.id"), index=True)
    number: Mapped[int]
    name: Mapped[str | None] = mapped_column(String(40))
    device: Mapped[str | None] = mapped_column(ForeignKey("device.id"), index=True)
    entered_at_ms: Mapped[int | None] = mapped_column(Ms)


class SecretRow(Base):
    """A secret that leads to a ticket, hashed: link, broadcast key, viewing key."""

    __tablename__ = "secret"
    __table_args__ = CONTACT

    digest: Mapped[str] = mapped_column(Digest, primary_key=True)
    organisation: Mapped[str] = mapped_column(ForeignKey("organisation.id"), index=True)
    ticket: Mapped[str] = mapped_column(ForeignKey("ticket.id"), index=True)
    kind: Mapped[str] = mapped_column(Code)
    label: Mapped[str] = mapped_column(String(80), default="")
    issued_at_ms: Mapped[int] = mapped_column(Ms)
    revoked_at_ms: Mapped[int | None] = mapped_column(Ms)


class DeviceRow(Base):
    """A browser that may hold several seats. It tells nothing about whose it is."""

    __tablename__ = "device"
    __table_args__ = CONTACT

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    issued_at_ms: Mapped[int] = mapped_column(Ms)


class DeviceSecretRow(Base):
    """What names a device in its cookie, hashed; a rotated one ends at `ends_at_ms`."""

    __tablename__ = "device_secret"
    __table_args__ = CONTACT

    digest: Mapped[str] = mapped_column(Digest, primary_key=True)
    device: Mapped[str] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), index=True)
    issued_at_ms: Mapped[int] = mapped_column(Ms)
    ends_at_ms: Mapped[int] = mapped_column(Ms)


class AuditRow(Base):
    """Who did what to whom in a room, by ids alone."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_room_at_ms", "room", "at_ms"), {"info": AUDIT})

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    organisation: Mapped[str] = mapped_column(ForeignKey("organisation.id"), index=True)
    room: Mapped[str] = mapped_column(ForeignKey("room.id"))
    actor: Mapped[str] = mapped_column(Id)
    act: Mapped[str] = mapped_column(Code)
    subject: Mapped[str] = mapped_column(Id, default="")
    at_ms: Mapped[int] = mapped_column(Ms)


class RoomOrderRow(Base):
    """A command from another process for a room's owner, and the owner's reply."""

    __tablename__ = "room_order"
    __table_args__ = TECHNICAL

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    organisation: Mapped[str] = mapped_column(ForeignKey("organisation.id"))
    room: Mapped[str] = mapped_column(ForeignKey("room.id"))
    body: Mapped[str] = mapped_column(Text)
    placed_at_ms: Mapped[int] = mapped_column(Ms)
    done_at_ms: Mapped[int | None] = mapped_column(Ms, index=True)
    reply: Mapped[str | None] = mapped_column(Text)


class RevocationRow(Base):
    """A seat's right ended or moved to another device: every process cuts it when it reads this."""

    __tablename__ = "revocation"
    __table_args__ = TECHNICAL

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    organisation: Mapped[str] = mapped_column(ForeignKey("organisation.id"))
    room: Mapped[str] = mapped_column(ForeignKey("room.id"))
    seat: Mapped[str] = mapped_column(ForeignKey("seat.id"))
    reason: Mapped[str] = mapped_column(Code)
    at_ms: Mapped[int] = mapped_column(Ms, index=True)
