"""The demo's recorded shows, made in the background by the house's own capture and archive step.

    python -m web.demo_recordings

For each archived show of the programme half a minute of a synthetic show is encoded faster than it
plays, cut into RTP payloads as a publisher would, and handed to the real capture. What stands already is
left alone. A process of its own, at the lowest priority; it may be killed at any moment.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import select

from infra.clock import Clock, SystemClock
from infra.database import Database
from infra.logs import configure_logs, get_logger
from infra.settings import Settings, load_settings
from infra.storage import open_storage
from infra.whose import Whose
from recordings.archive import Archive
from recordings.capture import Captures
from recordings.catalogue import Recordings
from recordings.disk import Disk
from recordings.tables import TakeRow
from recordings.takes import TakeState
from rooms.phases import Phase
from rooms.scope import Scope
from rooms.shows import Show, Shows
from streaming import rtp
from streaming.ports import Batch, FeedId, Packet, RoomId, SeatId, SenderReport, Track
from web.demo_sound import SOUND_RATE
from web.demo_source import STEP_MS, VIDEO_CLOCK, Made, Synthetic

LEAST, STEPS_S = 20, 3  # seconds: not every show is equally long
SEAT = SeatId("demoartist000000")
PAYLOAD = 1180
PARENT_S = 1.0
NICE = 15

_FU_A = 28
_log = get_logger("web.demo_recordings")


def tracks() -> dict[Literal["audio", "video"], Track]:
    """The two tracks of a synthetic show."""
    return {
        "audio": Track("0", "audio", "opus", 111, SOUND_RATE, "stereo=1;sprop-stereo=1"),
        "video": Track("1", "video", "H264", 102, VIDEO_CLOCK, "packetization-mode=1"),
    }


def payloads(made: Made) -> list[bytes]:
    """RTP payloads of a packet: Opus as it is, H.264 by RFC 6184 (single units and FU-A)."""
    if made.kind == "audio":
        return [made.data]
    found: list[bytes] = []
    for unit in _units(made.data):
        if len(unit) <= PAYLOAD:
            found.append(unit)
            continue
        indicator, kind = unit[0] & 0xE0 | _FU_A, unit[0] & 0x1F
        for at in range(1, len(unit), PAYLOAD - 2):
            start = 0x80 if at == 1 else 0
            end = 0x40 if at + PAYLOAD - 2 >= len(unit) else 0
            head = bytes((indicator, start | end | kind))
            found.append(head + unit[at : at + PAYLOAD - 2])
    return found


def _units(stream: bytes) -> list[bytes]:
    """The NAL units between start codes (ITU-T H.264 Annex B)."""
    return [unit.rstrip(b"\0") for unit in stream.split(b"\0\0\1") if unit.rstrip(b"\0")]


def packets(source: Synthetic, length_s: int, start_ms: float) -> Iterator[tuple[Track, Batch]]:
    """What a relay would hand to its subscribers while the source plays for `length_s`, with arrival
    times from `start_ms` on, and a sender report of each track every second."""
    kinds = tracks()
    numbers = dict.fromkeys(kinds, 0)
    for step in range(length_s * 1000 // STEP_MS):
        arrival_ms = start_ms + step * STEP_MS
        for made in source.step(step):
            track = kinds[made.kind]
            cut = payloads(made)
            batch: list[Packet] = []
            for place, payload in enumerate(cut):
                number = numbers[made.kind]
                numbers[made.kind] += 1
                last = made.kind == "video" and place == len(cut) - 1
                data = rtp.build(track.payload_type, number, made.time, 1, payload, marker=last)
                starts = made.keyframe and place == 0
                at = rtp.HEADER_SIZE
                batch.append(Packet(data, at, number, made.time, last, arrival_ms, starts))
            reports = []
            if step * STEP_MS % 1000 == 0:
                reports.append(SenderReport(arrival_ms / 1000, made.time, arrival_ms))
            yield track, Batch(batch, reports)


class Maker:
    """Makes what is missing, one show after another."""

    def __init__(self, settings: Settings, database: Database, clock: Clock) -> None:
        storage = open_storage(settings.storage_url)
        # The server's own spool is the server's alone. What a killed run left in this one is useless.
        spool = settings.data_dir / "spool-demo"
        shutil.rmtree(spool, ignore_errors=True)
        self._zone = ZoneInfo(settings.timezone)
        self._database = database
        self._clock = clock
        self._recordings = Recordings(database, storage, clock)
        self._captures = Captures(
            attach=lambda feed, sink: lambda: None,
            storage=storage,
            database=database,
            clock=clock,
            disk=Disk(spool),
        )
        self._archive = Archive(
            captures=self._captures, database=database, storage=storage, clock=clock
        )

    async def make(self, show: Show) -> None:
        """The recording of one show, published as its artist would have said yes long ago."""
        found = await self._recordings.of_room(show.id)
        if found is None or found.status == "making":
            if not await self._taken(show.id):
                await self._record(show)
            policy = show.recording_policy
            found = await self._archive.run(show.id, show.organisation, policy)
        if found is not None and found.status == "ready" and found.published_at is None:
            await self._recordings.publish(show.id)

    async def _record(self, show: Show) -> None:
        local = show.starts_at.astimezone(self._zone).replace(microsecond=0)
        source = await asyncio.to_thread(Synthetic, show.id, local)
        length_s = LEAST + STEPS_S * (len(show.id) % STEPS_S)
        start_ms = self._clock.monotonic_ms()
        feed = FeedId(RoomId(show.id), SEAT)
        whole = packets(source, length_s, start_ms)
        await self._captures.record(show.id, show.organisation, feed, 1, whole)
        await self._captures.settle(show.id)

    async def _taken(self, room: str) -> bool:
        """Whether a run that was killed later has recorded it already."""
        query = select(TakeRow.id).where(TakeRow.room == room, TakeRow.state == TakeState.STORED)
        async with self._database.reading(Whose("room", room)) as session:
            return await session.scalar(query.limit(1)) is not None

    async def close(self) -> None:
        """Give back what is held."""
        await self._archive.close()
        await self._captures.close()


async def make_all(settings: Settings) -> None:
    """Make every recording that the programme's archived shows lack."""
    database, clock = Database(settings.database_url), SystemClock()
    maker = Maker(settings, database, clock)
    began = datetime.now(UTC)
    try:
        for show in await Shows(database, clock).catalogue(Scope.public()):
            if show.phase is not Phase.ARCHIVED or show.recording_policy == "none":
                continue
            try:
                await maker.make(show)
            except Exception:
                _log.exception("recording not made", show=show.id)
        passed_s = round((datetime.now(UTC) - began).total_seconds(), 1)
        _log.info("recorded shows stand", duration_s=passed_s)
    finally:
        await maker.close()
        await database.close()


async def _end_with_parent() -> None:
    """Killed is no harm: the next run goes on. So the quickest way out is the right one."""
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(PARENT_S)
    os.kill(os.getpid(), signal.SIGTERM)


async def _run(settings: Settings) -> None:
    watch = asyncio.create_task(_end_with_parent(), name="parent")
    try:
        await make_all(settings)
    finally:
        watch.cancel()


def main() -> None:
    """The process. SIGTERM ends it as it stands."""
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    os.nice(NICE)
    asyncio.run(_run(settings))


if __name__ == "__main__":
    main()
