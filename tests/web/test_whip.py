"""WHIP and WHEP by plain aiortc, over real HTTP and UDP; and every answer that is a refusal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, VideoStreamTrack

from infra.whose import HOUSE
from rooms.effects import end_ticket
from rooms.phases import Phase, Role
from rooms.scope import Scope
from rooms.tickets import TicketStatus
from tests.evening.house import ORGANISATION
from tests.web.conftest import Site

SDP = "application/sdp"


async def key(site: Site, role: Role, kind: str, show: str = "show") -> str:
    issued = await site.ticket(show, role)
    return await site.parts.seats.add_secret(Scope(ORGANISATION), issued.ticket, kind)


async def post(
    site: Site, path: str, bearer: str | None, sdp: str, content_type: str = SDP, **headers: str
) -> aiohttp.ClientResponse:
    sent = {"Content-Type": content_type, **headers}
    if bearer is not None:
        sent["Authorization"] = f"Bearer {bearer}"
    answer = await site.session.post(site.url + path, data=sdp, headers=sent)
    await answer.read()
    return answer


@asynccontextmanager
async def peer() -> AsyncIterator[RTCPeerConnection]:
    connection = RTCPeerConnection()
    try:
        yield connection
    finally:
        await connection.close()


async def negotiate(site: Site, connection: RTCPeerConnection, path: str, bearer: str) -> str:
    """Offer, answer; returns the session's address."""
    await connection.setLocalDescription(await connection.createOffer())
    answer = await post(site, path, bearer, connection.localDescription.sdp)
    assert answer.status == 201, await answer.text()
    assert answer.content_type == SDP
    assert answer.headers["ETag"].startswith('"')
    await connection.setRemoteDescription(RTCSessionDescription(await answer.text(), "answer"))
    return answer.headers["Location"]


async def publish(site: Site, connection: RTCPeerConnection, bearer: str) -> str:
    connection.addTrack(AudioStreamTrack())
    connection.addTrack(VideoStreamTrack())
    return await negotiate(site, connection, "/whip/show", bearer)


async def frames(connection: RTCPeerConnection, kind: str, count: int) -> list[Any]:
    """The first decoded frames of a kind."""
    track = next(r.track for r in connection.getReceivers() if r.track.kind == kind)
    return [await asyncio.wait_for(track.recv(), 15) for _ in range(count)]


@pytest.mark.blocking_ms(1500)  # aiortc makes its keys and opens its codecs on the loop
async def test_plain_aiortc_publishes_and_another_sees_and_hears_it(site: Site) -> None:
    await site.show()
    broadcast, viewing = (
        await key(site, Role.ARTIST, "broadcast"),
        await key(site, Role.GUEST, "viewing"),
    )
    async with peer() as artist, peer() as viewer:
        location = await publish(site, artist, broadcast)
        await on_air(site)
        viewer.addTransceiver("video", direction="recvonly")
        viewer.addTransceiver("audio", direction="recvonly")
        seen_at = await negotiate(site, viewer, "/whep/show", viewing)
        pictures, sounds = await asyncio.gather(
            frames(viewer, "video", 30), frames(viewer, "audio", 30)
        )
        assert (pictures[0].width, pictures[0].height) == (640, 480)
        times = [frame.pts for frame in pictures]
        assert times == sorted(set(times))
        assert sounds[0].sample_rate == 48000
        for address, bearer in ((seen_at, viewing), (location, broadcast)):
            answer = await site.session.delete(
                site.url + address, headers={"Authorization": f"Bearer {bearer}"}
            )
            assert answer.status == 200
        track = next(r.track for r in viewer.getReceivers() if r.track.kind == "video")
        with pytest.raises(MediaStreamError):
            async with asyncio.timeout(10):
                while True:
                    await track.recv()


async def on_air(site: Site) -> None:
    """The room has noticed its publisher."""
    async with asyncio.timeout(10):
        while (await site.parts.house.whole("show"))[1].on_air is None:
            await asyncio.sleep(0.02)


