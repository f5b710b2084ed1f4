"""A process that captures a made source at many times real time and says how far it has come.

    python -m tests.recordings.taking FOLDER DATABASE_URL SECONDS SPEED

One line a tenth of a media second on stdout. It is there to be killed.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from infra.clock import SystemClock
from infra.database import Database
from infra.storage import open_storage
from recordings.capture import Captures
from recordings.disk import Disk
from streaming.ports import Batch, FeedId, RoomId, SeatId, Track
from tests.recordings.flashbeep import pictures, sounds, source

FEED = FeedId(RoomId("hall"), SeatId("artist0000000000"))


def captures(folder: Path, database: Database) -> Captures:
    """The captures of a test over this folder; nothing is ever attached."""
    return Captures(
        attach=lambda feed, sink: lambda: None,
        storage=open_storage(str(folder / "media")),
        database=database,
        clock=SystemClock(),
        disk=Disk(folder / "spool"),
    )


def paced(seconds: int, speed: float) -> Iterator[tuple[Track, Batch]]:
    """The source in its own time divided by `speed`."""
    pictures(seconds), sounds(seconds)
    began, said = time.monotonic(), 0.0
    for track, batch in source(seconds, start_ms=time.monotonic() * 1000):
        if batch.packets:
            media_s = (batch.packets[0].arrival_ms - began * 1000) / 1000
            time.sleep(max(0.0, began + media_s / speed - time.monotonic()))
            if media_s - said >= 0.1:
                said = media_s
                sys.stdout.write(f"{media_s:.3f}\n")
                sys.stdout.flush()
        yield track, batch


async def main(folder: Path, url: str, seconds: int, speed: float) -> None:
    """Capture until the source ends."""
    database = Database(url)
    taking = captures(folder, database)
    await taking.record("hall", "helsinki", FEED, 1, paced(seconds, speed))
    await taking.settle("hall")
    await taking.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
