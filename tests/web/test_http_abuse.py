"""Paths, methods and kinds of body that no page of ours sends: each gets its answer, none an error of ours."""

from __future__ import annotations

import asyncio

import pytest
from yarl import URL

from rooms.phases import Phase, Role
from tests.web.conftest import Browser, Site
from web.main import make_app

CLIMBS = (
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%5c..%5cetc%5cpasswd",
    "....//....//etc/passwd",
    "%252e%252e%252fetc%252fpasswd",
    "%00",
    "a%00.js",
    "%c0%ae%c0%ae%c0%af",
    "%ff%fe",
    "%0d%0aSet-Cookie:%20x=1",
    "lampio.sqlite3",
    "a" * 3000,
    "\u202e%F0%9F%8E%BB",
    "'%20OR%201=1--",
    "%7B%7B7*7%7D%7D",
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
KINDS = (
    ("", b"{}"),
    ("text/plain", b'{"move": true}'),
    ("application/x-www-form-urlencoded", b"move=true"),
    ("multipart/form-data; boundary=x", b"--x\r\n\r\n1\r\n--x--"),
    ("application/json", b"\xff\xfe{}"),
    ("application/json; charset=utf-16", b'{"move": true}'),
    ("application/json; charset=nonsense", b"{}"),
    ("application/json", b"[" * 50_000),
    ("application/json", b'{"move": NaN}'),
    ("application/json", b'{"move": "yes", "as": "host"}'),
    ("application/json", b"null"),
    ("application/sdp", b""),
    ("application/trickle-ice-sdpfrag", b"a=ice-ufrag:x"),
)


def _paths(site: Site) -> list[str]:
    """Each route's pattern that has something to fill in."""
    resources = make_app(site.parts).router.resources()
    return sorted({r.canonical for r in resources if "{" in r.canonical})


def _filled(pattern: str, what: str) -> list[str]:
    """The pattern with this in each of its places in turn, something harmless in the others."""
    parts = pattern.split("/")
    places = [i for i, part in enumerate(parts) if part.startswith("{")]
    return [
        "/".join(
            what if i == place else "show" if i in places else part for i, part in enumerate(parts)
        )
        for place in places
    ]


async def _harmless(browser: Browser, method: str, path: str, **other: object) -> None:
    url = URL(browser.url + path, encoded=True)
    headers = {"Accept": "text/html", **(other.pop("headers", None) or {})}  # type: ignore[dict-item]  # a dict of texts
    async with browser.session.request(
        method,
        url,
        headers=headers,
        allow_redirects=False,
        **other,  # type: ignore[arg-type]  # a body
    ) as answer:
        said = await answer.read()
        assert answer.status < 500, (method, path[:80], answer.status)
        assert b"root:" not in said
        assert b"SQLite format" not in said
        assert "x" not in answer.cookies
        assert "Content-Security-Policy" in answer.headers or answer.status == 400


@pytest.mark.one_database  # paths are read before any row
@pytest.mark.timeout(120)
async def test_no_path_climbs_out_or_breaks_the_server(site: Site) -> None:
    await site.show()
    browser = site.browser()
    for pattern in _paths(site):
        for climb in CLIMBS:
            for path in _filled(pattern, climb):
                await _harmless(browser, "GET", path)


@pytest.mark.one_database  # methods are read before any row
async def test_every_method_on_every_route_has_an_answer(site: Site) -> None:
    await site.show()
    browser = site.browser()
    patterns = {r.canonical for r in make_app(site.parts).router.resources()}
    for pattern in sorted(patterns):
        path = (_filled(pattern, "show") or [pattern])[0]
        for method in METHODS:
            await _harmless(browser, method, path)


@pytest.mark.one_database  # bodies are read before any row
async def test_a_body_of_another_kind_is_refused_in_words(site: Site) -> None:
    await site.show(phase=Phase.LIVE)
    browser = site.browser()
    seat = await browser.open(site.link(await site.ticket("show", Role.GUEST)))
    for kind, body in KINDS:
        for path in (f"/r/{seat}/enter", "/whip/show", "/whep/show"):
            answer = await browser.post(
                path,
                data=body,
                headers={"Content-Type": kind, "Accept": "*/*", "Authorization": "Bearer nobody"},
            )
            assert answer.status < 500, (path, kind, body[:40], answer.status)
            if answer.status >= 400:
                assert (await answer.json())["detail"], (path, kind)
    assert (await browser.press(seat)).status == 200


@pytest.mark.one_database  # one connection of TCP
async def test_what_is_no_http_gets_one_answer_and_others_go_on(site: Site) -> None:
    for said in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # a TLS hello
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nX\x00: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X-Long: " + b"a" * 20_000 + b"\r\n\r\n",
        b"POST /leave HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /leave HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ):
        reader, writer = await asyncio.open_connection("localhost", site.running.port)
        writer.write(said)
        answer = b""
        try:
            async with asyncio.timeout(5):
                answer = await reader.readline()
        except (ConnectionError, TimeoutError):
            pass
        finally:
            writer.close()
        assert b" 500 " not in answer, said[:60]
        assert answer == b"" or answer.split()[1].startswith(b"4"), (said[:60], answer)
    assert (await site.browser().get("/healthz")).status == 200
