"""Orders from a process that runs no rooms (the command line) to whichever process runs this one.

Where no process lives, a house of our own opens the room for the errand.
"""

from __future__ import annotations

import asyncio

from sqlalchemy import select

from infra.clock import Clock, SystemClock
from infra.database import Database
from infra.errors import Unavailable, Unknown
from rooms.house import alone
from rooms.notices import Notices, Order, PhaseOrder, RevokeOrder
from rooms.phases import Phase
from rooms.scope import of_ticket
from rooms.store import Owners
from rooms.tables import TicketRow
from rooms.tickets import new_id

WAIT_S = 5.0
"""How long an answer is waited for."""

_LOOK_S = 0.05


async def place(
    database: Database, clock: Clock, room: str, order: Order, *, wait_s: float = WAIT_S
) -> int | None:
    """Have the order carried out; the number of its last event, None if nothing had to change.

    Raises the errors of the room, `Unknown` without such a room, and `Unavailable` (`no_answer`) when
    no answer comes in time: the order is then withdrawn.
    """
    notices, owners = Notices(database, clock), Owners(database)
    order_id = await notices.place(room, order)
    own = None
    try:
        async with asyncio.timeout(wait_s):
            while (reply := await notices.reply(order_id)) is None:
                if own is None and not await owners.anybody():
                    own = alone(database, clock, f"errand-{new_id()}")
                    await own.start()
                await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        if await notices.withdraw(order_id):
            raise Unavailable("no_answer", "the running server did not answer") from None
        reply = await notices.reply(order_id)
        if reply is None:
            raise Unavailable("no_answer", "the order is gone") from None
    finally:
        if own is not None:
            await own.close()
    return reply.outcome()


async def set_phase(database_url: str, show: str, phase: Phase) -> int | None:
    """Set a show's phase, through the running server if there is one."""
    database = Database(database_url)
    try:
        return await place(database, SystemClock(), show, PhaseOrder(phase=phase))
    finally:
        await database.close()


async def revoke(database_url: str, ticket: str) -> int | None:
    """End a ticket and take its seats out, through the running server if there is one."""
    database = Database(database_url)
    try:
        async with database.reading(of_ticket(ticket)) as session:
            show = await session.scalar(select(TicketRow.show).where(TicketRow.id == ticket))
        if show is None:
            raise Unknown("no_ticket", "no such ticket")
        return await place(database, SystemClock(), show, RevokeOrder(ticket=ticket))
    finally:
        await database.close()
