"""Tickets, seats and their secrets.

Opening a link never changes anything: `find` and `seat` only read. A seat is taken by `enter` alone,
and held by one device at a time. The role always comes from the seat.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from infra.broken import BROKEN
from infra.clock import from_ms
from infra.errors import BadInput, Conflict, Forbidden, Unauthorised, Unknown
from infra.whose import HOUSE
from rooms.devices import Devices
from rooms.effects import end_ticket, tell
from rooms.phases import Role
from rooms.scope import Scope, of_seat, of_secret, of_ticket, owned, writing
from rooms.tables import DeviceRow, SeatRow, SecretRow, ShowRow, TicketRow
from rooms.tickets import (
    LOOK_AFTER_MS,
    OVER,
    VALID_AFTER_MS,
    SecretKind,
    TicketStatus,
    before,
    digest,
    new_id,
    new_secret,
    same,
)
from rooms.written import plain_name

PLACES_MAX = 60
NAME_MAX = 40
"""Characters, as everywhere on the wire."""


@dataclass(frozen=True, slots=True)
class Seat:
    """One screen's place. `name` is the ticket's or the one chosen in the hall; `device` sits there."""

    id: str
    ticket: str
    show: str
    role: Role
    name: str | None
    organisation: str
    places: int
    companion_of_seat: str | None
    status: TicketStatus
    expires_at: datetime
    device: str | None


@dataclass(frozen=True, slots=True)
class Issued:
    """A new ticket: its first seat, all its seats, and the one time that the link's secret is seen."""

    ticket: str
    seat: str
    secret: str
    seats: tuple[str, ...]


