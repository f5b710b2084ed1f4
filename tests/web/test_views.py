"""What pages say of a show: phase, price, time and aids, in the reader's language."""

from __future__ import annotations

from typing import Any

import pytest

from rooms.phases import Phase
from tests.web.programme_views import a_view, local


def spoken(text: str | None) -> str:
    return (text or "").replace("\u00a0", " ")


def test_a_show_speaks_the_readers_language_and_else_finnish() -> None:
    assert a_view(lang="sv").title == "Fiol och piano"
    assert a_view(lang="sv", title={"fi": "Vain suomeksi"}).title == "Vain suomeksi"


@pytest.mark.parametrize(
    ("phase", "lamp", "when"),
    [
        (Phase.SCHEDULED, None, "Tänään klo 14"),
        (Phase.REHEARSAL, None, "Tänään klo 14"),
        (Phase.DOORS, "Ovet ovat auki", "Tänään klo 14"),
        (Phase.LIVE, "Suora lähetys", "Esitys on alkanut"),
        (Phase.INTERVAL, "Väliaika", "Esitys on alkanut"),
        (Phase.ENDED, None, "Esitettiin tänään"),
        (Phase.ARCHIVED, None, "Esitettiin tänään"),
        (Phase.CANCELLED, None, "Tänään klo 14"),
    ],
)
def test_the_lamp_is_lit_only_while_something_goes_on(
    phase: Phase, lamp: str | None, when: str
) -> None:
    view = a_view(phase=phase)
    assert view.lamp == lamp
    assert spoken(view.when) == when


def test_a_show_within_the_hour_says_how_soon() -> None:
    assert a_view().soon == "noin 30 minuutin kuluttua"
    assert a_view(phase=Phase.LIVE).soon is None
    assert a_view(starts_at=local(2026, 11, 24, 18, 0)).soon is None


def test_a_start_that_is_past_is_not_promised_any_more() -> None:
    begin = local(2026, 11, 24, 13, 20)
    view = a_view(phase=Phase.DOORS, starts_at=begin)
    assert (view.when, view.starts_sentence) == ("Alkaa pian", "Esitys alkaa pian.")
    assert (
        a_view(lang="sv", phase=Phase.DOORS, starts_at=begin).starts_sentence
        == "Föreställningen börjar snart."
    )
    assert a_view(phase=Phase.LIVE, starts_at=begin).when.startswith("Alkoi")


def test_what_was_opened_on_another_day_than_planned_tells_no_day_that_contradicts() -> None:
    later = local(2026, 11, 29, 14, 0)
    doors = a_view(phase=Phase.DOORS, starts_at=later)
    assert (doors.when, doors.starts_line) == ("Alkaa pian", "Esitys alkaa pian.")
    early = local(2026, 11, 24, 18, 0)
    today = a_view(phase=Phase.DOORS, starts_at=early)
    assert spoken(today.starts_line) == "Esitys alkaa tänään klo 18."
    for begun in (later, early):
        live = a_view(phase=Phase.LIVE, starts_at=begun)
        assert (live.when, live.starts_line) == ("Esitys on alkanut", "Esitys on alkanut.")
    waiting = a_view(phase=Phase.SCHEDULED, starts_at=later)
    assert spoken(waiting.starts_line) == "Esitys alkaa sunnuntaina 29.11. klo 14."


@pytest.mark.parametrize(
    ("price", "line", "detail", "english"),
    [
        ({"kind": "free"}, "Maksuton", "", "Free"),
        ({"kind": "fixed", "cents": 500}, "5 €", "", "€5"),
        ({"kind": "fixed", "cents": 1250}, "12,50 €", "", "€12.50"),
        (
            {"kind": "pay_what_you_can", "floor_cents": 0, "suggested_cents": 800},
            "Valitsette hinnan itse", "Esimerkiksi 8 €", "You choose the price",
        ),
        (
            {"kind": "pay_what_you_can", "floor_cents": 300, "suggested_cents": 900},
            "Valitsette hinnan itse", "Vähintään 3 €", "You choose the price",
        ),
        (
            {"kind": "institution", "cents_per_head": 150, "minimum_cents": 1500},
            "1,50 € hengeltä, ryhmille", "Vähintään 15 € esitykseltä", "€1.50 a head, for groups",
        ),
    ],
)  # fmt: skip
def test_prices_are_told_in_words(
    price: dict[str, Any], line: str, detail: str, english: str
) -> None:
    view = a_view(price=price)
    assert spoken(view.price) == line
    assert spoken(view.price_detail) == detail
    assert a_view(price=price, lang="en").price == english


def test_an_aid_or_form_without_words_is_left_out_and_captions_are_not_promised() -> None:
    assert a_view().aids == ["Rauhallinen, ei yllättäviä ääniä"]
    assert a_view(art_form="juggling").form == "Esitys"


def test_the_interval_is_part_of_the_length() -> None:
    assert a_view().duration == "45 minuuttia"
    assert a_view(has_interval=True).duration == "45 minuuttia, välillä tauko"
    assert a_view(duration_min=1).duration == "1 minuutti"


def test_languages_are_named_in_the_readers_language() -> None:
    assert a_view(languages=("fi", "fse", "et")).languages == (
        "Suomi, suomalainen viittomakieli, viro"
    )
    assert a_view(languages=("fi", "sv"), lang="sv").languages == "Finska, svenska"


@pytest.mark.parametrize("policy", ["none", "ticket_holders", "after_look", "at_once"])
@pytest.mark.parametrize("lang", ["fi", "sv", "en"])
def test_every_recording_policy_has_a_sentence(policy: str, lang: str) -> None:
    assert a_view(recording_policy=policy, lang=lang).recording_line.endswith(".")


def test_machines_get_the_start_with_its_zone() -> None:
    view = a_view()
    assert view.starts_iso == "2026-11-24T14:00+02:00"
    assert view.ends_iso == "2026-11-24T14:45+02:00"


def test_the_city_is_said_with_its_own_inside_form() -> None:
    assert a_view().city_in == "Turussa"
    assert a_view(lang="sv").city_in == "i Åbo"
