"""A process that appends the same keys as its siblings, and says which numbers it was told.

python -m tests.contract.appending DATABASE_URL ROOM FENCE COUNT; begins with the first line it reads.
"""

from __future__ import annotations

import asyncio
import sys

from infra.bus_local import LocalBus
from infra.clock import SystemClock
from infra.database import Database
from rooms.messages import Named
from rooms.store import Log


async def main(url: str, room: str, fence: int, count: int) -> None:
    """Append and tell."""
    database = Database(url)
    log = Log(database, LocalBus(), SystemClock())
    body = Named(seat="seat", name="Aune").model_dump_json()
    await log.read(room, 0)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    for number in range(count):
        numbers = await log.append(room, fence, [body], key=f"key-{number}")
        sys.stdout.write(f"{number} {numbers.start}\n")
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
