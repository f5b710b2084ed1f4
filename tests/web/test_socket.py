"""The room's socket: who may say what, what each is told, and that bad input harms nobody."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from rooms.phases import Phase, Role
from rooms.seats import Issued
from tests.web.conftest import Site

Message = dict[str, Any]


@dataclass
class Talker:
    """A participant's socket, with all that came so far."""

    ws: aiohttp.ClientWebSocketResponse
    seat: str
    number: int = 1
    heard: list[Message] = field(default_factory=list)

    async def say(self, kind: str, **fields: Any) -> Message:
        """Send a command and wait for its reply (ack, error, offer)."""
        self.number += 1
        await self.ws.send_json({"type": kind, "id": self.number, **fields})
        return await self.until(lambda m: m.get("id") == self.number)

    async def write(self, kind: str, **fields: Any) -> Message:
        """As `say`, for commands that write."""
        return await self.say(kind, key=f"key-{self.seat}-{self.number}"[:64], **fields)

    async def until(self, what: Any, within_s: float = 15) -> Message:
        """The next message that `what` accepts."""
        async with asyncio.timeout(within_s):
            while True:
                message: Message = await self.ws.receive_json()
                self.heard.append(message)
                if what(message):
                    return message

    async def event(self, kind: str) -> Message:
        """The next event of this kind."""
        found = await self.until(lambda m: m["type"] == "event" and m["event"]["type"] == kind)
        return dict(found["event"])

    async def quiet(self, for_s: float = 0.3) -> list[Message]:
        """What comes within a while."""
        came = []
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(for_s):
                while True:
                    came.append(await self.ws.receive_json())
        return came


@asynccontextmanager
async def talkers(
    site: Site, *roles: Role, phase: Phase = Phase.LIVE
) -> AsyncIterator[list[Talker]]:
    """Participants of one show, each in a browser of their own; a companion is the first guest's."""
    await site.show(phase=phase)
    guest: Issued | None = None
    async with AsyncExitStack() as stack:
        made = []
        for number, role in enumerate(roles):
            of = guest.ticket if role is Role.COMPANION and guest else None
            issued = await site.ticket("show", role, name=f"P{number}", companion_of=of)
            guest = guest or (issued if role is Role.GUEST else None)
            browser = site.browser()
            seat = await browser.enter(site.link(issued))
            ws = await stack.enter_async_context(browser.socket(seat))
            talker = Talker(ws, seat)
            await ws.send_json({"type": "hello", "id": 1})
            await talker.until(lambda m: m["type"] == "ack" and m["id"] == 1)
            made.append(talker)
        yield made


async def test_a_line_reaches_guest_and_host_with_its_number(site: Site) -> None:
    async with talkers(site, Role.GUEST, Role.HOST) as (guest, host):
        reply = await guest.write("line.write", text="Kaunista!")
        assert reply["type"] == "ack"
        line = await host.event("line.written")
        assert (line["text"], line["seat"], line["role"]) == ("Kaunista!", guest.seat, "guest")
        assert (await guest.event("line.written"))["line"] == line["line"]


async def test_the_same_key_again_writes_nothing_twice(site: Site) -> None:
    async with talkers(site, Role.GUEST, Role.HOST) as (guest, host):
        first = await guest.say("line.write", key="the-same-key", text="Kerran")
        again = await guest.say("line.write", key="the-same-key", text="Kerran")
        assert first["seq"] == again["seq"]
        await host.event("line.written")
        assert not [m for m in await host.quiet() if m["type"] == "event"]


async def test_a_hidden_line_is_gone_for_everybody_and_from_the_history(site: Site) -> None:
    async with talkers(site, Role.GUEST, Role.HOST) as (guest, host):
        await guest.write("line.write", text="Tämä piilotetaan")
        line = await host.event("line.written")
        await host.write("line.hide", line=line["line"])
        assert (await guest.event("line.hidden"))["line"] == line["line"]
        fresh = await guest.say("hello", after=None)
        assert fresh["type"] == "ack"
        snapshot = next(m for m in guest.heard if m["type"] == "snapshot" and m["seq"] > 1)
        assert "piilotetaan" not in json.dumps(snapshot)


async def test_what_was_missed_is_told_by_number(site: Site) -> None:
    async with talkers(site, Role.GUEST, Role.HOST) as (guest, host):
        for text in ("yksi", "kaksi", "kolme"):
            await guest.write("line.write", text=text)
        first = await host.until(lambda m: m["type"] == "event")
        await host.until(lambda m: m["type"] == "event" and m["event"]["text"] == "kolme")
        host.heard.clear()
        await host.say("hello", after=first["seq"])
        texts = [m["event"]["text"] for m in host.heard if m["type"] == "event"]
        assert texts == ["kaksi", "kolme"]
        assert not [m for m in host.heard if m["type"] == "snapshot"]


