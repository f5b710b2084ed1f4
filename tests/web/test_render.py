"""From template to response: choices kept, static addresses marked, data safe in a page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from infra.clock import ManualClock
from infra.errors import Unknown
from tests.web.programme_views import NOW
from web.render import TEXT_STEPS, Assets, render, script_json, setup_render, tel


@pytest.fixture
def app() -> web.Application:
    app = web.Application()
    setup_render(app, phone="09 555 0100", clock=ManualClock(NOW))
    return app


def page(app: web.Application, path: str = "/x", **headers: str) -> web.Response:
    request = make_mocked_request("GET", path, headers=headers, app=app)
    return render(request, "error.html", status=404, error=Unknown(sentence="err_not_found"))


def html(response: web.Response) -> str:
    assert response.text is not None
    return response.text


def test_a_page_says_its_language_and_offers_the_others_in_their_own(app: web.Application) -> None:
    text = html(page(app, "/x?q=1", Cookie="lang=sv"))
    assert '<html lang="sv">' in text
    assert '<a class="link" href="?q=1&amp;lang=fi" lang="fi" hreflang="fi"><span>Suomi' in text
    assert '<a class="link" href="?q=1&amp;lang=en" lang="en" hreflang="en"><span>English' in text
    assert page(app, Cookie="lang=sv").headers["Content-Language"] == "sv"


def test_choosing_a_language_is_remembered(app: web.Application) -> None:
    kept = page(app, "/x?lang=en").cookies["lang"]
    assert (kept.value, kept["samesite"], kept["path"]) == ("en", "Lax", "/")
    assert not page(app, "/x").cookies
    assert not page(app, "/x?lang=klingon").cookies


def test_text_size_is_remembered_and_grows_in_steps(app: web.Application) -> None:
    step = 100
    for wanted in (125, 150, 200, 100):
        text = html(page(app, Cookie=f"text={step}"))
        assert f'name="text" value="{wanted}"' in text
        answer = page(app, f"/x?text={wanted}")
        assert answer.cookies["text"].value == str(wanted)
        step = wanted
    assert 'data-text="200"' in html(page(app, Cookie="text=200"))
    assert '<html lang="fi">' in html(page(app, Cookie='text=200"onload'))
    assert TEXT_STEPS[0] == 100


def test_help_by_phone_is_on_every_page(app: web.Application) -> None:
    text = html(page(app))
    assert '<a class="phone" href="tel:095550100">' in text
    assert "09\u00a0555\u00a00100" in text
    assert tel("+358 9 555 0100") == "+35895550100"


def test_papers_are_one_tap_away(app: web.Application) -> None:
    text = html(page(app))
    assert 'href="/accessibility"' in text
    assert 'href="/privacy"' in text


def test_nothing_of_others_is_loaded_and_nothing_is_inline(app: web.Application) -> None:
    text = html(page(app))
    for address in re.findall(r'(?:src|href)="([^"]+)"', text):
        assert address.startswith(("/", "?", "#", "tel:")), address
    assert not re.search(r"\sstyle=|\son\w+=|<style|javascript:", text)
    assert re.findall(r"<script(?![^>]*\ssrc=)[^>]*>", text) == []


@given(
    st.recursive(st.text() | st.none() | st.integers(), lambda inner: st.lists(inner, max_size=3))
)
def test_data_in_a_page_comes_back_as_it_was_and_never_ends_its_element(data: object) -> None:
    text = script_json(data)
    assert not re.search(r"[<>&\u2028\u2029]", text)
    assert json.loads(text) == data


def test_a_static_address_changes_with_the_content(tmp_path: Path) -> None:
    file = tmp_path / "a.css"
    file.write_text("a{}")
    assets = Assets(tmp_path)
    first = assets.address("a.css")
    assert re.fullmatch(r"/static/a\.css\?v=[0-9a-f]{10}", first)
    assert assets.address("a.css") == first
    file.write_text("a{color:red}")
    other = Assets(tmp_path).address("a.css")
    assert other != first
    assert assets.address("missing.css") == "/static/missing.css"
