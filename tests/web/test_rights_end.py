"""Rights that end between two looks: at the joining of a socket, and after its seat was read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import update

from infra.errors import Forbidden, Unauthorised, Unavailable
from infra.whose import HOUSE
from rooms.messages import MediaKeyframe, MediaSegments, MediaStop, MediaView
from rooms.seats import Seat
from rooms.tables import TicketRow
from rooms.tickets import TicketStatus
from tests.web.conftest import Site
from web.hub import Listener, RoomHub

pytestmark = pytest.mark.one_database

End = Callable[[Site, str], Awaitable[str]]


async def _revoked(site: Site, seat: str) -> str:
    """The ticket's row has ended, and who is told of it was told before."""
    ticket = (await site.parts.seats.seat(seat)).ticket
    async with site.parts.database.unit_of_work(HOUSE) as session:
        of_ticket = update(TicketRow).where(TicketRow.id == ticket)
        await session.execute(of_ticket.values(status=TicketStatus.REVOKED))
    return "revoked"


async def _moved(site: Site, seat: str) -> str:
    device, _ = await site.parts.seats.new_device()
    await site.parts.seats.enter(seat, device, move=True)
    return "moved"


async def _sit(site: Site) -> tuple[Seat, str]:
    """A guest's seat as it was read when the socket came, and the device that sat there then."""
    issued = await site.ticket("show", name="Aune")
    device, _ = await site.parts.seats.new_device()
    return await site.parts.seats.enter(issued.seat, device), device


@pytest.mark.parametrize("end", [_revoked, _moved])
async def test_a_right_that_ends_while_its_socket_joins_ends_the_socket(
    site: Site, monkeypatch: pytest.MonkeyPatch, end: End
) -> None:
    await site.show()
    browser = site.browser()
    seat = await browser.enter(site.link(await site.ticket("show", name="Aune")))
    make_way = RoomHub.make_way
    reason = ""

    async def and_then(hub: RoomHub, *given: object) -> None:
        nonlocal reason
        await make_way(hub, *given)  # type: ignore[arg-type]  # handed on as it came
        reason = await end(site, seat)  # after the look at the rows, before the joining
        if reason == "moved":
            await site.parts.house._errands.look()  # all are told, and nobody listens yet

    monkeypatch.setattr(RoomHub, "make_way", and_then)
    async with browser.socket(seat) as ws:
        await ws.send_json({"type": "hello", "id": 1})
        while (message := await ws.receive_json())["type"] != "bye":
            assert message["type"] in ("snapshot", "presence", "stage", "recording")
        assert message["reason"] == reason


async def test_a_socket_of_which_nothing_can_be_known_has_not_joined(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.show()
    browser = site.browser()
    seat = await browser.enter(site.link(await site.ticket("show", name="Aune")))
    seats, read = site.parts.seats, type(site.parts.seats).seat
    join = RoomHub.join

    async def away(seat_id: str) -> Seat:
        raise Unavailable("database")

    async def here(seat_id: str) -> Seat:
        return await read(seats, seat_id)

    def and_then(hub: RoomHub, listener: Listener, after: int | None) -> None:
        join(hub, listener, after)
        monkeypatch.setattr(seats, "seat", away)

    async with browser.socket(seat) as ws:
        monkeypatch.setattr(RoomHub, "join", and_then)
        await ws.send_json({"type": "hello", "id": 1})
        while (message := await ws.receive_json())["type"] != "error":
            assert message["type"] != "ack"
        hub = site.parts.hubs.known("show")
        assert hub is not None
        assert hub.of_seat(seat) == []
        monkeypatch.setattr(RoomHub, "join", join)
        monkeypatch.setattr(seats, "seat", here)
        await ws.send_json({"type": "hello", "id": 2})
        while (message := await ws.receive_json())["type"] != "ack":
            assert message["type"] != "error"
        assert len(hub.of_seat(seat)) == 1


@pytest.mark.parametrize("end", [_revoked, _moved])
async def test_the_rooms_own_desk_asks_anew_what_a_seat_is(site: Site, end: End) -> None:
    await site.show()
    seat, device = await _sit(site)
    for message in (MediaView(id=1), MediaSegments(id=2)):
        await site.parts.desk.ask(seat, device, message)
    await end(site, seat.id)
    for ended in (MediaView(id=3), MediaSegments(id=4), MediaKeyframe(id=5, session="x")):
        with pytest.raises((Forbidden, Unauthorised)):
            await site.parts.desk.ask(seat, device, ended)


async def test_while_the_rows_are_away_nothing_begins_at_the_desk_and_what_runs_goes_on(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.show()
    seat, device = await _sit(site)
    offer = await site.parts.desk.ask(seat, device, MediaView(id=1))

    async def away(seat_id: str) -> Seat:
        raise Unavailable("database")

    monkeypatch.setattr(site.parts.seats, "seat", away)
    with pytest.raises(Unavailable):
        await site.parts.desk.ask(seat, device, MediaView(id=2))
    session = getattr(offer, "session", "")
    assert (await site.parts.desk.ask(seat, device, MediaStop(id=3, session=session))).type == "ack"
