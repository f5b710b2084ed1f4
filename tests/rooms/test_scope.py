"""No organisation's data without its scope; another city's is as if it were not there."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from infra.database import Base
from infra.errors import Forbidden, Unknown
from infra.whose import HOUSE
from rooms import tables
from rooms.actors import Actor
from rooms.messages import AnswerCompany, Command, EndCompany, RemoveSeat
from rooms.phases import Phase, Role
from rooms.room import HANDLERS
from rooms.scope import Scope, owned, seen_by, within
from rooms.tables import TicketRow
from tests.rooms.conftest import OULU, ROOM, TURKU, Evening, plan

QUERY = select(TicketRow)


async def counts(evening: Evening) -> dict[str, int]:
    rows = [row for row in vars(tables).values() if isinstance(row, type) and issubclass(row, Base)]
    async with evening.database.reading(HOUSE) as session:
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
    with pytest.raises(Forbidden) as refused:
        seen_by(None)
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


def of(kind: type[Command], seat: str) -> Command:
    """A command of this kind that names the seat wherever it can."""
    values = {
        "id": 1,
        "key": "key-of-a-sweep",
        "name": "Aune",
        "text": "Hei",
        "line": 1,
        "request": 1,
        "phase": Phase.LIVE,
        "yes": True,
        "seat": seat,
        "companion": seat,
    }
    return kind(**{name: values[name] for name in kind.model_fields if name != "type"})


@pytest.mark.parametrize("kind", list(HANDLERS), ids=lambda kind: kind.__name__)
async def test_no_message_reaches_another_show(evening: Evening, kind: type[Command]) -> None:
    await evening.phase(Phase.DOORS)
    mine = await evening.ticket(Role.GUEST, name="Aune")
    theirs = {
        role: await evening.seats.issue(OULU, "kantele", role)
        for role in (Role.GUEST, Role.ARTIST, Role.HOST)
    }
    before = await counts(evening)
    for role, ticket in theirs.items():
        with pytest.raises(Unknown):
            await evening.house.submit(Actor(ticket.seat, role), ROOM, of(kind, mine.seat))
    assert await counts(evening) == before


@pytest.mark.parametrize("kind", [RemoveSeat, AnswerCompany, EndCompany])
async def test_no_message_names_a_seat_of_another_show(
    evening: Evening, kind: type[Command]
) -> None:
    await evening.phase(Phase.DOORS)
    theirs = await evening.seats.issue(OULU, "kantele", Role.GUEST)
    actor = await evening.ticket(Role.HOST if kind is RemoveSeat else Role.GUEST)
    before = await counts(evening)
    with pytest.raises(Unknown):
        await evening.house.submit(Actor(actor.seat, Role.HOST), ROOM, of(kind, theirs.seat))
    assert await counts(evening) == before
    assert (await evening.seats.seat(theirs.seat)).status == "issued"


async def test_a_companion_is_bound_to_a_guest_of_the_same_show(evening: Evening) -> None:
    await evening.shows.plan(TURKU, plan(evening.clock, "toinen"))
    guest = await evening.ticket(Role.GUEST)
    host = await evening.ticket(Role.HOST)
    with pytest.raises(Unknown):
        await evening.seats.issue(TURKU, "toinen", Role.COMPANION, companion_of=guest.ticket)
    with pytest.raises(Unknown):
        await evening.ticket(Role.COMPANION, companion_of=host.ticket)


async def test_the_catalogue_of_one_city_shows_its_own(evening: Evening) -> None:
    assert {show.id for show in await evening.shows.catalogue(Scope.public())} == {ROOM, "kantele"}
    assert {show.id for show in await evening.shows.catalogue(OULU)} == {"kantele"}
    everybody = Scope.public()
    narrowed = await evening.shows.catalogue(everybody, organisation="turku", phase=Phase.SCHEDULED)
    assert {show.id for show in narrowed} == {ROOM}
    assert await evening.shows.catalogue(everybody, organisation="turku", phase=Phase.LIVE) == []
    assert await evening.shows.catalogue(OULU, organisation="turku") == [], "a scope stays one"
