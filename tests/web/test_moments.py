"""Days and times as people say them (the glossary's fourth rule)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.programme_views import HELSINKI, NOW, local
from web.language import LANGUAGES
from web.moments import Moments, date_of, day_of, time_of

TODAY = date(2026, 11, 24)


def moments(lang: str) -> Moments:
    return Moments(lang, HELSINKI, NOW)


def spoken(text: str) -> str:
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("lang", "today", "another"),
    [
        ("fi", "tänään klo 14", "tiistaina 1.12. klo 14.30"),
        ("sv", "i dag kl. 14", "på tisdag 1.12 kl. 14.30"),
        ("en", "today at 2 pm", "on Tuesday 1 December at 2.30 pm"),
    ],
)
def test_a_moment_is_said_as_the_language_says_it(lang: str, today: str, another: str) -> None:
    say = moments(lang).moment
    assert spoken(say(local(2026, 11, 24, 14, 0))) == today
    assert spoken(say(local(2026, 12, 1, 14, 30))) == another


@pytest.mark.parametrize(
    ("lang", "label"),
    [
        ("fi", "Tiistaina 1.12. klo 14.30"),
        ("sv", "Tisdag 1.12 kl. 14.30"),
        ("en", "Tuesday 1 December at 2.30 pm"),
    ],
)
def test_a_card_says_the_day_without_a_preposition(lang: str, label: str) -> None:
    assert spoken(moments(lang).label(local(2026, 12, 1, 14, 30))) == label


def test_the_days_beside_today_have_their_own_words() -> None:
    days = [TODAY + timedelta(days=n) for n in (-1, 0, 1)]
    assert [day_of(day, TODAY, "fi") for day in days] == ["eilen", "tänään", "huomenna"]


def test_every_finnish_weekday_is_inflected() -> None:
    days = [day_of(TODAY + timedelta(days=n), TODAY, "fi").split()[0] for n in range(2, 9)]
    assert len(set(days)) == 7
    assert all(day.endswith("na") for day in days)


def test_a_past_swedish_day_has_no_preposition_of_the_future() -> None:
    assert day_of(date(2026, 11, 18), TODAY, "sv") == "onsdag 18.11"


def test_a_date_far_away_is_said_with_its_year() -> None:
    assert day_of(date(2027, 6, 1), TODAY, "fi") == "tiistaina 1.6.2027"
    assert date_of(date(2027, 6, 1), "sv", year=True) == "1.6.2027"


@pytest.mark.parametrize(
    ("hour", "minute", "said"),
    [
        (0, 0, "12 am"),
        (9, 5, "9.05 am"),
        (12, 0, "12 noon"),
        (12, 30, "12.30 pm"),
        (23, 0, "11 pm"),
    ],
)
def test_english_hours_say_morning_or_afternoon(hour: int, minute: int, said: str) -> None:
    assert spoken(time_of(datetime(2026, 11, 24, hour, minute, tzinfo=HELSINKI), "en")) == said


def test_klo_and_its_number_stay_on_one_line() -> None:
    assert moments("fi").clock(local(2026, 11, 24, 14, 0)) == "klo\u00a014"
    assert moments("sv").clock(local(2026, 11, 24, 14, 0)) == "kl.\u00a014"


def test_times_are_those_of_the_shows_city_in_summer_too() -> None:
    assert moments("fi").time(datetime(2026, 7, 1, 11, 0, tzinfo=UTC)) == "14"


def test_less_than_an_hour_is_told_in_minutes() -> None:
    say = moments("fi").minutes_away
    assert say(NOW + timedelta(minutes=20, seconds=10)) == 20
    assert say(NOW + timedelta(seconds=5)) == 1
    assert say(NOW + timedelta(minutes=60)) is None
    assert say(NOW - timedelta(minutes=1)) is None


@given(
    when=st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1)),  # noqa: DTZ001 - hypothesis wants bounds without a zone
    lang=st.sampled_from(LANGUAGES),
)
def test_any_moment_has_words(when: datetime, lang: str) -> None:
    said = moments(lang).label(when.replace(tzinfo=UTC))
    assert said[0].isupper()
    assert "None" not in said
