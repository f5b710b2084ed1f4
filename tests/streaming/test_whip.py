"""WHIP and WHEP resources: every status, and whose resource it is."""

from __future__ import annotations

import itertools

import pytest
from aiortc import RTCSessionDescription

from infra.errors import LampioError
from streaming.ports import (
    Action,
    FeedState,
    Grant,
    May,
    Refused,
    RoomId,
    SeatId,
    SessionId,
)
from streaming.relay import EmbeddedRelay
from streaming.whip import Protocol, Whip
from tests.streaming.house import ROOM, Publisher, Watcher, relay_on, until
from tests.streaming.test_sdp import PUBLISH, VIEW

SDP = "application/sdp"


class Door:
    """An authorizer of a few fixed credentials."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    async def grant(self, credential: str, room: RoomId, action: Action) -> Grant | Refused:
        seats = {
            "artist": (Action.PUBLISH, "artist"),
            "artist-new-key": (Action.PUBLISH, "artist"),
            "other-artist": (Action.PUBLISH, "other"),
            "guest": (Action.VIEW, "guest"),
        }
        if room != ROOM:
            return Refused(404, "no_such_room")
        if credential == "early":
            return Refused(409, "not_live", 7)
        if credential not in seats:
            return Refused(401, "unknown_key")
        action_of_key, seat = seats[credential]
        if action is not action_of_key:
            return Refused(403, "not_for_this")
        session = SessionId(f"whip{next(self._numbers):012}")
        return Grant(session, room, SeatId(seat), frozenset({May(action.value)}), 4e9, 1, 20)


async def refused(
    whip: Whip,
    protocol: Protocol = "whip",
    room: RoomId = ROOM,
    credential: str | None = "artist",
    content_type: str = SDP,
    body: str = PUBLISH,
    if_none_match: str | None = None,
) -> LampioError:
    with pytest.raises(LampioError) as error:
        await whip.post(
            protocol, room, credential, content_type, body.encode(), if_none_match=if_none_match
        )
    return error.value


async def test_every_refusal_has_its_status() -> None:
    async with relay_on() as relay:
        whip = Whip(relay, Door())
        assert (await refused(whip, credential=None)).status == 401
        assert (await refused(whip, credential="stranger")).status == 401
        assert (await refused(whip, credential="guest")).status == 403
        assert (await refused(whip, room=RoomId("elsewhere"))).status == 404
        early = await refused(whip, credential="early")
        assert (early.status, early.retry_after_s) == (409, 7)
        assert (await refused(whip, content_type="text/plain")).status == 415
        assert (await refused(whip, body="v=0")).status == 400
        assert (await refused(whip, body="v=0" + "x" * 70_000)).status == 413
        assert (await refused(whip, body=VIEW)).status == 422
        no_codec = PUBLISH.replace("H264/", "H2/").replace("VP8/", "V/").replace("opus/", "o/")
        assert (await refused(whip, body=no_codec)).status == 406
        no_feed = await refused(whip, "whep", credential="guest", body=VIEW)
        assert no_feed.status == 409 and no_feed.retry_after_s


async def test_a_resource_is_made_and_ended_by_its_own_seat_alone() -> None:
    async with relay_on() as relay:
        whip = Whip(relay, Door())
        made = await whip.post("whip", ROOM, "artist", SDP + "; charset=utf-8", PUBLISH.encode())
        assert made.sdp.startswith("v=0") and made.etag.startswith('"') and made.resource
        for credential, status in ((None, 401), ("other-artist", 403), ("stranger", 401)):
            with pytest.raises(LampioError) as error:
                await whip.delete("whip", ROOM, made.resource, credential)
            assert error.value.status == status
        with pytest.raises(LampioError) as error:
            await whip.delete("whep", ROOM, made.resource, "artist")
        assert error.value.status == 404
        assert len(relay.grants(ROOM)) == 1
        await whip.delete("whip", ROOM, made.resource, "artist-new-key")
        assert relay.grants(ROOM) == ()
        with pytest.raises(LampioError) as error:
            await whip.delete("whip", ROOM, made.resource, "artist")
        assert error.value.status == 404


async def test_a_resource_whose_session_ended_by_itself_is_gone() -> None:
    async with relay_on() as relay:
        whip = Whip(relay, Door())
        made = await whip.post("whip", ROOM, "artist", SDP, PUBLISH.encode())
        await relay.close_seat(ROOM, SeatId("artist"), "revoked")
        with pytest.raises(LampioError) as error:
            await whip.delete("whip", ROOM, made.resource, "artist")
        assert error.value.status == 404


async def publish(whip: Whip, publisher: Publisher) -> SessionId:
    await publisher.pc.setLocalDescription(await publisher.pc.createOffer())
    offer = publisher.pc.localDescription.sdp.encode()
    made = await whip.post("whip", ROOM, "artist", SDP, offer)
    await publisher.pc.setRemoteDescription(RTCSessionDescription(made.sdp, "answer"))
    return made.resource


def live(relay: EmbeddedRelay) -> bool:
    return any(feed.state is FeedState.LIVE for feed in relay.feeds(ROOM))


@pytest.mark.blocking_ms(2000)
async def test_if_none_match_tries_only_while_the_feed_is_free_and_whep_follows_the_live_feed() -> (
    None
):
    async with relay_on() as relay:
        whip = Whip(relay, Door())
        publisher, watcher = Publisher(), Watcher()
        await publish(whip, publisher)
        await until(lambda: live(relay))
        assert (await refused(whip, if_none_match="*")).status == 412
        watcher.pc.addTransceiver("audio", direction="recvonly")
        watcher.pc.addTransceiver("video", direction="recvonly")
        await watcher.pc.setLocalDescription(await watcher.pc.createOffer())
        offer = watcher.pc.localDescription.sdp.encode()
        made = await whip.post("whep", ROOM, "guest", SDP, offer)
        await watcher.pc.setRemoteDescription(RTCSessionDescription(made.sdp, "answer"))
        await watcher.saw(video=2, audio=2)
        await whip.delete("whep", ROOM, made.resource, "guest")
        await watcher.close()
        await publisher.close()
        await until(lambda: not live(relay))
        again = await whip.post("whip", ROOM, "artist", SDP, PUBLISH.encode(), if_none_match="*")
        assert again.resource
