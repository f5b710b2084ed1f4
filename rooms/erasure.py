"""What the tables promise not to keep, erased: conversation, tickets and names, technical facts, acts.

A room keeps its changes of phase, so that its state stays what the catalogue says. The sweep is the
server's own act and reaches over all organisations. Each portion is a transaction of its own, in which
foreign keys hold; broken off anywhere, the next sweep goes on.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Select, delete, exists, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from infra.clock import Clock, to_ms
from infra.database import Base, Database
from infra.logs import get_logger
from infra.whose import HOUSE
from rooms.phases import RUNNING
from rooms.tables import (
    AUDIT_DAYS,
    CHAT_DAYS,
    CONTACT_DAYS,
    TECHNICAL_DAYS,
    AuditRow,
    DeviceRow,
    DeviceSecretRow,
    DueRow,
    NodeRow,
    RevocationRow,
    RoomEventRow,
    RoomOrderRow,
    RoomRow,
    SeatRow,
    SecretRow,
    ShowRow,
    TicketRow,
)

_log = get_logger("rooms.erasure")

EVERY_S = 3600.0
"""How often the server sweeps."""

PORTION = 200
"""Rows of one transaction: other writers wait for no more."""

# A text inside the JSON has its quotes escaped, so that nobody can write what matches.
_A_PHASE = RoomEventRow.body.like('%"type":"phase.changed"%')
_HELP = RoomEventRow.body.like('%"type":"help.%')

Portion = Callable[[AsyncSession], Awaitable[Counter[str]]]
"""Erases up to `PORTION` rows; returns how many by table. Nothing: there are no more."""


async def erase_regularly(database: Database, clock: Clock) -> None:
    """Sweep now and every hour, until cancelled; a sweep that fails is told and tried again then."""
    while True:
        try:
            gone = await erase_old(database, clock.now())
        except Exception:
            _log.exception("old rows not erased")
        else:
            by_table = " ".join(f"{table}={rows}" for table, rows in sorted(gone.items()))
            _log.info("old rows erased", total=sum(gone.values()), kind=by_table)
        await asyncio.sleep(EVERY_S)


async def erase_old(database: Database, now: datetime) -> dict[str, int]:
    """Erase all that has been kept long enough; returns how many rows by table, none left out but 0."""

    def days_ago(days: int) -> int:
        return to_ms(now - timedelta(days=days))

    technical, contact = days_ago(TECHNICAL_DAYS), days_ago(CONTACT_DAYS)
    gone: Counter[str] = Counter()
    for portion in (
        _events(_HELP & RoomEventRow.room.in_(_over(technical))),
        _events(~_A_PHASE & RoomEventRow.room.in_(_over(days_ago(CHAT_DAYS)))),
        _rows(DueRow.room.in_(_over(contact)), DueRow, DueRow.room, DueRow.what, DueRow.ref),
        _tickets(contact),
        _rows(DeviceSecretRow.ends_at_ms < contact, DeviceSecretRow, DeviceSecretRow.digest),
        _devices(contact),
        _rows(RevocationRow.at_ms < technical, RevocationRow, RevocationRow.id),
        _rows(RoomOrderRow.placed_at_ms < technical, RoomOrderRow, RoomOrderRow.id),
        _rows(NodeRow.seen_at_ms < technical, NodeRow, NodeRow.id),
        _rows(AuditRow.at_ms < days_ago(AUDIT_DAYS), AuditRow, AuditRow.id),
    ):
        while True:
            async with database.unit_of_work(HOUSE) as session:
                erased = +await portion(session)
            if not erased:
                break
            gone += erased
    return dict(gone)


def _over(before_ms: int) -> Select[str]:
    """Rooms whose show ended before, by its plan and by its phase.

    One that nobody brought to its end is over too, once nothing has happened in it since then; one in
    which something happens is not, however long ago it was planned for.
    """
    planned_end_ms = ShowRow.starts_at_ms + ShowRow.duration_min * 60_000
    # Correlated by name: what is erased may be a table that these look into.
    event_since = (
        exists()
        .where(RoomEventRow.room == RoomRow.id, RoomEventRow.at_ms >= before_ms)
        .correlate(RoomRow)
    )
    ticket_since = (
        exists()
        .where(TicketRow.show == RoomRow.id, TicketRow.issued_at_ms >= before_ms)
        .correlate(RoomRow)
    )
    return (
        select(RoomRow.id)
        .join(ShowRow, ShowRow.id == RoomRow.id)
        .where(
            planned_end_ms < before_ms,
            RoomRow.phase_at_ms < before_ms,
            or_(RoomRow.phase.not_in(RUNNING), ~(event_since | ticket_since)),
        )
    )


def _events(old: ColumnElement[bool]) -> Portion:
    return _rows(old, RoomEventRow, RoomEventRow.room, RoomEventRow.seq)


def _rows(old: ColumnElement[bool], table: type[Base], *key: InstrumentedAttribute[Any]) -> Portion:
    """The old rows of one table, a portion at a time by their key."""
    some = select(*key).where(old).limit(PORTION)

    async def portion(session: AsyncSession) -> Counter[str]:
        return Counter({table.__tablename__: await _delete(session, table, tuple_(*key).in_(some))})

    return portion


def _tickets(before_ms: int) -> Portion:
    """Tickets of shows that are over, with their seats, secrets and notices."""
    old = (
        select(TicketRow.id)
        .where(TicketRow.show.in_(_over(before_ms)), TicketRow.issued_at_ms < before_ms)
        .limit(PORTION)
    )

    async def portion(session: AsyncSession) -> Counter[str]:
        tickets = (await session.scalars(old)).all()
        seats = select(SeatRow.id).where(SeatRow.ticket.in_(tickets))
        return await _together(
            session,
            (RevocationRow, RevocationRow.seat.in_(seats)),
            (SeatRow, SeatRow.ticket.in_(tickets)),
            (SecretRow, SecretRow.ticket.in_(tickets)),
            (TicketRow, TicketRow.id.in_(tickets)),
        )

    return portion


def _devices(before_ms: int) -> Portion:
    """Devices that sit nowhere and got no new secret lately, with what names them."""
    sits = exists().where(SeatRow.device == DeviceRow.id)
    renewed = exists().where(
        DeviceSecretRow.device == DeviceRow.id, DeviceSecretRow.issued_at_ms >= before_ms
    )
    old = (
        select(DeviceRow.id)
        .where(DeviceRow.issued_at_ms < before_ms, ~sits, ~renewed)
        .limit(PORTION)
    )

    async def portion(session: AsyncSession) -> Counter[str]:
        devices = (await session.scalars(old)).all()
        return await _together(
            session,
            (DeviceSecretRow, DeviceSecretRow.device.in_(devices)),
            (DeviceRow, DeviceRow.id.in_(devices)),
        )

    return portion


async def _together(
    session: AsyncSession, *steps: tuple[type[Base], ColumnElement[bool]]
) -> Counter[str]:
    """What refers to a row goes before it."""
    gone: Counter[str] = Counter()
    for table, which in steps:
        gone[table.__tablename__] += await _delete(session, table, which)
    return gone


async def _delete(session: AsyncSession, table: type[Base], which: ColumnElement[bool]) -> int:
    done = await session.execute(
        delete(table).where(which), execution_options={"synchronize_session": False}
    )
    return cast("CursorResult[Any]", done).rowcount
