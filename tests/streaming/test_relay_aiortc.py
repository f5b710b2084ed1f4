"""Plain aiortc on both ends of the relay, over real UDP on loopback."""

from __future__ import annotations

import pytest

from streaming.ports import FeedChanged, FeedState, SessionDown, SessionUp
from tests.streaming.house import (
    ROOM,
    WANT,
    Publisher,
    Watcher,
    artist,
    event,
    guest,
    relay_on,
    until,
)

# aiortc encodes and decodes in the loop's process
pytestmark = pytest.mark.blocking_ms(2000)


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_what_is_published_is_decoded_by_a_viewer_of_whep(codec: str) -> None:
    async with relay_on() as relay:
        events = relay.events(ROOM)
        publisher, watcher = Publisher(codec), Watcher()
        await publisher.publish(relay, artist())
        up = await event(events, SessionUp)
        assert up.publishes
        live = await event(events, FeedChanged)
        assert live.info.state is FeedState.LIVE
        assert {t.codec for t in live.info.tracks} == {"opus", codec}
        made = await watcher.view(relay, guest())
        await watcher.saw(video=10, audio=20)
        assert watcher.last["video"].width == 160
        await relay.close(made.session, "closed")
        down = await event(events, SessionDown)
        assert (down.session, down.reason) == (made.session, "closed")
        await watcher.close()
        await publisher.close()
        await until(lambda: relay.feeds(ROOM)[0].state is FeedState.ENDED)


async def test_a_viewer_answers_our_offer() -> None:
    async with relay_on() as relay:
        publisher, watcher = Publisher(), Watcher()
        await publisher.publish(relay, artist())
        await watcher.take(relay, await relay.offer_view(guest(), WANT))
        await watcher.saw(video=5, audio=10)
        await watcher.close()
        await publisher.close()


async def test_over_ipv6() -> None:
    async with relay_on("::1") as relay:
        publisher, watcher = Publisher(), Watcher()
        await publisher.publish(relay, artist())
        await watcher.view(relay, guest())
        await watcher.saw(video=2, audio=5)
        await watcher.close()
        await publisher.close()
