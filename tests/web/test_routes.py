"""The declaration of rights and the routes that stand: each has its rule, and answers by it."""

from __future__ import annotations

import asyncio

import pytest

from infra.errors import LampioError
from rooms.permissions import ROUTES, Reach, check
from rooms.phases import Phase, Role
from rooms.scope import Scope
from rooms.seats import Issued
from tests.evening.house import ORGANISATION
from tests.web.conftest import Site
from tests.web.test_whip import OFFER, post
from web.health import operations_app
from web.main import make_app


def passes(route: str, role: Role, phase: Phase) -> bool:
    try:
        check(route, role, phase)
    except LampioError:
        return False
    return True


async def test_every_route_has_a_rule_and_no_rule_lacks_its_route(site: Site) -> None:
    public = {route.name for route in make_app(site.parts).router.routes()}
    assert public == {name for name, rule in ROUTES.items() if rule.scope is not Reach.LOCAL}
    operations = operations_app(site.parts.metrics, site.parts.database, site.parts.carrier)
    local = {route.resource.canonical for route in operations.router.routes() if route.resource}
    assert local == {f"/{name}" for name, rule in ROUTES.items() if rule.scope is Reach.LOCAL}


async def ticket(site: Site, show: str, role: Role) -> Issued:
    if role is not Role.COMPANION:
        return await site.ticket(show, role)
    guest = await site.ticket(show, Role.GUEST)
    return await site.ticket(show, role, companion_of=guest.ticket)


async def _never(*_: object) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("phase", list(Phase))
async def test_who_enters_publishes_and_watches_when(
    site: Site, phase: Phase, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An ended show would be in the archive before everybody has knocked.
    monkeypatch.setattr(site.parts.archive, "run", _never)
    await site.show(phase=phase, doors_at=None)
    for role in Role:
        issued = await ticket(site, "show", role)
        browser = site.browser()
        answer = await browser.press(await browser.open(site.link(issued)))
        assert (answer.status == 200) is passes("enter", role, phase), (role, answer.status)

        viewing = await site.parts.seats.add_secret(Scope(ORGANISATION), issued.ticket, "viewing")
        code = (await (await post(site, "/whep/show", viewing, OFFER)).json())["code"]
        assert (code == "no_feed") is passes("whep", role, phase), (role, code)
    key = await site.parts.seats.add_secret(
        Scope(ORGANISATION), (await ticket(site, "show", Role.ARTIST)).ticket, "broadcast"
    )
    published = await post(site, "/whip/show", key, OFFER)
    assert published.status == (201 if passes("whip", Role.ARTIST, phase) else 409)
