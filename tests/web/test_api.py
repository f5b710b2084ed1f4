"""The JSON API: what stands in the catalogue for everybody, page by page; what is wrong is said."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from rooms.phases import Phase
from tests.web.conftest import Site


async def _get(site: Site, path: str, status: int = 200) -> dict[str, Any]:
    answer = await site.browser().get(path)
    assert answer.status == status, (path, await answer.text())
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Set-Cookie" not in answer.headers
    return dict(await answer.json())


async def _three(site: Site) -> None:
    await site.show("one", Phase.LIVE, starts_at=datetime(2030, 1, 1, tzinfo=UTC))
    await site.show("two", Phase.SCHEDULED, starts_at=datetime(2030, 1, 2, tzinfo=UTC))
    await site.show("three", Phase.SCHEDULED, starts_at=datetime(2030, 1, 3, tzinfo=UTC))


async def test_shows_come_page_by_page_by_their_start(site: Site) -> None:
    await _three(site)
    first = await _get(site, "/api/shows?size=2")
    assert [item["id"] for item in first["items"]] == ["one", "two"]
    assert (first["total"], first["page"], first["size"]) == (3, 1, 2)
    second = await _get(site, "/api/shows?size=2&page=2")
    assert [item["id"] for item in second["items"]] == ["three"]
    assert (await _get(site, "/api/shows?page=9000"))["items"] == []


FOUND = {
    "phase=live": ["one"],
    "organisation=turku": ["one", "two", "three"],
    "organisation=oulu": [],
    "q=VIULU": ["one", "two", "three"],
    "q=kontrabasso": [],
    "starts_from=2030-01-02T00:00:00Z": ["two", "three"],
    "starts_before=2030-01-02T00:00:00Z": ["one"],
}


async def test_what_is_asked_for_is_found(site: Site) -> None:
    await _three(site)
    for query, found in FOUND.items():
        items = (await _get(site, f"/api/shows?{query}"))["items"]
        assert [item["id"] for item in items] == found, query


WRONG = (
    "page=0",
    "size=-1",
    "page=0&size=-1",
    "size=101",
    "page=10001",
    "page=x",
    "page=",
    "page=1e3",
    "page=99999999999999999999",
    "page=1&page=2",
    "organisation=../../etc",
    "organisation=",
    "wrong=1",
    "q",
    "starts_from=0.5",
    "starts_from=2030-01-01T00:00",
)


@pytest.mark.parametrize("what", ["shows", "recordings"])
async def test_a_query_that_cannot_be_is_refused_in_words(site: Site, what: str) -> None:
    for query in WRONG:
        problem = await _get(site, f"/api/{what}?{query}", status=400)
        assert problem["code"] == "bad_query", query
        assert problem["detail"]


async def test_one_show_is_told_whole_and_a_draft_is_as_unknown_as_what_never_was(
    site: Site,
) -> None:
    await site.show("one", Phase.LIVE)
    await site.show("secret", Phase.DRAFT)
    one = await _get(site, "/api/shows/one")
    assert one["title"]["fi"] == "Viulu ja vanha piano"
    assert one["url"].endswith("/shows/one")
    assert one["recording_url"] is None
    assert [item["id"] for item in (await _get(site, "/api/shows"))["items"]] == ["one"]
    draft = await _get(site, "/api/shows/secret", status=404)
    assert draft == await _get(site, "/api/shows/nothing", status=404)
    await _get(site, "/api/recordings/nothing", status=404)


async def test_nothing_is_written_here(site: Site) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE"):
        answer = await site.browser()._ask(method, "/api/shows")
        assert answer.status == 405
        assert "GET" in answer.headers["Allow"]
        assert (await answer.json())["detail"]
