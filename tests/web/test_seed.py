"""The programme: whole, in three languages, and put into the catalogue as often as one likes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.clock import ManualClock
from infra.database import Database
from rooms.notices import PhaseOrder
from rooms.orders import place
from rooms.phases import Phase
from rooms.scope import Scope
from rooms.shows import Shows
from web.seed import LIVE_SHOWS, MAIN_SHOW, ZONE, Starts, read_programme, seed

PROGRAMME = read_programme()
CITIES = {"helsinki", "turku", "tampere", "jyvaskyla", "oulu"}


@pytest.fixture
def shows(database: Database, clock: ManualClock) -> Shows:
    return Shows(database, clock)


def test_the_programme_has_24_shows_in_five_cities() -> None:
    assert len(PROGRAMME.shows) == 24
    assert {show.organisation for show in PROGRAMME.shows} == CITIES
    assert {city.id for city in PROGRAMME.organisations} == CITIES
    assert len({show.id for show in PROGRAMME.shows}) == 24


def test_every_series_that_a_show_names_is_there() -> None:
    series = {one.id for one in PROGRAMME.series}
    assert {show.series for show in PROGRAMME.shows if show.series} <= series


def test_the_live_shows_go_public_at_once() -> None:
    live = [show for show in PROGRAMME.shows if show.phase is Phase.LIVE]
    assert tuple(show.id for show in live) == LIVE_SHOWS
    assert MAIN_SHOW in LIVE_SHOWS
    assert {show.recording_policy for show in live} == {"at_once"}


def test_what_was_recorded_lies_behind_and_what_comes_lies_ahead() -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    for show in PROGRAMME.shows:
        ahead = show.starts.at(now) > now
        assert ahead == (show.phase in (Phase.DOORS, Phase.SCHEDULED)), show.id


@pytest.mark.parametrize(
    ("now", "moment"),
    [
        (datetime(2026, 11, 24, 12, tzinfo=UTC), datetime(2026, 11, 25, 11, tzinfo=UTC)),
        # Helsinki is a day further already.
        (datetime(2026, 11, 24, 22, 30, tzinfo=UTC), datetime(2026, 11, 26, 11, tzinfo=UTC)),
        # The clocks go forward in the night between: 13:00 stays 13:00 there.
        (datetime(2027, 3, 27, 12, tzinfo=UTC), datetime(2027, 3, 28, 10, tzinfo=UTC)),
    ],
)
def test_a_local_time_is_meant_as_the_city_reads_it(now: datetime, moment: datetime) -> None:
    starts = Starts.model_validate({"day": 1, "time": "13:00"})
    assert starts.at(now) == moment
    assert starts.at(now).astimezone(ZONE).hour == 13


def test_a_start_says_when() -> None:
    with pytest.raises(ValueError, match="a start needs"):
        Starts(day=1).at(datetime.now(UTC))


async def test_the_catalogue_holds_the_programme_in_its_phases(shows: Shows) -> None:
    assert await seed(shows) == 24
    catalogue = {show.id: show for show in await shows.catalogue(Scope.public())}
    for entry in PROGRAMME.shows:
        show = catalogue[entry.id]
        assert (show.phase, show.organisation) == (entry.phase, entry.organisation)
        assert show.title["sv"] == entry.title.sv
        assert not show.touched


async def test_a_second_time_moves_what_comes_and_keeps_what_is_over(
    shows: Shows, clock: ManualClock
) -> None:
    await seed(shows)
    before = {show.id: show for show in await shows.catalogue(Scope.public())}
    clock.advance(24 * 3600 * 1000)
    over = sum(entry.phase is Phase.ARCHIVED for entry in PROGRAMME.shows)
    assert await seed(shows) == 24 - over
    after = {show.id: show for show in await shows.catalogue(Scope.public())}
    for entry in PROGRAMME.shows:
        moved = after[entry.id].starts_at - before[entry.id].starts_at
        assert moved.days == (0 if entry.phase is Phase.ARCHIVED else 1)
        assert after[entry.id].phase is entry.phase


async def test_an_evening_that_someone_ended_stays_ended(
    shows: Shows, clock: ManualClock, database: Database
) -> None:
    await seed(shows)
    await place(database, clock, MAIN_SHOW, PhaseOrder(phase=Phase.ENDED))
    before = await shows.get(MAIN_SHOW)
    clock.advance(3600 * 1000)
    await seed(shows)
    assert await shows.get(MAIN_SHOW) == before
    assert (before.phase, before.touched) == (Phase.ENDED, True)


def test_the_programme_lies_beside_its_reader() -> None:
    assert Path(read_programme.__code__.co_filename).with_name("programme.json").is_file()
