"""The catalogue: plans that may be repeated, and dates that move only while nobody touched the show."""

from __future__ import annotations

from datetime import timedelta

import pytest

from infra.errors import Forbidden, Unknown
from rooms.phases import Phase, Role
from rooms.scope import Scope
from rooms.shows import Show
from rooms.tickets import new_id
from tests.rooms.conftest import OULU, ROOM, TURKU, Evening, organisation, plan

HOUR = timedelta(hours=1)


async def redate(evening: Evening, phase: Phase = Phase.SCHEDULED) -> bool:
    starts_at = evening.clock.now() + 24 * HOUR
    return await evening.shows.redate(
        TURKU, ROOM, starts_at=starts_at, doors_at=starts_at - HOUR, phase=phase
    )


async def test_a_show_comes_back_as_it_was_planned(evening: Evening) -> None:
    planned = plan(evening.clock, "toinen", series="sarja", price={"kind": "fixed", "cents": 500})
    await evening.shows.plan(TURKU, planned)
    show = await evening.shows.get("toinen")
    for name in type(planned).__dataclass_fields__:
        assert getattr(show, name) == getattr(planned, name)
    assert (show.phase, show.epoch, show.touched) == (Phase.SCHEDULED, 1, False)


async def test_planning_again_changes_what_stands_there_and_not_the_phase(
    evening: Evening,
) -> None:
    await evening.phase(Phase.DOORS)
    await evening.shows.plan(TURKU, plan(evening.clock, duration_min=75))
    show = await evening.shows.get(ROOM)
    assert (show.duration_min, show.phase, show.touched) == (75, Phase.DOORS, True)


async def test_the_catalogue_is_ordered_by_start_and_leaves_drafts_out(evening: Evening) -> None:
    early = evening.clock.now() - 2 * HOUR
    await evening.shows.plan(TURKU, plan(evening.clock, "varhain", starts_at=early))
    await evening.shows.plan(TURKU, plan(evening.clock, "luonnos"), phase=Phase.DRAFT)
    ids = [show.id for show in await evening.shows.catalogue(Scope.public())]
    assert ids == ["varhain", "kantele", ROOM]
    assert (await evening.shows.get("luonnos")).phase is Phase.DRAFT


async def test_a_new_show_may_begin_in_any_phase_by_an_event(evening: Evening) -> None:
    await evening.shows.plan(TURKU, plan(evening.clock, "nyt"), phase=Phase.LIVE)
    _, state = await evening.house.whole("nyt")
    show: Show = await evening.shows.get("nyt")
    assert (state.phase, state.epoch) == (show.phase, show.epoch) == (Phase.LIVE, 1)


async def test_an_untouched_show_moves_with_its_phase_and_its_doors(evening: Evening) -> None:
    evening.clock.advance(50 * 60_000)
    assert (await evening.house.whole(ROOM))[1].phase in (Phase.SCHEDULED, Phase.DOORS)
    await evening.house.close()
    assert await redate(evening)
    show = await evening.shows.get(ROOM)
    assert show.phase is Phase.SCHEDULED
    assert show.starts_at == evening.clock.now() + 24 * HOUR
    assert show.doors_at == show.starts_at - HOUR
    assert await redate(evening)
    assert (await evening.shows.get(ROOM)).epoch == show.epoch


async def test_a_show_that_people_touched_stays_where_it_is(evening: Evening) -> None:
    await evening.phase(Phase.DOORS)
    await evening.house.close()
    before = await evening.shows.get(ROOM)
    assert not await redate(evening)
    assert await evening.shows.get(ROOM) == before


async def test_a_show_whose_room_a_process_runs_is_not_moved_under_it(evening: Evening) -> None:
    await evening.house.open(ROOM)
    assert not await redate(evening)
    assert await evening.house.whole(ROOM) == (1, evening.state())


async def test_moving_frees_the_room_again(evening: Evening) -> None:
    assert await redate(evening)
    await evening.phase(Phase.DOORS)


async def test_organisations_are_data(evening: Evening) -> None:
    await evening.shows.add_organisation(organisation("Kuopio"))
    ids = [one.id for one in await evening.shows.organisations()]
    assert ids == ["kuopio", "oulu", "turku"]
    await evening.shows.add_organisation(organisation("Kuopio"))
    assert (await evening.shows.organisation("kuopio")).city["fi"] == "Kuopio"
    with pytest.raises(Unknown):
        await evening.shows.organisation("mikkeli")


async def test_nothing_is_planned_without_a_scope(evening: Evening) -> None:
    with pytest.raises(Forbidden):
        await evening.shows.plan(Scope.public(), plan(evening.clock, "uusi"))
    with pytest.raises(Unknown):
        await evening.shows.plan(OULU, plan(evening.clock, "uusi"))
    with pytest.raises(Unknown):
        await evening.shows.get("uusi")


async def test_tickets_survive_a_new_plan(evening: Evening) -> None:
    guest = await evening.ticket(Role.GUEST)
    await evening.shows.plan(TURKU, plan(evening.clock, capacity_screens=5))
    assert (await evening.seats.seat(guest.seat)).show == ROOM
    assert len(new_id()) == 16
