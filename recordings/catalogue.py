"""Recordings as others see them: found, published under a fresh prefix, hidden again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from infra.clock import Clock, from_ms, to_ms
from infra.database import Database
from infra.errors import Conflict, Unknown
from infra.storage import Storage
from infra.whose import PUBLIC, Whose
from recordings.manifest import PLAYLIST, POSTER, Manifest, manifest_key
from recordings.tables import AnswerRow, PublicationRow, RecordingRow
from recordings.takes import new_id

PREFIX_LENGTH = 24
"""Characters of a publication's prefix: 124 bits, not to be guessed."""
AUDIENCE = {"ticket_holders": "ticket_holders", "after_look": "public", "at_once": "public"}
"""Who may watch, by the policy agreed before the doors."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording as it stands. `status` is `making`, `ready`, `failed` or `erased`; without a publication
    (`published_at` is None) nobody outside may watch it. `audience` is `public` or `ticket_holders`."""

    id: str
    room: str
    organisation: str
    status: str
    policy: str
    created_at: datetime
    duration_ms: int
    codecs: str
    published_at: datetime | None = None
    audience: str | None = None
    prefix: str | None = None

    @property
    def playlist_url(self) -> str | None:
        """Path of the playlist, while published."""
        return f"/media/{self.prefix}/{PLAYLIST}" if self.prefix else None

    @property
    def poster_url(self) -> str | None:
        """Path of the poster, while published."""
        return f"/media/{self.prefix}/{POSTER}" if self.prefix else None


class Recordings:
    """The catalogue's side of recordings."""

    def __init__(self, database: Database, storage: Storage, clock: Clock) -> None:
        self._database = database
        self._storage = storage
        self._clock = clock

    async def get(self, recording: str) -> Recording:
        """One recording. Raises `Unknown`."""
        return _one(await self._find(_of(recording), _all().where(RecordingRow.id == recording)))

    async def of_room(self, room: str) -> Recording | None:
        """The recording that a room left, if any."""
        found = await self._find(_of(room), _all().where(RecordingRow.room == room))
        return found[0] if found else None

    async def public(self) -> list[Recording]:
        """What anybody may watch now, newest first."""
        query = _all().where(RecordingRow.status == "ready", PublicationRow.audience == "public")
        return await self._find(PUBLIC, query.order_by(RecordingRow.created_ms.desc()))

    async def under(self, prefix: str) -> Recording:
        """The recording that is published under this prefix now. Raises `Unknown`."""
        return _one(
            await self._find(
                Whose("publication", prefix), _all().where(PublicationRow.prefix == prefix)
            )
        )

    async def manifest(self, recording: str) -> Manifest:
        """What a recording consists of. Raises `Unknown`."""
        return Manifest.load(await self._storage.get(manifest_key(recording)))

    async def publish(self, room: str) -> Recording:
        """Publish a ready recording to the audience its policy names; one that is published stays.

        The house's own word: it ends a hiding.

        Raises `Unknown`, or `Conflict` (code `recording_not_ready`; `artist_said_no` against a no).
        """
        async with self._database.unit_of_work(_of(room)) as session:
            query = select(RecordingRow).where(RecordingRow.room == room).with_for_update()
            row = await session.scalar(query)
            if row is None:
                raise Unknown(message="no recording")
            if row.status != "ready" or row.policy not in AUDIENCE:
                raise Conflict("recording_not_ready", "nothing to publish")
            if "no" in (await latest_answers(session, row.id)).values():
                raise Conflict("artist_said_no", "an artist said no to this recording")
            row.hidden_ms = None
            await publish_row(session, row, to_ms(self._clock.now()))
            recording = row.id
        return await self.get(recording)

    async def hide(self, room: str) -> None:
        """Withdraw a recording at once: its prefix answers 404 from now on. Idempotent.

        It stays hidden until `publish`, whatever an artist answers or the archive makes meanwhile.
        Raises `Unknown`.
        """
        now_ms = to_ms(self._clock.now())
        async with self._database.unit_of_work(_of(room)) as session:
            query = select(RecordingRow).where(RecordingRow.room == room).with_for_update()
            row = await session.scalar(query)
            if row is None:
                raise Unknown(message="no recording")
            row.hidden_ms = now_ms if row.hidden_ms is None else row.hidden_ms
            await withdraw_rows(session, row.id, now_ms)

    async def _find(
        self, whose: Whose, query: Select[RecordingRow, PublicationRow | None]
    ) -> list[Recording]:
        async with self._database.reading(whose) as session:
            return [_recording(*row) for row in await session.execute(query)]


async def publish_row(session: AsyncSession, row: RecordingRow, now_ms: int) -> None:
    """Give a recording a publication, unless it has one or the house has hidden it."""
    if row.hidden_ms is not None:
        return
    standing = await session.scalar(
        select(PublicationRow).where(
            PublicationRow.recording == row.id, PublicationRow.withdrawn_ms.is_(None)
        )
    )
    if standing is None:
        session.add(
            PublicationRow(
                prefix=new_id(PREFIX_LENGTH),
                recording=row.id,
                organisation=row.organisation,
                audience=AUDIENCE[row.policy],
                published_ms=now_ms,
            )
        )


async def latest_answers(session: AsyncSession, recording: str) -> dict[str, str]:
    """Each artist's last word on a recording (`yes` or `no`), by seat."""
    query = select(AnswerRow).where(AnswerRow.recording == recording).order_by(AnswerRow.number)
    return {row.seat: row.answer for row in await session.scalars(query)}


async def withdraw_rows(session: AsyncSession, recording: str, now_ms: int) -> None:
    """End every publication of a recording: its prefix never comes back. Idempotent."""
    await session.execute(
        update(PublicationRow)
        .where(PublicationRow.recording == recording, PublicationRow.withdrawn_ms.is_(None))
        .values(withdrawn_ms=now_ms)
    )


def _of(room: str) -> Whose:
    """The rows of the organisation whose room left this recording."""
    return Whose("recording", room)


def _all() -> Select[RecordingRow, PublicationRow | None]:
    standing = (PublicationRow.recording == RecordingRow.id) & PublicationRow.withdrawn_ms.is_(None)
    return select(RecordingRow, PublicationRow).outerjoin(PublicationRow, standing)


def _one(found: Sequence[Recording]) -> Recording:
    if not found:
        raise Unknown(message="no such recording")
    return found[0]


def _recording(row: RecordingRow, publication: PublicationRow | None) -> Recording:
    return Recording(
        id=row.id,
        room=row.room,
        organisation=row.organisation,
        status=row.status,
        policy=row.policy,
        created_at=from_ms(row.created_ms),
        duration_ms=row.duration_ms,
        codecs=row.codecs,
        published_at=None if publication is None else from_ms(publication.published_ms),
        audience=None if publication is None else publication.audience,
        prefix=None if publication is None else publication.prefix,
    )
