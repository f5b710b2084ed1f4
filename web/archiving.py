"""An ended show's way into the archive: done again until it is done, in tasks of its own."""

from __future__ import annotations

import asyncio

from infra.logs import get_logger
from infra.scope import TaskScope
from recordings.archive import Archive
from rooms.house import House
from rooms.shows import Shows

log = get_logger("archiving")

AGAIN_S = 5.0


class Archiving:
    """The shows of this node whose recording is being made, as tasks of `tasks`."""

    def __init__(self, house: House, shows: Shows, archive: Archive, tasks: TaskScope) -> None:
        self._house = house
        self._shows = shows
        self._archive = archive
        self._tasks = tasks
        self.rooms: set[str] = set()

    def soon(self, room: str) -> None:
        """Make the recording and put the show into the archive; idempotent."""
        if room not in self.rooms:
            self.rooms.add(room)
            task = self._tasks.spawn(self._archived(room), name=f"archive:{room}")
            task.add_done_callback(lambda _: self.rooms.discard(room))

    async def _archived(self, room: str) -> None:
        """What fails (storage away) is done again."""
        told = False
        while self._house.has(room):
            try:
                show = await self._shows.get(room)
                await self._archive.run(room, show.organisation, show.recording_policy)
                await self._house.archived(room)
                return
            except Exception:
                if not told:  # not at every try while the cause lasts
                    log.exception("not archived yet", room=room)
                told = True
            await asyncio.sleep(AGAIN_S)
