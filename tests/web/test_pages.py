"""The public pages, asked for as a browser does."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from rooms.phases import Phase
from tests.web.conftest import Browser, Site

PUBLIC = ("/", "/?when=recordings", "/?q=viulu", "/accessibility", "/privacy")


async def read(browser: Browser, path: str, status: int = 200) -> str:
    """The page's text as a reader sees it: spaces that do not break are spaces."""
    answer = await browser.get(path)
    assert answer.status == status, path
    return unescape(await answer.text()).replace("\u00a0", " ").replace("\u00ad", "")


def sections(page: str) -> dict[str, str]:
    return dict(re.findall(r'<section aria-labelledby="([\w-]+)">(.*?)</section>', page, re.DOTALL))


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize("lang", ["fi", "sv", "en"])
async def test_every_public_page_is_there_in_every_language(
    site: Site, path: str, lang: str
) -> None:
    await site.show("live-show")
    joint = "&" if "?" in path else "?"
    page = await read(site.browser(), f"{path}{joint}lang={lang}")
    assert f'<html lang="{lang}">' in page
    assert page.count("<h1") == 1
    assert not re.search(r"\{\w+\}", re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL))


async def test_the_programme_lists_shows_by_what_they_are_now(site: Site) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=2)
    await site.show("live-show", Phase.LIVE)
    await site.show("doors-show", Phase.DOORS)
    await site.show("coming-show", Phase.SCHEDULED, starts_at=tomorrow, doors_at=None)
    await site.show("draft-show", Phase.DRAFT)
    page = await read(site.browser(), "/?lang=fi")
    listed = sections(page)
    assert "/shows/live-show" in listed["in-hall"]
    assert "Suora lähetys" in listed["in-hall"]
    assert "/shows/doors-show" in listed["today"]
    assert "Ovet ovat auki" in listed["today"]
    assert "/shows/coming-show" in listed["coming"]
    assert "draft-show" not in page


async def test_a_search_works_without_scripts_and_keeps_what_was_asked(site: Site) -> None:
    await site.show("violin", title={"fi": "Viulu", "sv": "Fiol", "en": "Violin"})
    await site.show("tango", title={"fi": "Tango", "sv": "Tango", "en": "Tango"}, art_form="tango")
    browser = site.browser()
    page = await read(browser, "/?q=TANGO&city=turku")
    assert "/shows/tango" in page
    assert "/shows/violin" not in page
    assert 'value="TANGO"' in page
    assert '<option value="turku" selected>' in page
    assert "Löytyi 1 esitys." in page
    nothing = await read(browser, "/?q=<b>zzz")
    assert "<b>zzz" in nothing  # unescaped by the test; the page has it escaped
    assert "/shows/" not in nothing
    answer = await browser.get("/?q=<b>zzz")
    assert "<b>zzz" not in await answer.text()


@pytest.mark.parametrize(
    ("phase", "words", "not_words"),
    [
        (Phase.SCHEDULED, "Lippu käy yhdelle ruudulle.", "Suora lähetys"),
        (Phase.DOORS, "Ovet ovat auki", "Suora lähetys"),
        (Phase.LIVE, "Suora lähetys", "Esitys on päättynyt"),
        (Phase.INTERVAL, "Väliaika", "Esitys on päättynyt"),
        (Phase.ENDED, "Esitys on päättynyt. Kiitos", "Lippu käy yhdelle ruudulle."),
        (Phase.CANCELLED, "Tämä esitys on peruttu.", "Lippu käy yhdelle ruudulle."),
    ],
)
async def test_a_show_says_what_its_phase_asks(
    site: Site, phase: Phase, words: str, not_words: str
) -> None:
    await site.show("violin", phase)
    page = await read(site.browser(), "/shows/violin")
    assert words in page
    assert not_words not in page
    assert "Turun kaupunki" in page
    assert "Esimerkki" not in page


async def test_a_draft_is_as_unknown_as_what_never_was(site: Site) -> None:
    await site.show("draft-show", Phase.DRAFT)
    browser = site.browser()
    draft = await read(browser, "/shows/draft-show", 404)
    nothing = await read(browser, "/shows/nothing-at-all", 404)
    assert draft.replace("draft-show", "nothing-at-all") == nothing
    assert "Tätä sivua ei löytynyt" in draft
    assert "09 555 0100" in draft


async def test_search_engines_get_the_show_as_an_event(site: Site) -> None:
    await site.show("violin", title={"fi": "</script><b>", "sv": "x", "en": "x"})
    page = await (await site.browser().get("/shows/violin")).text()
    block = re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    assert block is not None
    event = json.loads(block[1])
    assert event["name"] == "</script><b>"
    assert event["location"]["url"] == f"{site.url}/shows/violin"
    assert event["performer"] == [{"@type": "PerformingGroup", "name": "Viena Vesiputous"}]


async def test_a_recording_nobody_made_is_unknown(site: Site) -> None:
    browser = site.browser()
    page = await read(browser, "/recordings/none", 404)
    assert "Tätä sivua ei löytynyt" in page
    assert page == (await read(browser, "/shows/none", 404)).replace("/shows/", "/recordings/")


async def test_pages_carry_the_houses_policy_and_are_not_kept(site: Site) -> None:
    answer = await site.browser().get("/")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


async def test_the_accessibility_statement_names_gaps_feedback_and_authority(site: Site) -> None:
    page = await read(site.browser(), "/accessibility?lang=fi")
    for words in ("306/2019", "WCAG 2.2", "Mikä ei vielä toimi", "Kertokaa meille", "Traficom"):
        assert words in page


async def test_the_privacy_notice_tells_what_is_kept_and_how_long(site: Site) -> None:
    page = await read(site.browser(), "/privacy?lang=fi")
    for words in (
        "30 päivää",
        "14 päivää",
        "Kaksi vuotta",
        "rekisterinpitäjä",
        "tietosuojavaltuutetun",
    ):
        assert words in page