class Seats(Devices):
    """All rights to be somewhere, as rows."""

    # --- tickets ------------------------------------------------------------------------------

    async def issue(
        self,
        scope: Scope,
        show: str,
        role: Role,
        *,
        name: str | None = None,
        companion_of: str | None = None,
        places: int = 1,
    ) -> Issued:
        """A ticket with `places` seats and a link. `companion_of` is the guest's ticket.

        Raises `Unknown` for a show or guest's ticket outside the scope, `BadInput` where a companion
        has no guest (or another role has one).
        """
        if (role is Role.COMPANION) != (companion_of is not None):
            raise BadInput("companion_of", "a companion's ticket names a guest's, others none")
        if not 1 <= places <= PLACES_MAX:
            raise BadInput("places", "a ticket has 1 to 60 places")
        name = plain_name(name or "") or None
        if name is not None and len(name) > NAME_MAX:
            raise BadInput("name", "a name has at most 40 characters")
        ticket, seats, secret = new_id(), tuple(new_id() for _ in range(places)), new_secret()
        async with self._database.unit_of_work(writing(scope)) as session:
            organisation = await session.scalar(
                owned(
                    scope,
                    select(ShowRow.organisation).where(ShowRow.id == show),
                    ShowRow.organisation,
                )
            )
            if organisation is None:
                raise Unknown("no_show", "no such show")
            guest = None
            if companion_of is not None:
                guest = await self._guest_seat(session, scope, show, companion_of)
            session.add(
                TicketRow(
                    id=ticket,
                    organisation=organisation,
                    show=show,
                    role=role,
                    name=name,
                    places=places,
                    companion_of=guest,
                    status=TicketStatus.ISSUED,
                    issued_at_ms=self._now(),
                )
            )
            await session.flush()
            session.add_all(
                SeatRow(
                    id=seat,
                    organisation=organisation,
                    ticket=ticket,
                    show=show,
                    number=number,
                    name=name,
                )
                for number, seat in enumerate(seats, 1)
            )
            session.add(self._secret(organisation, ticket, SecretKind.LINK, secret, ""))
        return Issued(ticket, seats[0], secret, seats)

    async def add_secret(
        self, scope: Scope, ticket: str, kind: SecretKind | str, label: str = ""
    ) -> str:
        """Another secret for the ticket; `broadcast` only for an artist's. It is seen this once."""
        wanted, secret = SecretKind(kind), new_secret()
        async with self._database.unit_of_work(writing(scope)) as session:
            row = await self._ticket(session, scope, ticket)
            if wanted is SecretKind.BROADCAST and row.role != Role.ARTIST:
                raise BadInput("role", "only an artist's ticket broadcasts")
            session.add(self._secret(row.organisation, ticket, wanted, secret, label))
        return secret

    async def revoke(self, scope: Scope, ticket: str) -> None:
        """End the ticket and everything that hangs on it, in every process; idempotent.

        The room is not told by an event: `rooms.orders.revoke` does both.
        """
        async with self._database.unit_of_work(writing(scope)) as session:
            row = await self._ticket(session, scope, ticket)
            await end_ticket(session, row.id, TicketStatus.REVOKED, self._now())

    async def revoke_secret(self, scope: Scope, secret: str) -> None:
        """End one secret; the ticket and its other secrets stay."""
        async with self._database.unit_of_work(writing(scope)) as session:
            row = await session.scalar(
                owned(
                    scope,
                    select(SecretRow).where(SecretRow.digest == digest(secret)),
                    SecretRow.organisation,
                )
            )
            if row is None:
                raise Unknown("no_secret", "no such secret")
            row.revoked_at_ms = row.revoked_at_ms or self._now()

    # --- seats --------------------------------------------------------------------------------

    async def find(
        self, secret: str, kind: SecretKind | str, *, device: str | None = None
    ) -> Seat | None:
        """The seat that a secret of this kind leads to, None for a wrong or revoked one.

        A link of a ticket with several places leads the `device` to where it sits already, others to
        the first free one. Nothing is changed; what the ticket's status says is the caller's to see.
        """
        kept = digest(secret)
        async with self._database.reading(of_secret(kept)) as session:
            row = await session.get(SecretRow, kept)
            if (
                row is None
                or not same(row.digest, secret)
                or row.kind != SecretKind(kind)
                or row.revoked_at_ms is not None
            ):
                return None
            seats = await self._seats(session, _SEAT.where(SeatRow.ticket == row.ticket))
            rows = await session.execute(
                select(SeatRow.id, SeatRow.device).where(SeatRow.ticket == row.ticket)
            )
            sits = {one.id: one.device for one in rows.all()}
        mine = [seat for seat in seats if device is not None and sits[seat.id] == device]
        free = [seat for seat in seats if sits[seat.id] is None]
        return next(iter([*mine, *free, *seats]), None)

    async def leads(self, handle: str, seat_id: str) -> bool:
        """Whether the link with this digest still leads to the seat: not revoked, of its ticket."""
        query = (
            select(SeatRow.id)
            .join(SecretRow, SecretRow.ticket == SeatRow.ticket)
            .where(
                SeatRow.id == seat_id,
                SecretRow.digest == handle,
                SecretRow.kind == SecretKind.LINK,
                SecretRow.revoked_at_ms.is_(None),
            )
        )
        async with self._database.reading(of_seat(seat_id)) as session:
            return await session.scalar(query) is not None

    async def seat(self, seat_id: str) -> Seat:
        """The seat as it stands. Raises `Unknown` (`no_seat`)."""
        async with self._database.reading(of_seat(seat_id)) as session:
            return await self._one(session, seat_id)

    async def of_show(self, scope: Scope, show: str) -> list[Seat]:
        """All seats of a show that may still be used, hosts' and artists' too."""
        query = owned(scope, _SEAT.where(SeatRow.show == show), SeatRow.organisation)
        async with self._database.reading(writing(scope)) as session:
            return [seat for seat in await self._seats(session, query) if seat.status not in OVER]

    async def of_ticket(self, ticket: str) -> list[Seat]:
        """The seats of a ticket, in order."""
        async with self._database.reading(of_ticket(ticket)) as session:
            return await self._seats(session, _SEAT.where(SeatRow.ticket == ticket))

    async def of_device(self, device_id: str) -> list[Seat]:
        """The seats that a device sits in."""
        async with self._database.reading(HOUSE) as session:
            return await self._seats(session, _SEAT.where(SeatRow.device == device_id))

    async def enter(self, seat_id: str, device_id: str, *, move: bool = False) -> Seat:
        """Sit down; the same device again changes nothing. Returns the seat, admitted: of a ticket with
        several places another one where this one is taken, for all who opened the link were shown one.

        Raises `Conflict` (`seat_elsewhere`) where another device sits there and `move` is false; with
        it the seat moves here and every process is told (`moved`). Raises `Forbidden` (`revoked`,
        `removed`, `expired`), `Unknown` for seat or device.
        """
        now = self._now()
        async with self._database.unit_of_work(of_seat(seat_id)) as session:
            holding = {"read": True, "key_share": True}  # it may sit in other seats meanwhile
            if await session.get(DeviceRow, device_id, with_for_update=holding) is None:
                raise Unknown("no_device", "no such device", sentence="err_no_seat")
            # One after another: who is shown a place may get the next, and a ticket ends before or after.
            ticket = select(SeatRow.ticket).where(SeatRow.id == seat_id).scalar_subquery()
            lock = select(TicketRow).where(TicketRow.id == ticket).with_for_update(key_share=True)
            await session.execute(lock)
            seat = await self._one(session, seat_id)
            refuse_if_over(seat)
            row = await session.get_one(SeatRow, seat_id, with_for_update=True)
            if row.device not in (None, device_id) and seat.places > 1 and not move:
                row = await self._place(session, seat, device_id) or row
            if row.device not in (None, device_id):
                if not move:
                    raise Conflict(
                        "seat_elsewhere", "another device sits there", sentence="move_here"
                    )
                await tell(session, row, "moved", now)
            row.device = device_id
            row.entered_at_ms = row.entered_at_ms or now
            await session.execute(
                update(TicketRow)
                .where(
                    TicketRow.id == row.ticket, TicketRow.status.in_(before(TicketStatus.ADMITTED))
                )
                .values(status=TicketStatus.ADMITTED)
            )
            await session.flush()
            return await self._one(session, row.id)

    async def holds(self, seat_id: str, device_id: str) -> bool:
        """Whether this device sits there now."""
        query = select(SeatRow.id).where(SeatRow.id == seat_id, SeatRow.device == device_id)
        async with self._database.reading(of_seat(seat_id)) as session:
            return await session.scalar(query) is not None

    # --- inside -------------------------------------------------------------------------------

    def _secret(
        self, organisation: str, ticket: str, kind: SecretKind, secret: str, label: str
    ) -> SecretRow:
        return SecretRow(
            digest=digest(secret),
            organisation=organisation,
            ticket=ticket,
            kind=kind,
            label=label,
            issued_at_ms=self._now(),
        )

    async def _ticket(self, session: AsyncSession, scope: Scope, ticket: str) -> TicketRow:
        query = select(TicketRow).where(TicketRow.id == ticket)
        row = await session.scalar(owned(scope, query, TicketRow.organisation))
        if row is None:
            raise Unknown("no_ticket", "no such ticket")
        return row

    async def _place(self, session: AsyncSession, seat: Seat, device: str) -> SeatRow | None:
        """Where the device sits under this ticket already, else the first free place."""
        rows = await session.scalars(
            select(SeatRow)
            .where(SeatRow.ticket == seat.ticket)
            .order_by(SeatRow.number)
            .with_for_update()
        )
        places = rows.all()
        mine = [row for row in places if row.device == device]
        free = [row for row in places if row.device is None]
        return next(iter([*mine, *free]), None)

    async def _guest_seat(self, session: AsyncSession, scope: Scope, show: str, ticket: str) -> str:
        row = await self._ticket(session, scope, ticket)
        if row.show != show or row.role != Role.GUEST:
            raise Unknown("no_ticket", "no such guest's ticket for this show")
        seat = await session.scalar(
            select(SeatRow.id).where(SeatRow.ticket == ticket).order_by(SeatRow.number)
        )
        if seat is None:
            raise Unknown("no_seat", "the ticket has no seat")
        return seat

    async def _one(self, session: AsyncSession, seat_id: str) -> Seat:
        found = await self._seats(session, _SEAT.where(SeatRow.id == seat_id))
        if not found:
            raise Unknown("no_seat", "no such seat", sentence="err_no_seat")
        return found[0]

    async def _seats(
        self, session: AsyncSession, query: Select[SeatRow, TicketRow, ShowRow]
    ) -> list[Seat]:
        rows = (await session.execute(query.order_by(SeatRow.ticket, SeatRow.number))).all()
        found: list[Seat] = []
        for seat, ticket, show in rows:
            try:
                found.append(_seat_of(seat, ticket, show, now_ms=self._now()))
            except (ValueError, TypeError, OverflowError) as error:
                BROKEN.note("seat", seat.id, error)  # it admits nobody and hides no other
        return found


