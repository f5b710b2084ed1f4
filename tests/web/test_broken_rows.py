"""One row that cannot be read never takes the others along: snapshot, events, catalogue, presence."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import aiohttp
import pytest
from sqlalchemy import insert, text, update

from infra.broken import BROKEN
from infra.whose import HOUSE
from rooms.phases import Role
from rooms.tables import RoomEventRow, RoomRow
from tests.evening.house import ORGANISATION
from tests.web.conftest import Site
from tests.web.test_socket import Talker, talkers

NO_EVENTS = {
    "not JSON": "{not json",
    "no object": "[1,2]",
    "unknown type": '{"type":"curtain.raised","at":1}',
    "missing fields": '{"type":"line.written","line":7}',
    "a newer version": '{"type":"line.hidden","line":1,"by":"seat"}',
    "unknown phase": '{"type":"phase.changed","phase":"encore","epoch":9,"at":1}',
    "too large a number": '{"type":"phase.changed","phase":"ended","epoch":'
    + "9" * 40
    + ',"at":1}',
    "deep": "[" * 20_000,
}
REFERS_TO_NOTHING = (
    '{"type":"line.hidden","line":999}',
    '{"type":"help.handled","request":5,"seat":"nobody"}',
    '{"type":"company.answered","companion":"nobody","guest":"none","answer":"accepted"}',
    '{"type":"air.left","seat":"nobody"}',
)
SPELT_OTHERWISE = '{"at":"5","request":"7","type":"help.asked","seat":"nobody","name":"X"}'


async def spoil(site: Site, *bodies: str) -> None:
    """Rows at the end of the room's log, as an older or broken process may have left them."""
    async with site.parts.database.unit_of_work(HOUSE) as session:
        for body in bodies:
            moved = update(RoomRow).where(RoomRow.id == "show").values(seq=RoomRow.seq + 1)
            seq = await session.scalar(moved.returning(RoomRow.seq))
            row = {"room": "show", "seq": seq, "organisation": ORGANISATION, "fence": 0}
            await session.execute(insert(RoomEventRow).values(**row, body=body, at_ms=1))


async def fresh(talker: Talker, after: int | None = None) -> list[dict[str, Any]]:
    talker.heard.clear()
    assert (await talker.say("hello", after=after))["type"] == "ack"
    return talker.heard