async def test_a_companion_without_a_yes_hears_nothing_of_the_room(site: Site) -> None:
    async with talkers(site, Role.GUEST, Role.COMPANION) as (guest, companion):
        assert [m["type"] for m in companion.heard] == ["waiting", "ack"]
        await guest.write("line.write", text="Salaisuus")
        assert await companion.quiet() == []
        refused = await companion.say("media.view")
        assert (refused["type"], refused["status"]) == ("error", 403)
        refused = await companion.say("applaud", claps=1)
        assert (refused["type"], refused["status"]) == ("error", 403)


async def test_company_begins_by_a_yes_and_ends_within_a_second(site: Site) -> None:
    async with talkers(site, Role.GUEST, Role.COMPANION) as (guest, companion):
        await companion.write("company.ask")
        asked = await guest.event("company.asked")
        await guest.write("company.answer", companion=asked["companion"], yes=True)
        snapshot = await companion.until(lambda m: m["type"] == "snapshot")
        assert snapshot["state"]["company"][0]["state"] == "accepted"
        offer = await companion.say("media.view")
        assert offer["type"] == "media.offer"
        await guest.write("company.end", companion=companion.seat)
        ended = await companion.until(
            lambda m: m["type"] == "waiting", within_s=2
        )  # twice the figure: machines are noisy
        assert ended["state"] == "ended"
        await guest.write("line.write", text="Yksin taas")
        assert not [m for m in await companion.quiet() if m["type"] in ("event", "snapshot")]
        sessions = site.parts.relay.grants(site.parts.hubs.known("show").room)  # type: ignore[union-attr,arg-type]  # the hub stands
        assert companion.seat not in {grant.seat for grant in sessions}


async def test_after_not_now_the_companion_cannot_ask_again(site: Site) -> None:
    async with talkers(site, Role.GUEST, Role.COMPANION) as (guest, companion):
        await companion.write("company.ask")
        await guest.event("company.asked")
        await guest.write("company.answer", companion=companion.seat, yes=False)
        await companion.until(lambda m: m["type"] == "waiting" and m["state"] == "declined")
        again = await companion.write("company.ask")
        assert again["type"] == "error"


async def test_one_guest_cannot_answer_for_another(site: Site) -> None:
    async with talkers(site, Role.GUEST, Role.COMPANION, Role.GUEST) as (guest, companion, other):
        await companion.write("company.ask")
        await guest.event("company.asked")
        refused = await other.write("company.answer", companion=companion.seat, yes=True)
        assert refused["type"] == "error"
        assert not [m for m in other.heard if "company" in json.dumps(m.get("event", {}))]


async def test_help_is_seen_by_the_host_and_the_asker_alone(site: Site) -> None:
    async with talkers(site, Role.GUEST, Role.HOST, Role.GUEST) as (guest, host, other):
        await guest.write("help.ask")
        asked = await host.event("help.asked")
        assert asked["seat"] == guest.seat
        await host.write("help.handle", request=asked["request"])
        await guest.event("help.handled")
        assert not [m for m in await other.quiet() if m["type"] == "event"]


async def test_a_removed_guest_is_out_and_cannot_come_back_on_that_ticket(site: Site) -> None:
    async with talkers(site, Role.GUEST, Role.HOST) as (guest, host):
        await guest.say("media.view")
        await host.write("seat.remove", seat=guest.seat)
        bye = await guest.until(
            lambda m: m["type"] == "bye", within_s=2
        )  # twice the figure: machines are noisy
        assert bye["reason"] == "removed"
        assert (await guest.ws.receive(timeout=2)).type in (
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSMsgType.CLOSED,
        )
    seat = await site.parts.seats.seat(guest.seat)
    assert seat.status == "removed"


@pytest.mark.parametrize(("role", "stays"), [(Role.GUEST, False), (Role.HOST, True)])
async def test_a_seat_in_the_hall_has_one_window_at_a_time(
    site: Site, role: Role, stays: bool
) -> None:
    await site.show()
    issued = await site.ticket("show", role, name="Aune")
    browser = site.browser()
    seat = await browser.enter(site.link(issued))
    async with browser.socket(seat) as first, browser.socket(seat) as second:
        talkers = [Talker(first, seat), Talker(second, seat)]
        for talker in talkers:
            await talker.ws.send_json({"type": "hello", "id": 1})
            await talker.until(lambda m: m["type"] == "ack" and m["id"] == 1)
        if not stays:
            bye = await talkers[0].until(
                lambda m: m["type"] == "bye", within_s=2
            )  # twice the figure: machines are noisy
            assert (bye["reason"], bye["back_ms"]) == ("moved", None)
        for talker in talkers if stays else talkers[1:]:
            assert (await talker.say("hello"))["type"] == "ack"


