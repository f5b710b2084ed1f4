"""Which language a reader gets, and how words are found."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from web.language import LANGUAGES, accepted, language_of, read_words

HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n\n'


def chosen(path: str = "/", **headers: str) -> str:
    return language_of(make_mocked_request("GET", path, headers=headers))


def test_the_address_wins_over_cookie_and_browser() -> None:
    assert chosen("/?lang=en", Cookie="lang=sv", **{"Accept-Language": "fi"}) == "en"


def test_what_was_chosen_before_wins_over_the_browser() -> None:
    assert chosen(Cookie="lang=sv", **{"Accept-Language": "en"}) == "sv"


def test_the_browser_is_asked_next_and_finnish_is_the_house_language() -> None:
    assert chosen(**{"Accept-Language": "de, sv-FI;q=0.8, en;q=0.5"}) == "sv"
    assert chosen() == "fi"
    assert chosen("/?lang=xx", Cookie="lang=../../etc") == "fi"


def test_a_language_that_is_not_wanted_is_not_given() -> None:
    assert accepted("en;q=0, sv;q=0.1") == "sv"
    assert accepted("de, fr") is None


@given(st.text())
def test_any_header_is_understood_or_ignored(header: str) -> None:
    assert accepted(header) in (None, *LANGUAGES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "fi").mkdir()
    (tmp_path / "fi" / "one.po").write_text(
        HEAD + 'msgid "here"\nmsgstr "{name} on mukana."\n\nmsgid "empty"\nmsgstr ""\n\n'
        'msgid "guests"\nmsgid_plural "guests"\nmsgstr[0] "1 vieras"\nmsgstr[1] "{n} vierasta"\n'
    )
    (tmp_path / "fi" / "two.po").write_text(HEAD + 'msgid "other"\nmsgstr "Toinen"\n')
    return tmp_path


def test_all_catalogues_of_a_language_are_one(folder: Path) -> None:
    words = read_words("fi", folder)
    assert words.text("other") == "Toinen"
    assert words.text("here", name="Liisa") == "Liisa on mukana."
    assert words.plural("guests", 1) == "1 vieras"
    assert words.plural("guests", 42) == "42 vierasta"


def test_a_field_nobody_gave_does_not_break_the_page(folder: Path) -> None:
    words = read_words("fi", folder)
    assert words.text("here", other="x") == "{name} on mukana."
    assert words.text("no_such_key") == "no_such_key"


def test_a_browser_module_gets_whole_catalogues_with_both_plural_forms(folder: Path) -> None:
    texts = read_words("fi", folder).texts("one")
    assert texts == {
        "guests": {"one": "1 vieras", "other": "{n} vierasta"},
        "here": "{name} on mukana.",
    }