OFFER = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:111 opus/48000/2\r\n"
    "a=mid:0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\n"
    "a=fingerprint:sha-256 " + ":".join(["AA"] * 32) + "\r\na=sendrecv\r\na=rtcp-mux\r\n"
)


async def test_who_may_not_is_told_why(site: Site) -> None:
    await site.show()
    await site.show("other")
    broadcast, viewing = (
        await key(site, Role.ARTIST, "broadcast"),
        await key(site, Role.GUEST, "viewing"),
    )
    foreign = await key(site, Role.ARTIST, "broadcast", "other")
    for bearer, status in (
        (None, 401),
        ("", 401),
        ("x" * 32, 401),
        (viewing, 401),  # a viewing key never publishes
        (foreign, 403),
    ):
        answer = await post(site, "/whip/show", bearer, OFFER)
        assert answer.status == status, bearer
        assert answer.content_type == "application/problem+json"
    assert (await post(site, "/whep/show", broadcast, OFFER)).status == 401
    assert (await post(site, "/whip/none", broadcast, OFFER)).status in (403, 404)


@pytest.mark.parametrize(
    ("protocol", "role", "kind"),
    [("whip", Role.ARTIST, "broadcast"), ("whep", Role.GUEST, "viewing")],
)
@pytest.mark.parametrize("how", ["removed", "revoked"])
async def test_a_key_ends_with_its_ticket(
    site: Site, protocol: str, role: Role, kind: str, how: str
) -> None:
    await site.show()
    scope = Scope(ORGANISATION)
    issued = await site.ticket("show", role)
    bearer = await site.parts.seats.add_secret(scope, issued.ticket, kind)
    if how == "revoked":
        await site.parts.seats.revoke(scope, issued.ticket)
    else:
        async with site.parts.database.unit_of_work(HOUSE) as session:
            await end_ticket(session, issued.ticket, TicketStatus.REMOVED, 0)
    answer = await post(site, f"/{protocol}/show", bearer, OFFER)
    assert answer.status == 403, await answer.text()
    assert (await answer.json(content_type="application/problem+json"))["code"] == how


