"""Rows by which time and other processes speak to a house: due times, orders, revocations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from sqlalchemy import delete, insert, select, update

from infra.clock import Clock, to_ms
from infra.database import Database
from infra.errors import Unknown
from infra.moment import Moment
from infra.whose import HOUSE, Whose
from rooms.phases import Phase
from rooms.replies import Reply
from rooms.scope import of_room
from rooms.tables import DueRow, RevocationRow, RoomOrderRow, RoomRow
from rooms.tickets import new_id

LOOK_BACK_MS = 60_000
"""How far back revocations are read: a row may become visible a while after its own time."""

AT_ONCE = 100
"""Rows that are taken in one look."""


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PhaseOrder(_Order):
    """Set the phase, by the table, as a person's act."""

    type: Literal["phase"] = "phase"
    phase: Phase


class RevokeOrder(_Order):
    """End a ticket and take its seats out."""

    type: Literal["revoke"] = "revoke"
    ticket: str


Order = Annotated[PhaseOrder | RevokeOrder, Field(discriminator="type")]
ORDER: TypeAdapter[Order] = TypeAdapter(Order)


@dataclass(frozen=True, slots=True)
class Due:
    """Something whose time has come."""

    room: str
    what: str
    ref: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Placed:
    """An order that waits; `body` is its JSON."""

    id: str
    room: str
    body: str


@dataclass(frozen=True, slots=True)
class Revocation:
    """A seat whose right ended (`revoked`, `removed`) or moved to another device (`moved`)."""

    id: str
    room: str
    seat: str
    reason: str


@dataclass(frozen=True, slots=True)
class News:
    """What one look finds. Revocations are those of the last minute: who reads knows which are new."""

    due: Sequence[Due]
    orders: Sequence[Placed]
    revocations: Sequence[Revocation]


_DUE = (
    select(DueRow.room, DueRow.what, DueRow.ref, DueRow.at_ms).order_by(DueRow.at_ms).limit(AT_ONCE)
)
_ORDERS = (
    select(RoomOrderRow.id, RoomOrderRow.room, RoomOrderRow.body)
    .where(RoomOrderRow.done_at_ms.is_(None))
    .order_by(RoomOrderRow.placed_at_ms)
    .limit(AT_ONCE)
)
_REVOKED = select(
    RevocationRow.id, RevocationRow.room, RevocationRow.seat, RevocationRow.reason
).order_by(RevocationRow.at_ms)


class Notices:
    """The rows; who looks at them is the house."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def look(self) -> News:
        """All that waits or is new, in one view of the rows; the oldest first."""
        now = to_ms(self._clock.now())
        due = _DUE.where(DueRow.at_ms <= now)
        revoked = _REVOKED.where(RevocationRow.at_ms > Moment() - LOOK_BACK_MS)
        async with self._database.reading(HOUSE) as session:
            return News(
                due=[Due(*row) for row in (await session.execute(due)).all()],
                orders=[Placed(*row) for row in (await session.execute(_ORDERS)).all()],
                revocations=[Revocation(*row) for row in (await session.execute(revoked)).all()],
            )

    async def settle(self, due: Due) -> None:
        """What was due has been done; a later time for the same thing stays."""
        async with self._database.unit_of_work(of_room(due.room)) as session:
            await session.execute(
                delete(DueRow).where(
                    DueRow.room == due.room,
                    DueRow.what == due.what,
                    DueRow.ref == due.ref,
                    DueRow.at_ms == due.at_ms,
                )
            )

    async def place(self, room: str, order: Order) -> str:
        """Leave an order for the room's owner; returns its id. Raises `Unknown` without such a room."""
        order_id = new_id()
        async with self._database.unit_of_work(of_room(room)) as session:
            organisation = await session.scalar(
                select(RoomRow.organisation).where(RoomRow.id == room)
            )
            if organisation is None:
                raise Unknown("no_show", "no such show")
            await session.execute(
                insert(RoomOrderRow).values(
                    id=order_id,
                    organisation=organisation,
                    room=room,
                    body=order.model_dump_json(),
                    placed_at_ms=to_ms(self._clock.now()),
                )
            )
        return order_id

    async def done(self, order_id: str, reply: Reply) -> None:
        """The order was carried out or refused."""
        async with self._database.unit_of_work(_of_order(order_id)) as session:
            await session.execute(
                update(RoomOrderRow)
                .where(RoomOrderRow.id == order_id)
                .values(done_at_ms=to_ms(self._clock.now()), reply=reply.model_dump_json())
            )

    async def reply(self, order_id: str) -> Reply | None:
        """What became of the order, None while it waits."""
        query = select(RoomOrderRow.reply).where(RoomOrderRow.id == order_id)
        async with self._database.reading(_of_order(order_id)) as session:
            body = await session.scalar(query)
        return None if body is None else Reply.model_validate_json(body)

    async def withdraw(self, order_id: str) -> bool:
        """Take back an order that still waits; False if it was done."""
        async with self._database.unit_of_work(_of_order(order_id)) as session:
            gone = await session.scalar(
                delete(RoomOrderRow)
                .where(RoomOrderRow.id == order_id, RoomOrderRow.done_at_ms.is_(None))
                .returning(RoomOrderRow.id)
            )
        return gone is not None


def _of_order(order_id: str) -> Whose:
    return Whose("room_order", order_id)
