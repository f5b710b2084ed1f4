"""What an event does to other rows: phase, due times, tickets, audit. In the event's own transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from infra.moment import Moment
from rooms.messages import (
    CompanyAnswered,
    CompanyAsked,
    CompanyEnded,
    Event,
    Named,
    PhaseChanged,
    SeatRemoved,
)
from rooms.phases import TRANSITIONS, Phase
from rooms.tables import AuditRow, DueRow, RevocationRow, RoomRow, SeatRow, ShowRow, TicketRow
from rooms.tickets import TicketStatus, before, new_id

DOORS = "doors"
SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class Act:
    """What a person did, for the audit: ids alone."""

    actor: str
    act: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Because:
    """Why events are written: the acts behind them (none: time, or guests themselves), and what a
    seat's end is called."""

    acts: Sequence[Act] = ()
    ends_as: TicketStatus = TicketStatus.REMOVED


NOBODY = Because()


async def apply(
    session: AsyncSession, room: str, organisation: str, event: Event, because: Because, now_ms: int
) -> None:
    """Write what the event changes beside the log."""
    match event:
        case PhaseChanged():
            await _phase(session, room, organisation, event, touched=bool(because.acts))
        case Named():
            await session.execute(
                update(SeatRow).where(SeatRow.id == event.seat).values(name=event.name)
            )
        case SeatRemoved():
            await end_ticket_of(session, event.seat, because.ends_as, now_ms)
        case CompanyAsked():
            await _undue(session, room, SILENCE, event.companion)
            await session.execute(
                insert(DueRow).values(
                    room=room,
                    what=SILENCE,
                    ref=event.companion,
                    organisation=organisation,
                    at_ms=event.until,
                )
            )
        case CompanyAnswered() | CompanyEnded():
            await _undue(session, room, SILENCE, event.companion)
        case _:
            pass


async def record(
    session: AsyncSession, room: str, organisation: str, because: Because, now_ms: int
) -> None:
    """Write the acts into the audit."""
    for act in because.acts:
        await session.execute(
            insert(AuditRow).values(
                id=new_id(),
                organisation=organisation,
                room=room,
                actor=act.actor,
                act=act.act,
                subject=act.subject,
                at_ms=now_ms,
            )
        )


async def end_ticket_of(
    session: AsyncSession, seat: str, ends_as: TicketStatus, now_ms: int
) -> None:
    """End the seat's ticket and tell every process to cut each of its seats; idempotent."""
    ticket = await session.scalar(select(SeatRow.ticket).where(SeatRow.id == seat))
    if ticket is not None:
        await end_ticket(session, ticket, ends_as, now_ms)


async def end_ticket(
    session: AsyncSession, ticket: str, ends_as: TicketStatus, now_ms: int
) -> None:
    """End a ticket; one that has ended keeps its first reason."""
    ended = await session.scalar(
        update(TicketRow)
        .where(TicketRow.id == ticket, TicketRow.status.in_(before(ends_as)))
        .values(status=ends_as, revoked_at_ms=now_ms)
        .returning(TicketRow.id)
    )
    if ended is None:
        return
    for seat in (await session.scalars(select(SeatRow).where(SeatRow.ticket == ticket))).all():
        await tell(session, seat, ends_as, now_ms)


async def tell(session: AsyncSession, seat: SeatRow, reason: str, now_ms: int) -> None:
    """Leave a notice that every process reads within half a second."""
    await session.execute(
        insert(RevocationRow).values(
            id=new_id(),
            organisation=seat.organisation,
            room=seat.show,
            seat=seat.id,
            reason=reason,
            at_ms=Moment(),  # others look for what is new by the same clock, whatever theirs says
        )
    )


async def set_doors(
    session: AsyncSession, room: str, organisation: str, phase: Phase, at_ms: int | None
) -> None:
    """The doors' due time as a row, as long as the phase still leads to them."""
    await _undue(session, room, DOORS, "")
    if at_ms is not None and Phase.DOORS in TRANSITIONS[phase] and phase is not Phase.DRAFT:
        await session.execute(
            insert(DueRow).values(
                room=room, what=DOORS, ref="", organisation=organisation, at_ms=at_ms
            )
        )


async def _phase(
    session: AsyncSession, room: str, organisation: str, event: PhaseChanged, *, touched: bool
) -> None:
    await session.execute(
        update(RoomRow)
        .where(RoomRow.id == room)
        .values(phase=event.phase, epoch=event.epoch, phase_at_ms=event.at)
    )
    if touched:
        await session.execute(update(ShowRow).where(ShowRow.id == room).values(touched=True))
    doors_at_ms = await session.scalar(select(ShowRow.doors_at_ms).where(ShowRow.id == room))
    await set_doors(session, room, organisation, event.phase, doors_at_ms)


async def _undue(session: AsyncSession, room: str, what: str, ref: str) -> None:
    await session.execute(
        delete(DueRow).where(DueRow.room == room, DueRow.what == what, DueRow.ref == ref)
    )
