"""A process that archives a room and dies by its own hand at a step.

    python -m tests.recordings.archiving FOLDER DATABASE_URL STEP

`SIGKILL` comes right after the row of STEP is committed; `STEP-` kills before it, with the work done.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from infra.clock import SystemClock
from infra.database import Database
from infra.storage import open_storage
from recordings.archive import Archive
from tests.recordings.taking import captures


class Dying(Archive):
    """An archive that is killed with a step's work done and its row not yet there."""

    before = ""

    def _done(self, session: Any, row: Any, step: str, result: str = "") -> None:
        if step == self.before:
            os.kill(os.getpid(), signal.SIGKILL)
        super()._done(session, row, step, result)


async def main(folder: Path, url: str, step: str) -> None:
    """Archive until killed."""

    def told(done: str) -> None:
        if done == step:
            os.kill(os.getpid(), signal.SIGKILL)

    database = Database(url)
    made = captures(folder, database)
    archive = Dying(
        captures=made,
        database=database,
        storage=open_storage(str(folder / "media")),
        clock=SystemClock(),
        told=told,
    )
    archive.before = step.removesuffix("-") if step.endswith("-") else ""
    await archive.run("hall", "helsinki", "at_once")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
