"""Messages that no page sends: refused in words, nothing is changed, the socket lives on."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from infra.errors import LampioError
from rooms import chat
from rooms.hosting import enter
from rooms.permissions import MESSAGES, check
from rooms.phases import Phase, Role
from rooms.scope import Scope
from rooms.shows import Organisation
from streaming.ports import May, RoomId
from tests.web.conftest import Site
from tests.web.test_socket import Talker, talkers
from web.language import words

pytestmark = pytest.mark.one_database  # nothing of it is about the database

KEY = '"key":"12345678"'
LINE = '{"type":"line.write","id":5,' + KEY + ',"text":"x"'

REFUSED: dict[str, str] = {
    "no JSON": "not json",
    "nothing": "",
    "a NUL": "\x00",
    "an array": "[]",
    "a number": "5",
    "two values": '{"type":"hello","id":5} {"type":"hello","id":6}',
    "no type": '{"id":5}',
    "unknown type": '{"type":"no.such","id":5}',
    "type of a server": '{"type":"bye","id":5,"reason":"ended"}',
    "type as number": '{"type":5,"id":5}',
    "type as array": '{"type":["hello"],"id":5}',
    "NaN": '{"type":"hello","id":NaN}',
    "Infinity": '{"type":"applaud","id":5,"claps":Infinity}',
    "a float": '{"type":"hello","id":5.5}',
    "a whole float": '{"type":"hello","id":5.0}',
    "a number as text": '{"type":"hello","id":"5"}',
    "true as a number": '{"type":"hello","id":true}',
    "negative": '{"type":"hello","id":-1}',
    "too large": '{"type":"hello","id":' + "9" * 30 + "}",
    "5,000 digits": '{"type":"hello","id":' + "9" * 5000 + "}",
    "an exponent": '{"type":"hello","id":1e400}',
    "a yes as text": '{"type":"company.answer","id":5,' + KEY + ',"companion":"abc","yes":"on"}',
    "a lone surrogate": '{"type":"line.write","id":5,' + KEY + ',"text":"\\ud800"}',
    "an empty line": '{"type":"line.write","id":5,' + KEY + ',"text":" \\u200b\\u3164 "}',
    "a long line": '{"type":"line.write","id":5,' + KEY + ',"text":"' + "x" * 1001 + '"}',
    "a very long line": '{"type":"line.write","id":5,'
    + KEY
    + ',"text":"'
    + "\\u0001" * 9000
    + '"}',
    "a name of marks": '{"type":"name.set","id":5,' + KEY + ',"name":"\\u0301\\u0301"}',
    "a name of joiners": '{"type":"name.set","id":5,' + KEY + ',"name":"\\u200d\\u200d"}',
    "no key": '{"type":"line.write","id":5,"text":"x"}',
    "a key with a colon": '{"type":"line.write","id":5,"key":"a:b:c:d:e","text":"x"}',
    "a key with a line end": '{"type":"line.write","id":5,"key":"12345678\\n","text":"x"}',
    "another role": LINE + ',"role":"host"}',
    "another seat": LINE + ',"seat":"other"}',
    "as another": LINE + ',"as":"other"}',
    "another actor": LINE + ',"actor":{"seat":"other"}}',
    "another name": LINE + ',"name":"Juontaja"}',
    "a prototype": LINE + ',"__proto__":{"role":"host"}}',
    "arrays 10,000 deep": "[" * 10_000 + "]" * 10_000,
    "objects 10,000 deep": '{"a":' * 10_000 + "1" + "}" * 10_000,
    "a deep field": '{"type":"hello","id":5,"after":' + "[" * 10_000 + "]" * 10_000 + "}",
    "a seat with a path": '{"type":"company.end","id":5,' + KEY + ',"companion":"../../etc"}',
    "a seat with a line end": '{"type":"company.end","id":5,' + KEY + ',"companion":"abc\\n"}',
}


async def test_what_is_no_message_of_ours_is_refused_in_the_readers_words(site: Site) -> None:
    async with talkers(site, Role.HOST) as (host,):
        browser = site.browser()
        seat = await browser.enter(site.link(await site.ticket("show", name="Liisa")))
        before = await site.parts.house.whole("show")
        sentence = words("sv").text("err_not_now", phone=site.parts.settings.help_phone)
        async with browser.socket(seat, **{"Accept-Language": "sv"}) as ws:
            guest = Talker(ws, seat)
            assert (await guest.say("hello"))["type"] == "ack"
            for name, sent in REFUSED.items():
                await ws.send_str(sent)
                error = await guest.until(lambda m: m["type"] in ("error", "ack"))
                assert (name, error["type"], error["status"]) == (name, "error", 400)
                assert error["code"] in ("unknown_type", "bad_message")
                assert error["text"] == sentence
                assert error["id"] in (None, 5)
            # a pair given twice: the last one counts, for us as for whoever reads the log
            twice = '{"type":"line.hide","type":"line.write","id":7,"id":8,' + KEY + ',"text":"x"}'
            await ws.send_str(twice)
            assert (await guest.until(lambda m: m["type"] in ("error", "ack")))["id"] == 8
        now = await site.parts.house.whole("show")
        assert now[0] == before[0] + 1
        assert [line.name for line in now[1].lines] == ["Liisa"]
        assert (await host.write("help.handle", request=1))["type"] == "ack"


@pytest.mark.parametrize("after", [-1, 10**6, 2**63, 10**30, None])
async def test_any_number_to_go_on_from_brings_the_room(site: Site, after: int | None) -> None:
    async with talkers(site, Role.GUEST) as (guest,):
        guest.heard.clear()
        assert (await guest.say("hello", after=after))["type"] == "ack"
        assert [m["type"] for m in guest.heard].count("snapshot") == 1


FIELDS: dict[str, dict[str, Any]] = {
    "name.set": {"name": "Toinen"},
    "line.write": {"text": "Ei saa"},
    "line.hide": {"line": 1},
    "applaud": {"claps": 1},
    "help.handle": {"request": 1},
    "phase.set": {"phase": "ended"},
    "company.answer": {"companion": "abc", "yes": True},
    "company.end": {"companion": "abc"},
    "media.answer": {"session": "s", "etag": "e", "sdp": "v=0"},
    "media.publish": {"sdp": "v=0"},
    "media.restart": {"session": "s"},
    "media.stop": {"session": "s"},
    "media.keyframe": {"session": "s"},
}
KEYLESS = ("hello", "applaud")


async def test_each_message_is_refused_wherever_the_declaration_says_so(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.socket.MESSAGES_PER_S", 10_000)
    roles = (Role.GUEST, Role.COMPANION, Role.ARTIST, Role.HOST)
    tried = 0
    async with talkers(site, *roles) as people:
        room = await site.parts.house.open("show")
        hub = site.parts.hubs.known("show")
        assert hub is not None
        for phase in Phase:
            await room.decide(lambda state, now, phase=phase: enter(state, phase, now))  # type: ignore[misc]  # bound at once
            async with asyncio.timeout(5):
                while hub.state.phase is not phase:
                    await asyncio.sleep(0.005)
            before = await site.parts.house.whole("show")
            for role, person in zip(roles, people, strict=True):
                for kind in MESSAGES:
                    try:
                        check(kind, role, phase, accepted=role is not Role.COMPANION)
                    except LampioError as error:
                        expected = (error.code, error.status)
                    else:
                        continue
                    fields = {"seat": people[0].seat} if kind == "seat.remove" else {}
                    fields |= FIELDS.get(kind, {})
                    if kind not in KEYLESS and not kind.startswith("media."):
                        fields["key"] = f"key-{tried:08}"
                    reply = await person.say(kind, **fields)
                    assert (phase, role, kind, reply.get("code"), reply.get("status")) == (
                        *(phase, role, kind),
                        *expected,
                    )
                    assert reply["text"]
                    tried += 1
            assert await site.parts.house.whole("show") == before
            grants = site.parts.relay.grants(RoomId("show"))
            assert not [grant for grant in grants if May.PUBLISH in grant.may]
    assert tried > 300


async def test_ids_of_another_room_or_city_lead_nowhere(site: Site) -> None:
    await site.parts.shows.add_organisation(
        Organisation(id="oulu", name={"fi": "Oulu"}, city={"fi": "Oulu"}, city_in={"fi": "Oulussa"})
    )
    async with talkers(site, Role.GUEST, Role.COMPANION, Role.HOST) as (guest, companion, host):
        await site.show("other")
        theirs = {}
        for role in (Role.GUEST, Role.HOST):
            browser = site.browser()
            seat = await browser.enter(site.link(await site.ticket("other", role, name="N")))
            cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
            ws = await browser.session.ws_connect(
                f"{site.url}/r/{seat}/ws", headers={"Origin": site.url, "Cookie": cookies}
            )
            theirs[role] = Talker(ws, seat)
            assert (await theirs[role].say("hello"))["type"] == "ack"
        there = theirs[Role.GUEST]
        line = await there.say("line.write", key="their-line", text="Meidän")
        assert line["type"] == "ack"
        await there.write("help.ask")
        asked = await theirs[Role.HOST].event("help.asked")
        session = (await there.say("media.view"))["session"]
        before = await site.parts.house.whole("other")
        for person, kind, fields, status in (
            (host, "seat.remove", {"seat": there.seat}, 404),
            (host, "seat.remove", {"seat": "nobody"}, 404),
            (host, "line.hide", {"line": 1}, 404),
            (host, "help.handle", {"request": asked["request"]}, None),
            (guest, "company.answer", {"companion": there.seat, "yes": True}, 404),
            (companion, "company.end", {"companion": there.seat}, 403),
            (companion, "company.end", {"companion": guest.seat}, 403),
        ):
            reply = await person.write(kind, **fields)
            assert (kind, reply.get("status")) == (kind, status)
        for kind in ("media.stop", "media.keyframe"):
            assert (await host.say(kind, session=session))["status"] == 404
        assert await site.parts.house.whole("other") == before
        # another's key is no key of mine
        assert (await guest.say("line.write", key="their-line", text="Oma"))["seq"] > 1
        assert (await host.event("line.written"))["text"] == "Oma"
        assert (await there.write("line.write", text="Yhä täällä"))["type"] == "ack"
        for person in theirs.values():
            await person.ws.close()
        seats = await site.parts.seats.of_show(Scope("turku"), "other")
        assert {seat.status for seat in seats} == {"admitted"}


PLAIN: dict[str, tuple[str, str]] = {
    "turned writing": ("\u202eanuaL\u202c", "anuaL"),
    "controls": ("A\x00\x07un\x1be\x7f\x9f", "Aune"),
    "unseen": ("Au\u200b\u2060\ufeff\u00adne", "Aune"),
    "line ends": ("Aune\r\n\u2028\u2029Mäki", "Aune Mäki"),
    "a pile of marks": ("Z" + "\u0335\u0315" * 15, "Z\u0335\u0335\u0335"),
    "a decomposed letter": ("Ma\u0308ki", "Mäki"),
    "empty letters": ("A\u3164\u2800\u115fB", "AB"),
    "tags": ("Aune\U000e0041\U000e007f", "Aune"),
    "a family": ("👩\u200d👧\u200d👦", "👩\u200d👧\u200d👦"),
    "other scripts": ("עַזְרָא بَيْت ต้นน้ำ", "עַזְרָא بَيْت ต้นน้ำ"),
    "markup": ("<script>alert(1)</script>", "<script>alert(1)</script>"),
}


async def test_names_and_lines_look_like_what_they_are(site: Site) -> None:
    async with talkers(site, Role.GUEST, Role.HOST) as (guest, host):
        for number, (name, (written, stored)) in enumerate(PLAIN.items()):
            written, stored = f"{number} {written}", f"{number} {stored}"
            assert (name, (await guest.write("name.set", name=written))["type"]) == (name, "ack")
            assert (name, (await host.event("named"))["name"]) == (name, stored)
            assert (await guest.write("line.write", text=f"{written}\n\tx"))["type"] == "ack"
            line = await host.event("line.written")
            assert line["name"] == stored
            assert line["text"].endswith("\n\tx")
            assert not {"\u202e", "\x00", "\u200b", "\ufeff"} & set(line["text"])
    issued = await site.ticket("show", name="\u202e Aune\x00 \u200b")
    assert (await site.parts.seats.seat(issued.seat)).name == "Aune"


async def test_the_same_key_with_other_words_keeps_the_first(site: Site) -> None:
    async with talkers(site, Role.GUEST, Role.HOST) as (guest, host):
        first = await guest.say("line.write", key="one-intention", text="Ensin")
        again = await guest.say("line.write", key="one-intention", text="Toisin")
        other = await guest.say("name.set", key="one-intention", name="Toinen")
        assert first["seq"] == again["seq"] == other["seq"]
        _, state = await site.parts.house.whole("show")
        assert [line.text for line in state.lines] == ["Ensin"]
        assert state.names == {}
        assert (await host.event("line.written"))["text"] == "Ensin"


async def test_a_command_that_breaks_its_handler_harms_nobody_else(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise ZeroDivisionError

    async with talkers(site, Role.GUEST, Role.HOST) as (guest, host):
        with monkeypatch.context() as patched:
            patched.setattr(chat, "name_of", broken)
            refused = await guest.write("line.write", text="Rikki")
            assert (refused["status"], refused["code"]) == (500, "internal")
            assert refused["text"]
            assert (await host.write("phase.set", phase="interval"))["type"] == "ack"
        with monkeypatch.context() as patched:
            patched.setattr("web.socket.Ack", broken)
            assert (await guest.say("applaud", claps=1))["status"] == 500
        assert (await guest.write("line.write", text="Ehjä"))["type"] == "ack"
        assert (await host.event("line.written"))["text"] == "Ehjä"


async def test_many_hellos_are_too_many(site: Site) -> None:
    async with talkers(site, Role.GUEST) as (guest,):
        replies = [await guest.say("hello") for _ in range(40)]
        refused = [reply for reply in replies if reply["type"] == "error"]
        assert 5 <= len(refused) <= 15
        assert json.dumps(refused).count("too_many_messages") == len(refused)
