"""Tables of takes and recordings. Times are UTC in milliseconds since 1970.

A take is one uninterrupted capture of a feed; a recording is what a show leaves behind, one a room;
an archive step is a row once it is done; a publication is one life of a recording in public, under a
random prefix of its own, so that a withdrawn address never comes back.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from infra.database import Base

ID = String(64)
"""Room, organisation and seat ids are slugs or 16 random characters."""


class TakeRow(Base):
    """One uninterrupted capture of a feed; `state` is one of `takes.TakeState`."""

    __tablename__ = "take"
    __table_args__ = (
        Index("take_by_room", "organisation", "room", "number"),
        {"info": {"retention": "recording"}},
    )

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    organisation: Mapped[str] = mapped_column(ID)
    room: Mapped[str] = mapped_column(ID, index=True)
    number: Mapped[int] = mapped_column(Integer)
    """Order of the room's takes, from 1."""
    participant: Mapped[str] = mapped_column(ID)
    feed: Mapped[str] = mapped_column(String(32))
    track: Mapped[str] = mapped_column(String(32), default="program")
    epoch: Mapped[int] = mapped_column(Integer)
    fence: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(16))
    started_ms: Mapped[int] = mapped_column(BigInteger)
    ended_ms: Mapped[int | None] = mapped_column(BigInteger, default=None)
    duration_ms: Mapped[int] = mapped_column(Integer, default=0)
    has_picture: Mapped[bool] = mapped_column(Boolean, default=False)
    node: Mapped[str | None] = mapped_column(String(128), default=None)
    """Which node's spool has it until it is stored; None: this one's."""
    trouble: Mapped[str | None] = mapped_column(String(64), default=None)
    """Code of what went wrong, for the host: `disk_full`, `overrun`, `no_media`."""


class RecordingRow(Base):
    """What a show leaves behind: one a room, its id is the room's."""

    __tablename__ = "recording"
    __table_args__ = (
        Index("recording_by_organisation", "organisation", "id"),
        {"info": {"retention": "recording"}},
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    organisation: Mapped[str] = mapped_column(ID)
    room: Mapped[str] = mapped_column(ID, unique=True)
    policy: Mapped[str] = mapped_column(String(16))
    """`none`, `ticket_holders`, `after_look` or `at_once`, as agreed before the doors."""
    status: Mapped[str] = mapped_column(String(16))
    """`making`, `ready`, `failed` or `erased`."""
    created_ms: Mapped[int] = mapped_column(BigInteger)
    ready_ms: Mapped[int | None] = mapped_column(BigInteger, default=None)
    duration_ms: Mapped[int] = mapped_column(Integer, default=0)
    codecs: Mapped[str] = mapped_column(String(64), default="")
    """RFC 6381 codecs of the whole, for `MediaSource`."""
    hidden_ms: Mapped[int | None] = mapped_column(BigInteger, default=None)
    """When somebody of the house hid it; until the house publishes it again nobody else's yes does."""


class ArchiveStepRow(Base):
    """A step of the archive that is done: a crash after this row never repeats it."""

    __tablename__ = "archive_step"
    __table_args__ = ({"info": {"retention": "recording"}},)

    recording: Mapped[str] = mapped_column(ForeignKey("recording.id"), primary_key=True)
    organisation: Mapped[str] = mapped_column(ID)
    step: Mapped[str] = mapped_column(String(16), primary_key=True)
    done_ms: Mapped[int] = mapped_column(BigInteger)
    result: Mapped[str] = mapped_column(Text, default="")


class PublicationRow(Base):
    """One life of a recording under a random prefix; a withdrawn one answers 404 at once."""

    __tablename__ = "publication"
    __table_args__ = (
        Index("publication_by_recording", "recording", "withdrawn_ms"),
        {"info": {"retention": "recording"}},
    )

    prefix: Mapped[str] = mapped_column(String(32), primary_key=True)
    recording: Mapped[str] = mapped_column(ForeignKey("recording.id"))
    organisation: Mapped[str] = mapped_column(ID)
    audience: Mapped[str] = mapped_column(String(16))
    """`public` or `ticket_holders`."""
    published_ms: Mapped[int] = mapped_column(BigInteger)
    withdrawn_ms: Mapped[int | None] = mapped_column(BigInteger, default=None)


class AnswerRow(Base):
    """What an artist said after her look at a recording: `yes` or `no`; her newest counts."""

    __tablename__ = "recording_answer"
    __table_args__ = ({"info": {"retention": "as long as the recording stands, and 2 years"}},)

    recording: Mapped[str] = mapped_column(ForeignKey("recording.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    """Order of the recording's answers, from 1."""
    organisation: Mapped[str] = mapped_column(ID)
    seat: Mapped[str] = mapped_column(ID)
    answer: Mapped[str] = mapped_column(String(8))
    at_ms: Mapped[int] = mapped_column(BigInteger)
