"""No organisation's data without its scope; another city's is as if it were not there."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from infra.database import Base
from infra.errors import Forbidden, Unknown
from rooms import tables
from rooms.phases import Role
from rooms.scope import Scope, owned, within
from rooms.tables import TicketRow
from tests.rooms.conftest import OULU, ROOM, TURKU, Evening, plan

QUERY = select(TicketRow)


async def counts(evening: Evening) -> dict[str, int]:
    rows = [row for row in vars(tables).values() if isinstance(row, type) and issubclass(row, Base)]
    async with evening.database.reading() as session:
        return {
            row.__tablename__: await session.scalar(select(func.count()).select_from(row)) or 0
            for row in rows
            if row is not Base
        }


def test_a_query_without_a_scope_raises() -> None:
    for narrowed in (within, owned):
        with pytest.raises(Forbidden) as refused:
            narrowed(None, QUERY, TicketRow.organisation)
        assert refused.value.code == "no_scope"


def test_the_public_scope_reads_what_is_public_alone() -> None:
    assert within(Scope.public(), QUERY, TicketRow.organisation) is QUERY
    with pytest.raises(Forbidden):
        owned(Scope.public(), QUERY, TicketRow.organisation)
    with pytest.raises(Forbidden):
        _ = Scope.public().writes


async def test_another_citys_ids_are_unknown_and_nothing_changes(evening: Evening) -> None:
    guest = await evening.ticket(Role.GUEST)
    before = await counts(evening)
    attempts = [
        evening.seats.issue(OULU, ROOM, Role.GUEST),
        evening.seats.issue(OULU, "kantele", Role.COMPANION, companion_of=guest.ticket),
        evening.seats.issue(TURKU, "kantele", Role.GUEST),
        evening.seats.add_secret(OULU, guest.ticket, "viewing"),
        evening.seats.revoke(OULU, guest.ticket),
        evening.seats.revoke_secret(OULU, guest.secret),
        evening.seats.ticket_show(OULU, guest.ticket),
        evening.shows.plan(OULU, plan(evening.clock)),
        evening.shows.plan(OULU, plan(evening.clock, city="oulu")),
        evening.shows.redate(
            OULU,
            ROOM,
            starts_at=evening.clock.now(),
            doors_at=None,
            phase=(await evening.shows.get(ROOM)).phase,
        ),
    ]
    for attempt in attempts:
        with pytest.raises(Unknown):
            await attempt
    assert await counts(evening) == before
    assert (await evening.seats.seat(guest.seat)).status == "issued"


async def test_a_companion_is_bound_to_a_guest_of_the_same_show(evening: Evening) -> None:
    await evening.shows.plan(TURKU, plan(evening.clock, "toinen"))
    guest = await evening.ticket(Role.GUEST)
    host = await evening.ticket(Role.HOST)
    with pytest.raises(Unknown):
        await evening.seats.issue(TURKU, "toinen", Role.COMPANION, companion_of=guest.ticket)
    with pytest.raises(Unknown):
        await evening.ticket(Role.COMPANION, companion_of=host.ticket)


async def test_the_catalogue_of_one_city_shows_its_own(evening: Evening) -> None:
    assert {show.id for show in await evening.shows.catalogue()} == {ROOM, "kantele"}
    assert {show.id for show in await evening.shows.catalogue(OULU)} == {"kantele"}