def whole(heard: list[dict[str, Any]]) -> dict[str, Any]:
    return dict(next(m["state"] for m in heard if m["type"] == "snapshot"))


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rooms of other tests have the same names."""
    monkeypatch.setattr(BROKEN, "_told", set())
    monkeypatch.setattr(BROKEN, "_counts", Counter())


async def test_a_broken_event_is_left_out_and_the_evening_goes_on(site: Site) -> None:
    async with talkers(site, Role.GUEST, Role.HOST) as (guest, host):
        first = (await guest.write("line.write", text="Ennen"))["seq"]
        await spoil(site, *NO_EVENTS.values(), *REFERS_TO_NOTHING, SPELT_OTHERWISE)
        # the owner catches up, decides, stores; others follow over the broken rows
        assert (await guest.write("line.write", text="Jälkeen"))["type"] == "ack"
        line = await host.until(lambda m: m.get("event", {}).get("text") == "Jälkeen")
        assert line["seq"] == first + len(NO_EVENTS) + len(REFERS_TO_NOTHING) + 2
        asked = next(m for m in host.heard if m.get("event", {}).get("type") == "help.asked")
        assert (asked["event"]["at"], asked["event"]["request"]) == (5, 7)  # numbers, as we read it

        # who comes back by number gets what there is, who comes fresh the same state
        caught_up = await fresh(host, after=first)
        assert [m["event"].get("text") for m in caught_up if m["type"] == "event"][-1] == "Jälkeen"
        state = whole(await fresh(host))
        assert [line["text"] for line in state["lines"]] == ["Ennen", "Jälkeen"]
        assert (state["phase"], state["company"], state["on_air"]) == ("live", [], None)

        # a process that begins anew reads the same
        await site.parts.house.close_room("show")
        seq, again = await site.parts.house.whole("show")
        assert (seq, again.model_dump(mode="json")) == (line["seq"], state)
        assert (await host.write("phase.set", phase="ended"))["type"] == "ack"
        assert (await guest.event("phase.changed"))["phase"] == "ended"
    # each is counted once, by however many readers it was met
    assert BROKEN.counts()[("room_event",)] == len(NO_EVENTS)
    url = f"http://127.0.0.1:{site.running.ops_port}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert 'lampio_broken_rows_total{table="room_event"}' in await answer.text()


SPOILT: dict[str, tuple[str, str, str]] = {
    "title": ("show", "title", "{oops"),
    "title-empty": ("show", "title", "{}"),
    "title-number": ("show", "title", '{"fi": 5}'),
    "artists": ("show", "artists", '"Viena"'),
    "price": ("show", "price", '{"kind": "fixed"}'),
    "price-null": ("show", "price", "null"),
    "phase": ("room", "phase", '"encore"'),
    "starts": ("show", "starts_at_ms", "9" * 18),
}


@pytest.mark.one_database  # PostgreSQL takes no spoilt JSON
async def test_a_broken_show_hides_no_other(site: Site) -> None:
    await site.show("sound", title={"fi": "Terve esitys"})  # two languages are missing
    await site.show("odd", art_form="nobody_knows_it", accessibility=("telepathy",))
    for number, (name, (table, column, value)) in enumerate(SPOILT.items()):
        await site.show(f"spoilt-{number}", title={"fi": f"Rikki {name}"})
        value = value if table == "show" and column != "starts_at_ms" else value.strip('"')
        await set_by_hand(site, table, column, value, f"spoilt-{number}")
    browser = site.browser()
    for language in ("fi", "sv", "en"):
        page = await browser.get(f"/?lang={language}")
        told = await page.text()
        assert page.status == 200
        assert "Terve esitys" in told
        assert "Rikki" not in told
    assert (await browser.get("/shows/odd")).status == 200
    assert {(await browser.get(f"/shows/spoilt-{n}")).status for n in range(len(SPOILT))} == {404}
    seat = await browser.enter(site.link(await site.ticket("sound")))
    assert "Terve esitys" in await (await browser.get(f"/r/{seat}?lang=sv")).text()


@pytest.mark.one_database
async def test_a_broken_seat_order_or_time_stops_nobody(site: Site) -> None:
    async with talkers(site, Role.GUEST, Role.HOST) as (guest, host):
        for number, (column, value) in enumerate({"role": "king", "status": "dreaming"}.items()):
            broken = await site.ticket("show", name=f"Rikki {number}")
            await set_by_hand(site, "ticket", column, value, broken.ticket)
            assert (await site.browser().get(f"/t/{broken.secret}")).status == 404
        gone = await site.ticket("show", name="Lähtijä")
        async with site.parts.database.unit_of_work(HOUSE) as session:
            for statement in (
                "INSERT INTO due (room, what, ref, organisation, at_ms)"
                " VALUES ('show', 'fireworks', '', 'turku', 1)",
                "INSERT INTO room_order (id, organisation, room, body, placed_at_ms)"
                " VALUES ('o1', 'turku', 'show', '{\"type\":\"dance\"}', 1)",
                "INSERT INTO revocation (id, organisation, room, seat, reason, at_ms)"
                f" VALUES ('r1', 'turku', 'show', '{gone.seat}', 'whim', {2**50})",
                "INSERT INTO node (id, seen_at_ms) VALUES ('ghost', 9000000000000000)",
            ):
                await session.execute(text(statement))
        later = await site.ticket("show", name="Toivo")
        browser = site.browser()
        seat = await browser.enter(site.link(later))
        async with browser.socket(seat) as ws:
            await ws.send_json({"type": "hello", "id": 1})
            told = await host.until(lambda m: m["type"] == "presence" and m["heads"] == 2)
        assert {p["name"] for p in told["people"]} == {"P0", "P1", "Toivo", "Lähtijä"}
        async with asyncio.timeout(10):
            while await waiting(site):
                await asyncio.sleep(0.02)
        assert (await guest.write("line.write", text="Täällä"))["type"] == "ack"
        assert (await host.write("phase.set", phase="interval"))["type"] == "ack"


async def waiting(site: Site) -> int:
    """Orders and times that are not settled."""
    async with site.parts.database.reading(HOUSE) as session:
        query = "SELECT (SELECT count(*) FROM room_order WHERE done_at_ms IS NULL) + (SELECT count(*) FROM due)"
        return int(await session.scalar(text(query)) or 0)


async def set_by_hand(site: Site, table: str, column: str, value: str, row: str) -> None:
    async with site.parts.database.unit_of_work(HOUSE) as session:
        await session.execute(
            text(f"UPDATE {table} SET {column} = :value WHERE id = :id"),
            {"value": int(value) if value.isdecimal() else value, "id": row},
        )
