"""Descriptions of bad will over HTTP and over a room's socket: a status and a sentence, and no harm."""

from __future__ import annotations

import pytest

from rooms.phases import Phase, Role
from streaming.ports import RoomId
from tests.streaming.test_attack_sdp import PUBLISH, WRONG
from tests.web.conftest import Site
from tests.web.test_whip import key, post

TRIED = (
    "nothing",
    "65 kB",
    "2,000 sections",
    "RTP/AVP",
    "only data",
    "SHA-1",
    "a lone CR",
    "no codec of ours",
)


@pytest.mark.one_database  # nothing is written
async def test_http_answers_with_the_status_and_a_sentence(site: Site) -> None:
    await site.show(phase=Phase.LIVE)
    broadcast = await key(site, Role.ARTIST, "broadcast")
    assert (await post(site, "/whip/show", broadcast, PUBLISH)).status == 201
    for name in TRIED:
        change, status = WRONG[name]
        answer = await post(site, "/whip/show", broadcast, change(PUBLISH))
        assert answer.status == status, name
        told = await answer.json(content_type="application/problem+json")
        assert told["status"] == status and told["code"]
        assert told["detail"].startswith("Tämä laite tai ohjelma"), (name, told)
    assert (await post(site, "/whip/show", broadcast, PUBLISH, "text/plain")).status == 415
    assert len(site.parts.relay.grants(RoomId("show"))) == 1, "the good one"


@pytest.mark.one_database  # nothing is written
async def test_a_rooms_socket_answers_with_the_status_and_a_sentence(site: Site) -> None:
    show = await site.show(phase=Phase.LIVE)
    browser = site.browser()
    place = await browser.enter(site.link(await site.ticket(show, Role.ARTIST)))
    async with browser.socket(place) as ws:
        await ws.send_json({"type": "hello", "id": 1})
        for number, name in enumerate(TRIED[1:], 2):
            change, status = WRONG[name]
            sdp = change(PUBLISH)
            if len(sdp) > 60_000:
                continue  # refused by the frame's own size
            await ws.send_json({"type": "media.publish", "id": number, "sdp": sdp})
            while True:
                said = await ws.receive_json(timeout=10)
                if said.get("id") == number:
                    break
            assert (said["type"], said["status"]) == ("error", status), name
            assert said["code"] and said["text"].startswith("Tämä laite tai ohjelma"), said
    assert site.parts.relay.grants(RoomId(show)) == ()
