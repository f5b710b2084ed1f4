"""PATCH of WHIP and WHEP (RFC 9725 4.3, draft-ietf-wish-whep-03): every status, over real HTTP and UDP."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from rooms.phases import Role
from streaming.ports import Negotiated, SessionId
from tests.streaming.light import LightPeer, description
from tests.streaming.test_restart import CANDIDATE, MEDIA, NAMES, Nomad
from tests.web.conftest import Site
from tests.web.test_whip import OFFER, key, on_air, post
from web.whip import MADE

pytestmark = pytest.mark.one_database

FRAGMENT = "application/trickle-ice-sdpfrag"
NEW = NAMES.format("fresh", "a-password-of-24-letters") + MEDIA + CANDIDATE


async def patch(
    site: Site,
    path: str,
    bearer: str | None,
    body: str | bytes,
    content_type: str = FRAGMENT,
    **headers: str,
) -> aiohttp.ClientResponse:
    sent = {"Content-Type": content_type, **{k.replace("_", "-"): v for k, v in headers.items()}}
    if bearer is not None:
        sent["Authorization"] = f"Bearer {bearer}"
    answer = await site.session.patch(site.url + path, data=body, headers=sent)
    await answer.read()
    return answer


async def test_the_table_of_answers_to_a_patch(site: Site) -> None:
    await site.show()
    await site.show("other")
    mine = await key(site, Role.ARTIST, "broadcast")
    colleague = await key(site, Role.ARTIST, "broadcast")
    viewing = await key(site, Role.GUEST, "viewing")
    made = await post(site, "/whip/show", mine, OFFER)
    path, tag = made.headers["Location"], made.headers["ETag"]
    whep, elsewhere = path.replace("/whip/", "/whep/"), path.replace("/show/", "/other/")
    trickle = NAMES.format("abcd", "abcdefghijklmnopqrstuvwx") + MEDIA + CANDIDATE
    other_password = NAMES.format("abcd", "xxxxxxxxxxxxxxxxxxxxxxxx") + MEDIA
    large = CANDIDATE * 400
    table: list[tuple[int, str, str | None, str | bytes, dict[str, Any]]] = [
        (401, path, None, trickle, {"If_Match": tag}),
        (401, path, "x" * 32, trickle, {"If_Match": tag}),
        (401, path, viewing, trickle, {"If_Match": tag}),
        (403, path, colleague, NEW, {"If_Match": "*"}),
        (404, path + "x", mine, trickle, {"If_Match": tag}),
        (404, whep, viewing, trickle, {"If_Match": tag}),
        (404, elsewhere, mine, trickle, {"If_Match": tag}),
        (415, path, mine, trickle, {"If_Match": tag, "content_type": "application/sdp"}),
        (428, path, mine, trickle, {}),
        (428, path, mine, NEW, {}),
        (412, path, mine, trickle, {"If_Match": '"another"'}),
        (412, path, mine, trickle, {"If_Match": "W/" + tag}),
        (412, path, mine, trickle, {"If_Match": tag.strip('"')}),
        (412, path, mine, NEW, {"If_Match": '"another"'}),
        (413, path, mine, large, {"If_Match": tag}),
        (400, path, mine, "", {"If_Match": tag}),
        (400, path, mine, "hello", {"If_Match": "*"}),
        (400, path, mine, b"\xff\xfe\x00", {"If_Match": "*"}),
        (400, path, mine, "a=ice-ufrag:alone\r\n", {"If_Match": "*"}),
        (422, path, mine, NEW.replace("mid:0", "mid:9"), {"If_Match": "*"}),
        (422, path, mine, "a=ice-lite\r\n" + NEW, {"If_Match": "*"}),
        (422, path, mine, other_password, {"If_Match": "*"}),
        (204, path, mine, trickle, {"If_Match": tag}),
        (204, path, mine, trickle, {"If_Match": f'"another", {tag}'}),
        (204, path, mine, MEDIA + "a=end-of-candidates\r\n", {"If_Match": "*"}),
    ]
    for status, where, bearer, body, how in table:
        answer = await patch(site, where, bearer, body, **how)
        assert answer.status == status, (where, body[:60], how, await answer.text())
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        if status >= 400:
            assert answer.content_type == "application/problem+json"
        if status == 415:
            assert answer.headers["Accept-Patch"] == FRAGMENT
        if status == 204:
            assert "ETag" not in answer.headers and not await answer.text()

    restarted = await patch(site, path, mine, NEW, If_Match='"*"')
    assert (restarted.status, restarted.content_type) == (200, FRAGMENT)
    newest = restarted.headers["ETag"]
    assert newest != tag and newest.startswith('"')
    told = await restarted.text()
    assert "a=ice-lite" in told and "a=ice-ufrag:" in told and "a=candidate:" in told
    for status, body, match in (
        (412, NEW, tag),  # late candidates of the ICE session before
        (422, trickle, "*"),  # its names begin nothing anew
        (422, trickle, newest),
        (204, NEW, newest),
        (200, NEW, "*"),  # the same once more: the first answer may have been lost
    ):
        answer = await patch(site, path, mine, body, If_Match=match)
        assert answer.status == status, (body[:30], match)
        if status == 200:
            assert (answer.headers["ETag"], await answer.text()) == (newest, told)

    gone = await site.session.delete(site.url + path, headers={"Authorization": f"Bearer {mine}"})
    assert gone.status == 200, "no refusal ended the session"
    assert (await patch(site, path, mine, NEW, If_Match="*")).status == 404


async def test_other_methods_are_told_which_there_are(site: Site) -> None:
    root, session = "/whip/show", "/whip/show/none"
    for path, methods in ((root, {"POST", "OPTIONS"}), (session, {"PATCH", "DELETE", "OPTIONS"})):
        for method in ("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"):
            if method in methods:
                continue
            answer = await site.session.request(method, site.url + path)
            assert answer.status == 405, (method, path)
            assert set(answer.headers["Allow"].replace(" ", "").split(",")) == methods
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
    answer = await site.session.options(site.url + session)
    assert answer.status == 204
    assert answer.headers["Accept-Patch"] == FRAGMENT
    allowed = answer.headers["Access-Control-Allow-Methods"].replace(" ", "").split(",")
    assert set(allowed) == {"PATCH", "DELETE", "OPTIONS"}
    assert "If-Match" in answer.headers["Access-Control-Allow-Headers"]
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_media_goes_on_over_a_restart_from_another_address_without_a_new_handshake(
    site: Site,
) -> None:
    await site.show()
    broadcast = await key(site, Role.ARTIST, "broadcast")
    viewing = await key(site, Role.GUEST, "viewing")
    sender, viewer = LightPeer(), Nomad()
    try:
        offer = description("sendonly", sender.ufrag, sender.password, sender.ssrcs)
        made = await post(site, "/whip/show", broadcast, offer)
        await sender.connect(_made(made, await made.text()))
        sender.frame(b"first", 0, key=True)
        await on_air(site)
        offer = description("recvonly", viewer.ufrag, viewer.password, viewer.ssrcs)
        made = await post(site, "/whep/show", viewing, offer)
        await viewer.connect(_made(made, await made.text()))
        shaken, stamp = viewer.handshakes, 0

        async def sees(text: bytes) -> None:
            nonlocal stamp
            async with asyncio.timeout(10):
                while not any(text in payload for payload in viewer.texts("video")):
                    stamp += 3000
                    sender.frame(text, stamp, key=True)
                    viewer.check()
                    await asyncio.sleep(0.02)

        await sees(b"before")
        path = made.headers["Location"]
        answer = await patch(site, path, viewing, viewer.rename(), If_Match="*")
        assert answer.status == 200
        viewer.move()
        viewer.learn(await answer.text())
        await sees(b"after")
        assert viewer.handshakes == shaken
    finally:
        for peer in (viewer, sender):
            await peer.close()


async def test_one_key_begins_so_many_sessions_a_minute_and_another_is_not_held_up(
    site: Site,
) -> None:
    await site.show()
    busy, calm = (
        await key(site, Role.ARTIST, "broadcast"),
        await key(site, Role.ARTIST, "broadcast"),
    )
    for _ in range(MADE):
        assert (await post(site, "/whip/show", busy, "no offer")).status == 400
    refused = await post(site, "/whip/show", busy, OFFER)
    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.headers["Access-Control-Allow-Origin"] == "*"
    assert (await post(site, "/whip/show", calm, OFFER)).status == 201


def _made(answer: aiohttp.ClientResponse, sdp: str) -> Negotiated:
    session = SessionId(answer.headers["Location"].rsplit("/", 1)[-1])
    return Negotiated(session, sdp, answer.headers["ETag"].strip('"'))
