"""A process that runs a room and writes into it until it is killed; acknowledged numbers go to stdout."""

from __future__ import annotations

import asyncio
import itertools
import sys

from infra.bus_local import LocalBus, LocalCommands
from infra.clock import SystemClock
from infra.database import Database
from infra.logs import configure_logs
from rooms.actors import Actor
from rooms.house import House
from rooms.messages import WriteLine
from rooms.phases import Role


async def main(url: str, room: str, seat: str) -> None:
    """Write lines, one after the other, four at a time."""
    configure_logs("error", "json", sys.stderr)
    house = House(
        database=Database(url),
        clock=SystemClock(),
        bus=LocalBus(),
        commands=LocalCommands(),
        node="killed",
        look_s=0.01,
    )
    await house.start()
    numbers = itertools.count()

    async def write() -> None:
        for number in numbers:
            command = WriteLine(id=number, key=f"key-{number:08}", text=f"rivi {number}")
            seq = await house.submit(Actor(seat, Role.GUEST), room, command)
            sys.stdout.write(f"{number} {seq}\n")
            sys.stdout.flush()

    await asyncio.gather(*(write() for _ in range(4)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