async def test_a_bearer_that_is_no_text_is_a_wrong_one(site: Site) -> None:
    await site.show()
    reader, writer = await asyncio.open_connection("127.0.0.1", site.running.port)
    writer.write(
        b"POST /whep/show HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \xff\xfe\r\n"
        b"Content-Type: application/sdp\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    assert (await reader.readline()).startswith(b"HTTP/1.1 401 ")
    writer.close()


@pytest.mark.parametrize("protocol", ["whip", "whep"])
async def test_a_wrong_key_opens_no_room_and_learns_of_none(site: Site, protocol: str) -> None:
    await site.show("draft", Phase.SCHEDULED)
    headers = {"Authorization": f"Bearer {'x' * 32}", "Content-Type": SDP}
    for method, path in (("POST", ""), ("PATCH", "/session"), ("DELETE", "/session")):
        told = []
        for show in ("draft", "none"):
            where = f"{site.url}/{protocol}/{show}{path}"
            async with site.session.request(method, where, data=OFFER, headers=headers) as answer:
                told.append((answer.status, await answer.text()))
        assert told[0][0] == 401
        assert told[0] == told[1]
    assert not site.parts.house.has("draft")
    await site.parts.house.open("draft")  # a room that is open says no more
    for method in ("PATCH", "DELETE"):
        where = f"{site.url}/{protocol}/draft/session"
        async with site.session.request(method, where, data=OFFER, headers=headers) as answer:
            assert answer.status == 401


async def test_a_key_of_another_show_opens_no_room(site: Site) -> None:
    await site.show("draft", Phase.SCHEDULED)
    await site.show("other")
    foreign = await key(site, Role.ARTIST, "broadcast", "other")
    assert (await post(site, "/whip/draft", foreign, OFFER)).status == 403
    assert (await post(site, "/whip/none", foreign, OFFER)).status == 403
    assert not site.parts.house.has("draft")


@pytest.mark.parametrize("phase", [Phase.SCHEDULED, Phase.ENDED])
async def test_nobody_publishes_before_the_rehearsal_or_after_the_end(
    site: Site, phase: Phase
) -> None:
    await site.show(phase=phase)
    answer = await post(site, "/whip/show", await key(site, Role.ARTIST, "broadcast"), OFFER)
    assert answer.status == 409


@pytest.mark.parametrize("phase", [Phase.REHEARSAL, Phase.DOORS, Phase.INTERVAL])
async def test_whep_answers_409_and_when_to_ask_again_outside_live(
    site: Site, phase: Phase
) -> None:
    await site.show(phase=phase)
    answer = await post(site, "/whep/show", await key(site, Role.GUEST, "viewing"), OFFER)
    assert answer.status == 409
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (OFFER, "text/plain", 415),
        ("", SDP, 400),
        ("hello", SDP, 400),
        ("v=0\r\n" * 10, SDP, 400),
        (OFFER + "a=x\r\n" * 20_000, SDP, 413),
        (OFFER.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"), SDP, 422),
        (OFFER.replace("sha-256", "sha-1"), SDP, 400),
        (OFFER.replace("opus/48000/2", "PCMU/8000"), SDP, 406),
        (
            OFFER + "".join(f"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:{n}\r\n" for n in range(40)),
            SDP,
            400,
        ),
    ],
    ids=range(9),
)
async def test_a_bad_offer_gets_its_status(
    site: Site, body: str, content_type: str, status: int
) -> None:
    await site.show()
    answer = await post(
        site, "/whip/show", await key(site, Role.ARTIST, "broadcast"), body, content_type
    )
    assert answer.status == status, await answer.text()


async def test_a_session_is_ended_by_its_own_key_alone(site: Site) -> None:
    await site.show()
    broadcast, other = (
        await key(site, Role.ARTIST, "broadcast"),
        await key(site, Role.ARTIST, "broadcast"),
    )
    made = await post(site, "/whip/show", broadcast, OFFER)
    assert made.status == 201
    address = site.url + made.headers["Location"]
    assert (await site.session.delete(address)).status == 401
    assert (
        await site.session.delete(address, headers={"Authorization": f"Bearer {other}"})
    ).status == 403
    mine = {"Authorization": f"Bearer {broadcast}"}
    assert (await site.session.delete(address, headers=mine)).status == 200
    assert (await site.session.delete(address, headers=mine)).status == 404


async def test_options_tell_what_is_taken_from_anywhere_without_credentials(site: Site) -> None:
    answer = await site.session.options(site.url + "/whip/show")
    assert answer.status in (200, 204)
    assert answer.headers["Accept-Post"] == SDP
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.blocking_ms(1500)  # aiortc makes its keys and opens its codecs on the loop
async def test_a_publisher_who_asks_only_for_a_free_feed_waits_for_the_one_on_air(
    site: Site,
) -> None:
    await site.show()
    broadcast = await key(site, Role.ARTIST, "broadcast")
    async with peer() as artist:
        await publish(site, artist, broadcast)
        await on_air(site)
        late = await post(site, "/whip/show", broadcast, OFFER, **{"If-None-Match": "*"})
        assert late.status == 412


async def test_a_page_elsewhere_learns_why_it_is_refused(site: Site) -> None:
    await site.show(phase=Phase.DOORS)
    unknown = await post(site, "/whip/show", "no-such-key", OFFER)
    assert unknown.status == 401
    assert unknown.headers["WWW-Authenticate"] == "Bearer"
    early = await post(site, "/whep/show", await key(site, Role.GUEST, "viewing"), OFFER)
    assert early.status == 409
    assert "Retry-After" in early.headers["Access-Control-Expose-Headers"]
    for answer in (unknown, early):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert answer.headers["Cache-Control"] == "no-store"