_SEAT: Select[SeatRow, TicketRow, ShowRow] = (
    select(SeatRow, TicketRow, ShowRow)
    .join(TicketRow, TicketRow.id == SeatRow.ticket)
    .join(ShowRow, ShowRow.id == SeatRow.show)
)
_SENTENCES = {
    TicketStatus.REVOKED: "err_revoked",
    TicketStatus.REMOVED: "err_removed",
    TicketStatus.EXPIRED: "err_over_no_rec",
}


def refuse_if_over(seat: Seat) -> None:
    """Raises `Forbidden` with the status as its code where the seat admits no more."""
    if seat.status in OVER:
        raise Forbidden(seat.status, "the ticket has ended", sentence=_SENTENCES[seat.status])


def refuse_if_elsewhere(seat: Seat, device: str) -> None:
    """Raises `Unauthorised` (`no_seat`) where another device, or none, sits there."""
    if seat.device != device:
        raise Unauthorised("no_seat", "another device sits there", sentence="err_no_seat")


def _seat_of(seat: SeatRow, ticket: TicketRow, show: ShowRow, *, now_ms: int) -> Seat:
    show_ends_ms = show.starts_at_ms + show.duration_min * 60_000
    # By the show's present date: a show that is moved takes its tickets along.
    after_ms = LOOK_AFTER_MS if ticket.role == Role.ARTIST else VALID_AFTER_MS
    expires_ms = max(ticket.issued_at_ms, show_ends_ms) + after_ms
    status = TicketStatus(ticket.status)
    if status not in OVER and now_ms >= expires_ms:
        status = TicketStatus.EXPIRED
    elif status is TicketStatus.ADMITTED and seat.entered_at_ms is None:
        status = TicketStatus.ISSUED
    return Seat(
        id=seat.id,
        ticket=ticket.id,
        show=seat.show,
        role=Role(ticket.role),
        name=seat.name,
        organisation=seat.organisation,
        places=ticket.places,
        companion_of_seat=ticket.companion_of,
        status=status,
        expires_at=from_ms(expires_ms),
        device=seat.device,
    )