async def test_applause_is_gathered_to_at_most_one_message_a_second(site: Site) -> None:
    async with talkers(site, Role.GUEST, Role.GUEST, Role.HOST) as (one, two, host):
        for _ in range(10):
            await one.say("applaud", claps=2)
            await two.say("applaud", claps=1)
        told = await host.until(lambda m: m["type"] == "applause")
        assert told["seats"] >= 1
        came = [m for m in await host.quiet(1.5) if m["type"] == "applause"]
        assert len(came) <= 2
        assert told["claps"] + sum(m["claps"] for m in came) == 30


async def test_hosts_see_who_is_here_and_guests_only_how_many(site: Site) -> None:
    async with talkers(site, Role.HOST, Role.GUEST) as (host, guest):
        told = await host.until(lambda m: m["type"] == "presence" and m["heads"] == 1)
        assert {p["name"]: p["here"] for p in told["people"]} == {"P0": True, "P1": True}
        for_guest = next(
            m for m in [*guest.heard, *await guest.quiet(1.5)] if m["type"] == "presence"
        )
        assert for_guest["people"] is None


BAD = [
    "not json",
    "[]",
    "null",
    '"text"',
    "{}",
    '{"type":"no.such","id":1}',
    '{"type":"hello"}',
    '{"type":"hello","id":-1}',
    '{"type":"line.write","id":5,"key":"12345678","text":"x","role":"host"}',
    '{"type":"line.write","id":5,"key":"12345678","text":"x","seat":"other"}',
    '{"type":"line.write","id":5,"key":"12345678","text":""}',
    '{"type":"line.write","id":5,"key":"12345678","text":"' + "x" * 1001 + '"}',
    "[" * 5000 + "]" * 5000,
    '{"a":' * 5000 + "1" + "}" * 5000,
]


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
async def test_a_bad_message_gets_an_error_and_the_socket_lives_on(site: Site, text: str) -> None:
    async with talkers(site, Role.GUEST) as (guest,):
        await guest.ws.send_str(text)
        error = await guest.until(lambda m: m["type"] == "error")
        assert error["status"] in (400, 403)
        assert (await guest.write("line.write", text="Yhä täällä"))["type"] == "ack"


async def test_what_is_beyond_the_role_is_refused(site: Site) -> None:
    async with talkers(site, Role.GUEST, Role.GUEST) as (guest, other):
        for kind, fields in (
            ("phase.set", {"phase": "ended"}),
            ("seat.remove", {"seat": other.seat}),
            ("line.hide", {"line": 1}),
            ("air.take", {}),
        ):
            refused = await guest.write(kind, **fields)
            assert (refused["type"], refused["status"]) == ("error", 403)
        assert (await guest.say("media.publish", sdp="v=0"))["status"] == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
async def test_a_foreign_page_gets_no_socket(site: Site, origin: str) -> None:
    await site.show()
    browser = site.browser()
    seat = await browser.enter(site.link(await site.ticket("show")))
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with browser.socket(seat, Origin=origin):
            pass
    assert refused.value.status == 403


async def test_an_oversized_message_ends_only_its_own_socket(site: Site) -> None:
    async with talkers(site, Role.GUEST, Role.GUEST) as (guest, other):
        await guest.ws.send_str("x" * 70_000)
        async with asyncio.timeout(3):
            async for message in guest.ws:
                assert message.type is aiohttp.WSMsgType.TEXT
        assert guest.ws.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
        assert (await other.write("line.write", text="Täällä"))["type"] == "ack"


async def test_a_flood_of_messages_is_refused_in_words(site: Site) -> None:
    async with talkers(site, Role.GUEST) as (guest,):
        for number in range(150):
            await guest.ws.send_json({"type": "applaud", "id": 1000 + number, "claps": 1})
        error = await guest.until(lambda m: m["type"] == "error")
        assert (error["code"], error["status"]) == ("too_many_messages", 429)


async def test_nobody_writes_a_rooms_history_away(site: Site) -> None:
    async with talkers(site, Role.GUEST) as (guest,):
        replies = [await guest.write("line.write", text=f"{n}") for n in range(45)]
        assert [r["type"] for r in replies[:40]] == ["ack"] * 40
        assert {r.get("code") for r in replies[40:]} == {"too_many_messages"}


async def test_anothers_media_session_cannot_be_touched(site: Site) -> None:
    async with talkers(site, Role.GUEST, Role.GUEST) as (guest, other):
        offer = await guest.say("media.view")
        refused = await other.say("media.stop", session=offer["session"])
        assert (refused["type"], refused["status"]) == ("error", 404)
        assert (await guest.say("media.stop", session=offer["session"]))["type"] == "ack"
