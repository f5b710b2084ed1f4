"""What a browser holds: signed, several links side by side, nobody admitted by it."""

from __future__ import annotations

from http.cookies import SimpleCookie
from types import SimpleNamespace
from typing import cast

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from web.cookies import LINK_LIFE_S, MOST_LINKS, Cookies

NOW = 1_000_000.0


def request(jar: dict[str, str]) -> web.Request:
    header = "; ".join(f"{name}={value}" for name, value in jar.items())
    if "\udcff" in header:  # bytes that are no text, as aiohttp's parser hands them on
        return cast(web.Request, SimpleNamespace(cookies=jar))
    return make_mocked_request("GET", "/", headers={"Cookie": header})


def kept(response: web.Response, jar: dict[str, str]) -> None:
    """What a browser does with the answer's cookies."""
    for name, morsel in response.cookies.items():
        if morsel["max-age"] == 0 or morsel.value == "":
            jar.pop(name, None)
        else:
            jar[name] = morsel.value


@pytest.fixture
def cookies() -> Cookies:
    return Cookies([b"k" * 32], secure=False)


def opened(cookies: Cookies, jar: dict[str, str], seat: str, now: float = NOW) -> None:
    response = web.Response()
    cookies.add_link(request(jar), response, seat, "d1", now)
    kept(response, jar)


def test_links_opened_at_the_same_moment_do_not_overwrite_each_other(cookies: Cookies) -> None:
    jar: dict[str, str] = {}
    for seat in ("a1", "b2", "c3", "d4", "e5"):
        response = web.Response()
        cookies.add_link(request({}), response, seat, "d1", NOW)  # each tab saw no cookie yet
        kept(response, jar)
    assert all(cookies.opened(request(jar), seat, NOW) for seat in ("a1", "b2", "c3", "d4", "e5"))
    assert cookies.device(request(jar)) is not None


def test_a_second_link_keeps_the_device(cookies: Cookies) -> None:
    jar: dict[str, str] = {}
    opened(cookies, jar, "a1")
    device = cookies.device(request(jar))
    opened(cookies, jar, "b2")
    assert cookies.device(request(jar)) == device


def test_two_that_open_one_link_with_the_same_cookies_can_be_told_apart(cookies: Cookies) -> None:
    one: dict[str, str] = {}
    opened(cookies, one, "a1")
    other = dict(one)
    assert cookies.browser(request(other)) == cookies.browser(request(dict(reversed(one.items()))))
    opened(cookies, other, "a1")
    assert cookies.browser(request(other)) != cookies.browser(request(one))
    added = cookies.browser(request({**one, "lampio_link_b2": "x.y", "another": "1"}))
    assert added == cookies.browser(request(one))  # what we did not make says nothing


def test_an_opened_link_is_forgotten_after_its_life(cookies: Cookies) -> None:
    jar: dict[str, str] = {}
    opened(cookies, jar, "a1")
    assert cookies.opened(request(jar), "a1", NOW + LINK_LIFE_S - 1)
    assert not cookies.opened(request(jar), "a1", NOW + LINK_LIFE_S + 1)


def test_links_of_one_browser_are_bounded(cookies: Cookies) -> None:
    jar: dict[str, str] = {}
    for number in range(MOST_LINKS * 3):
        opened(cookies, jar, f"seat{number}")
    assert len(jar) <= MOST_LINKS + 2


@pytest.mark.parametrize("name", ["lampio_link_a[1]", "lampio_link_\udcff", "lampio_link_ä"])
def test_names_that_we_did_not_make_are_left_alone(cookies: Cookies, name: str) -> None:
    jar = {f"{name}{number}": "1.2" for number in range(MOST_LINKS + 3)}
    opened(cookies, jar, "a1")
    assert cookies.opened(request(jar), "a1", NOW)


@pytest.mark.parametrize(
    "forge",
    [
        lambda value: value[:-1] + ("0" if value[-1] != "0" else "1"),
        lambda value: "9" + value,
        lambda value: value.split(".")[0],
        lambda value: "",
        lambda value: "." + value.split(".")[1],
        lambda value: "ä" * 40 + "." + "ö" * 64,
        lambda value: value.split(".")[0] + ".\udcff",
        lambda value: "\udcff." + value.split(".")[1],
    ],
)
def test_a_value_we_did_not_make_counts_as_none(cookies: Cookies, forge) -> None:  # type: ignore[no-untyped-def]  # a lambda
    jar: dict[str, str] = {}
    opened(cookies, jar, "a1")
    forged = {name: forge(value) for name, value in jar.items()}
    assert cookies.device(request(forged)) is None
    assert not cookies.opened(request(forged), "a1", NOW)


def test_one_cookies_value_is_no_others(cookies: Cookies) -> None:
    jar: dict[str, str] = {}
    opened(cookies, jar, "a1")
    swapped = {"lampio_link_b2": jar["lampio_link_a1"]}
    assert not cookies.opened(request(swapped), "b2", NOW)


def test_a_former_key_still_reads_and_the_first_one_signs() -> None:
    jar: dict[str, str] = {}
    opened(Cookies([b"old" * 11], secure=False), jar, "a1")
    both = Cookies([b"new" * 11, b"old" * 11], secure=False)
    assert both.opened(request(jar), "a1", NOW)
    assert not Cookies([b"new" * 11], secure=False).opened(request(jar), "a1", NOW)


def test_over_https_cookies_are_bound_to_the_host_and_hidden_from_scripts() -> None:
    response = web.Response()
    Cookies([b"k" * 32], secure=True).add_link(request({}), response, "a1", "d1", NOW)
    assert response.cookies
    for name, morsel in SimpleCookie(response.cookies.output(header="")).items():
        assert name.startswith("__Host-")
        assert morsel["secure"] and morsel["httponly"] and morsel["samesite"] == "Lax"
        assert morsel["path"] == "/" and not morsel["domain"]


def test_what_a_sibling_host_can_set_is_not_read_over_https() -> None:
    open_cookies, secure = Cookies([b"k" * 32], secure=False), Cookies([b"k" * 32], secure=True)
    jar: dict[str, str] = {}
    opened(open_cookies, jar, "a1")  # signed by us, and yet planted under a name without the prefix
    assert secure.device(request(jar)) is None
    assert secure.opened(request(jar), "a1", NOW) is None
