"""Processes that die while they close, or while they take up what another left.

    python -m tests.recordings.dying FOLDER DATABASE_URL close
    python -m tests.recordings.dying FOLDER DATABASE_URL put 0 | seal | note

`close` captures until SIGTERM and closes then, saying on stdout how much was fed and that it closes; it
is there to be killed. The others recover and die by their own hand: before an object is put,
before a take is sealed, or when it is sealed and its row does not know yet.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from infra.clock import SystemClock
from infra.database import Database
from infra.storage import Storage, open_storage
from recordings.capture import Captures
from recordings.disk import Disk
from recordings.recorder import Recorder
from recordings.takes import TakeState
from streaming.ports import PacketSink
from tests.recordings.taking import FEED, paced


def die() -> None:
    """At once and without a word."""
    os.kill(os.getpid(), signal.SIGKILL)


async def close(folder: Path, database: Database) -> None:
    """Capture a source of twelve seconds at three times its speed; close on SIGTERM."""
    sinks: list[PacketSink] = []
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    def attach(_: Any, sink: PacketSink) -> Any:
        sinks.append(sink)
        return lambda: sinks.remove(sink)

    taking = made(folder, database, open_storage(str(folder / "media")), attach)
    await taking.start("hall", "helsinki", FEED, 1)

    def feed() -> None:
        for track, batch in paced(12, 3):
            for sink in list(sinks):
                sink.on_packets(track, None, batch)
                # On a busy machine what was fed is still what was taken.
                while isinstance(sink, Recorder) and sink.alive and sink._queue.qsize() > 5:
                    time.sleep(0.005)
            if stop.is_set():
                return

    feeding = asyncio.create_task(asyncio.to_thread(feed))
    await stop.wait()
    sys.stdout.write("closing\n")
    sys.stdout.flush()
    await taking.close()
    await feeding


async def recover(folder: Path, database: Database, step: str, count: int) -> None:
    """Take up what lies there, and die at the step."""
    storage = open_storage(str(folder / "media"))
    true_put, puts = storage.put, 0

    async def put(key: str, data: bytes) -> None:
        nonlocal puts
        if (step == "put" and puts == count) or (step == "seal" and key.endswith("manifest.json")):
            die()
        puts += 1
        await true_put(key, data)

    storage.put = put  # type: ignore[method-assign]  # a storage that kills
    taking = made(folder, database, storage, lambda feed, sink: lambda: None)
    true_note = taking._homing._note  # between the seal and its row

    async def note(news: Any, state: TakeState, **more: Any) -> None:
        if step == "note" and state is TakeState.STORED:
            die()
        await true_note(news, state, **more)

    taking._homing._note = note  # type: ignore[method-assign]  # one that dies there
    await taking.recover()
    await taking.settle("hall")


def made(folder: Path, database: Database, storage: Storage, attach: Any) -> Captures:
    """The captures of such a process."""
    return Captures(
        attach=attach,
        storage=storage,
        database=database,
        clock=SystemClock(),
        disk=Disk(folder / "spool"),
    )


async def main(folder: Path, url: str, what: str, count: int) -> None:
    """As the arguments say."""
    database = Database(url)
    if what == "close":
        await close(folder, database)
    else:
        await recover(folder, database, what, count)
    await database.close()


if __name__ == "__main__":
    count = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], count))
