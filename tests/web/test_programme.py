"""The programme's lists, and searching in them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rooms.phases import Phase
from tests.web.programme_views import a_view, local
from web.programme import Programme, Search
from web.views import ShowView

TOMORROW = local(2026, 11, 25, 14, 0)
NEXT_MONTH = local(2026, 12, 24, 14, 0)


def ids(views: tuple[ShowView, ...]) -> list[str]:
    return [view.id for view in views]


def found(search: Search, *views: ShowView) -> list[str]:
    return [view.id for view in views if search.fits(view)]


def test_shows_stand_in_the_list_that_their_phase_and_day_ask_for() -> None:
    programme = Programme.of(
        [
            a_view("tomorrow", starts_at=TOMORROW),
            a_view("live", phase=Phase.LIVE),
            a_view("interval", phase=Phase.INTERVAL, starts_at=local(2026, 11, 24, 13, 0)),
            a_view("today"),
            a_view("early-doors", phase=Phase.DOORS, starts_at=TOMORROW),
            a_view("recorded", phase=Phase.ARCHIVED, recording="r1"),
        ]
    )
    assert ids(programme.on_air) == ["interval", "live"]
    assert ids(programme.today) == ["today", "early-doors"]
    assert ids(programme.coming) == ["tomorrow"]
    assert ids(programme.recorded) == ["recorded"]
    assert programme.count == 6


def test_drafts_cancelled_and_unrecorded_shows_are_not_listed() -> None:
    views = [
        a_view("draft", phase=Phase.DRAFT),
        a_view("cancelled", phase=Phase.CANCELLED),
        a_view("over", phase=Phase.ENDED),
    ]
    assert Programme.of(views).count == 0


def test_the_newest_recording_stands_first() -> None:
    older = a_view("older", phase=Phase.ARCHIVED, recording="1", starts_at=local(2026, 10, 1, 9, 0))
    newer = a_view("newer", phase=Phase.ARCHIVED, recording="2", starts_at=local(2026, 11, 1, 9, 0))
    assert ids(Programme.of([older, newer]).recorded) == ["newer", "older"]


def test_words_are_found_in_any_order_without_accents_and_capitals() -> None:
    view = a_view()
    for text in ("PIANO viulu", "maret", "salonki", "kamari", "turku", ""):
        assert Search(text=text).fits(view), text
    assert not Search(text="piano haitari").fits(view)


def test_a_search_by_city_and_form_keeps_only_those() -> None:
    here, other = a_view("here"), a_view("other", art_form="poetry")
    assert found(Search(form="poetry"), here, other) == ["other"]
    assert found(Search(city="oulu"), here, other) == []


def test_a_search_by_time_counts_days_of_the_calendar() -> None:
    views = (
        a_view("today"),
        a_view("soon", starts_at=TOMORROW),
        a_view("late", starts_at=NEXT_MONTH),
    )
    assert found(Search(when="today"), *views) == ["today"]
    assert found(Search(when="week"), *views) == ["today", "soon"]
    past = a_view("past", phase=Phase.ARCHIVED, recording="r")
    assert found(Search(when="week"), past) == []
    assert found(Search(when="recordings"), past, *views) == ["past"]


def test_what_a_query_says_wrongly_counts_as_not_asked() -> None:
    assert not Search.of({"when": "yesterday", "q": "  "}).asks
    assert Search.of({"when": "recordings"}).only_recordings
    assert not Search.of({"when": "recordings", "city": "oulu"}).only_recordings


@given(st.text(max_size=300))
def test_any_text_can_be_searched_for(text: str) -> None:
    Search.of({"q": text}).fits(a_view())
