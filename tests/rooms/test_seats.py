"""Links, keys and seats: what opens, who sits, and how it ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from infra.errors import BadInput, Conflict, Forbidden, Unknown
from infra.whose import HOUSE
from rooms.phases import Role
from rooms.tables import SecretRow
from rooms.tickets import SecretKind, TicketStatus
from tests.rooms.conftest import ROOM, TURKU, Evening, plan, until

HOUR_MS = 3600 * 1000


async def device(evening: Evening) -> str:
    return (await evening.seats.new_device())[0]


async def test_a_link_leads_to_its_seat_and_opening_it_takes_nothing(evening: Evening) -> None:
    guest = await evening.ticket(Role.GUEST, name="Aune")
    for _ in range(20):
        seat = await evening.seats.find(guest.secret, "link")
        assert seat is not None
        assert (seat.id, seat.role, seat.name) == (guest.seat, Role.GUEST, "Aune")
        assert seat.status == TicketStatus.ISSUED


async def test_what_is_stored_of_a_secret_does_not_open(evening: Evening) -> None:
    guest = await evening.ticket(Role.GUEST)
    async with evening.database.reading(HOUSE) as session:
        kept = (await session.scalars(select(SecretRow.digest))).all()
    assert guest.secret not in kept
    for digest in kept:
        assert await evening.seats.find(digest, "link") is None


async def test_a_secret_of_one_kind_does_no_other_kinds_work(evening: Evening) -> None:
    artist = await evening.ticket(Role.ARTIST)
    secrets = {SecretKind.LINK: artist.secret}
    for kind in (SecretKind.BROADCAST, SecretKind.VIEWING):
        secrets[kind] = await evening.seats.add_secret(TURKU, artist.ticket, kind)
    for kind in SecretKind:
        for other, secret in secrets.items():
            found = await evening.seats.find(secret, kind)
            assert (found is not None) == (kind is other)


async def test_only_an_artists_ticket_has_a_broadcast_key(evening: Evening) -> None:
    guest = await evening.ticket(Role.GUEST)
    with pytest.raises(BadInput):
        await evening.seats.add_secret(TURKU, guest.ticket, "broadcast")


async def test_a_secret_is_revoked_alone(evening: Evening) -> None:
    artist = await evening.ticket(Role.ARTIST)
    old = await evening.seats.add_secret(TURKU, artist.ticket, "broadcast")
    new = await evening.seats.add_secret(TURKU, artist.ticket, "broadcast")
    await evening.seats.revoke_secret(TURKU, old)
    assert await evening.seats.find(old, "broadcast") is None
    assert await evening.seats.find(new, "broadcast") is not None
    assert await evening.seats.find(artist.secret, "link") is not None


async def test_the_same_device_sits_down_as_often_as_it_likes(evening: Evening) -> None:
    guest, tablet = await evening.ticket(Role.GUEST), await device(evening)
    for _ in range(3):
        seat = await evening.seats.enter(guest.seat, tablet)
        assert seat.status == TicketStatus.ADMITTED
    assert await evening.seats.holds(guest.seat, tablet)
    assert [one.id for one in await evening.seats.of_device(tablet)] == [guest.seat]


async def test_one_device_holds_several_seats(evening: Evening) -> None:
    tablet = await device(evening)
    for role in (Role.GUEST, Role.GUEST, Role.ARTIST, Role.HOST):
        await evening.seats.enter((await evening.ticket(role)).seat, tablet)
    roles = sorted(seat.role for seat in await evening.seats.of_device(tablet))
    assert roles == ["artist", "guest", "guest", "host"]


async def test_a_second_device_is_asked_and_the_sitter_keeps_the_seat(evening: Evening) -> None:
    guest = await evening.ticket(Role.GUEST)
    tablet, phone = await device(evening), await device(evening)
    await evening.seats.enter(guest.seat, tablet)
    with pytest.raises(Conflict) as refused:
        await evening.seats.enter(guest.seat, phone)
    assert (refused.value.code, refused.value.sentence) == ("seat_elsewhere", "move_here")
    assert await evening.seats.holds(guest.seat, tablet)
    assert evening.revoked == []


async def test_a_seat_that_moves_is_told_everywhere(evening: Evening) -> None:
    guest = await evening.ticket(Role.GUEST)
    tablet, phone = await device(evening), await device(evening)
    await evening.seats.enter(guest.seat, tablet)
    await evening.seats.enter(guest.seat, phone, move=True)
    assert not await evening.seats.holds(guest.seat, tablet)
    assert await evening.seats.holds(guest.seat, phone)
    await until(lambda: evening.revoked == [(ROOM, guest.seat, "moved")])


async def test_a_revoked_ticket_admits_no_more_and_is_told_everywhere(evening: Evening) -> None:
    guest, tablet = await evening.ticket(Role.GUEST, places=2), await device(evening)
    await evening.seats.enter(guest.seat, tablet)
    await evening.seats.revoke(TURKU, guest.ticket)
    await evening.seats.revoke(TURKU, guest.ticket)
    for seat in guest.seats:
        with pytest.raises(Forbidden) as refused:
            await evening.seats.enter(seat, tablet)
        assert (refused.value.code, refused.value.sentence) == ("revoked", "err_revoked")
    await until(lambda: len(evening.revoked) == 2)
    assert set(evening.revoked) == {(ROOM, seat, "revoked") for seat in guest.seats}
    found = await evening.seats.find(guest.secret, "link")
    assert found is not None
    assert found.status == TicketStatus.REVOKED
    assert guest.seat not in [seat.id for seat in await evening.seats.of_show(TURKU, ROOM)]


async def test_a_wrong_secret_for_a_taken_seat_changes_nothing(evening: Evening) -> None:
    guest, tablet = await evening.ticket(Role.GUEST), await device(evening)
    await evening.seats.enter(guest.seat, tablet)
    for wrong in ("", "x", guest.secret[:-1], guest.secret + "x"):
        assert await evening.seats.find(wrong, "link") is None
    assert await evening.seats.holds(guest.seat, tablet)


async def test_a_group_tickets_link_leads_to_the_first_free_place(evening: Evening) -> None:
    group = await evening.ticket(Role.GUEST, places=3)
    assert len(group.seats) == 3
    sat = []
    for _ in range(3):
        seat = await evening.seats.find(group.secret, "link")
        assert seat is not None
        assert seat.places == 3
        await evening.seats.enter(seat.id, await device(evening))
        sat.append(seat.id)
    assert sat == list(group.seats)
    full = await evening.seats.find(group.secret, "link")
    assert full is not None
    assert full.id == group.seats[0]


async def test_a_group_tickets_link_leads_a_device_back_to_its_place(evening: Evening) -> None:
    group, tablet = await evening.ticket(Role.GUEST, places=3), await device(evening)
    await evening.seats.enter(group.seats[1], tablet)
    found = await evening.seats.find(group.secret, "link", device=tablet)
    other = await evening.seats.find(group.secret, "link", device="another")
    assert found is not None
    assert other is not None
    assert (found.id, other.id) == (group.seats[1], group.seats[0])


async def test_a_name_is_trimmed_and_bounded(evening: Evening) -> None:
    guest = await evening.ticket(Role.GUEST, name="  Aune ")
    assert (await evening.seats.seat(guest.seat)).name == "Aune"
    unnamed = await evening.ticket(Role.GUEST, name=" ")
    assert (await evening.seats.seat(unnamed.seat)).name is None
    with pytest.raises(BadInput):
        await evening.ticket(Role.GUEST, name="A" * 41)


@pytest.mark.parametrize("places", [0, 61])
async def test_a_ticket_has_one_to_sixty_places(evening: Evening, places: int) -> None:
    with pytest.raises(BadInput):
        await evening.ticket(Role.GUEST, places=places)


async def test_companions_have_a_guest_and_others_none(evening: Evening) -> None:
    guest = await evening.ticket(Role.GUEST)
    with pytest.raises(BadInput):
        await evening.ticket(Role.COMPANION)
    with pytest.raises(BadInput):
        await evening.ticket(Role.GUEST, companion_of=guest.ticket)
    companion = await evening.ticket(Role.COMPANION, companion_of=guest.ticket, name="Liisa")
    seat = await evening.seats.seat(companion.seat)
    assert seat.companion_of_seat == guest.seat


async def test_twenty_hours_and_a_minute_after_it_was_taken_the_seat_still_holds(
    evening: Evening,
) -> None:
    guest, tablet = await evening.ticket(Role.GUEST), await device(evening)
    await evening.seats.enter(guest.seat, tablet)
    evening.clock.advance(20 * HOUR_MS + 60_000)
    assert (await evening.seats.enter(guest.seat, tablet)).status == TicketStatus.ADMITTED
    # The show is an hour away and lasts an hour: 22 hours after the issue it is over.
    evening.clock.advance(2 * HOUR_MS - 60_000)
    with pytest.raises(Forbidden) as refused:
        await evening.seats.enter(guest.seat, tablet)
    assert refused.value.code == "expired"


async def test_a_show_that_is_moved_takes_its_tickets_along(evening: Evening) -> None:
    guest = await evening.ticket(Role.GUEST)
    later = evening.clock.now() + timedelta(days=30)
    await evening.shows.plan(TURKU, plan(evening.clock, starts_at=later))
    evening.clock.advance(25 * 24 * HOUR_MS)
    assert (await evening.seats.seat(guest.seat)).status == TicketStatus.ISSUED


async def test_an_unknown_seat_or_device_is_unknown(evening: Evening) -> None:
    guest = await evening.ticket(Role.GUEST)
    with pytest.raises(Unknown):
        await evening.seats.seat("nobody")
    with pytest.raises(Unknown):
        await evening.seats.enter("nobody", await device(evening))
    with pytest.raises(Unknown):
        await evening.seats.enter(guest.seat, "nothing")
