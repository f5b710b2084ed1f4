"""A change of phase through the whole house: what was sent before it reaches no guest who joins after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import pytest

from rooms.actors import Actor
from rooms.messages import SetPhase
from rooms.phases import Phase, Role
from streaming.ports import Negotiated, SessionId
from tests.streaming.light import LightPeer, description
from tests.web.conftest import Site
from tests.web.test_whip import key, on_air, post


@asynccontextmanager
async def connected(
    site: Site, protocol: Literal["whip", "whep"], bearer: str
) -> AsyncIterator[LightPeer]:
    """A peer that publishes or watches over HTTP as any tool does."""
    peer = LightPeer()
    direction = "sendonly" if protocol == "whip" else "recvonly"
    offer = description(direction, peer.ufrag, peer.password, peer.ssrcs)
    answer = await post(site, f"/{protocol}/show", bearer, offer)
    assert answer.status == 201, await answer.text()
    session = SessionId(answer.headers["Location"].rsplit("/", 1)[-1])
    await peer.connect(Negotiated(session, await answer.text(), ""))
    try:
        yield peer
    finally:
        await peer.close()


def play(performer: LightPeer, words: bytes, tick: int, *, key: bool = False) -> None:
    """A moment of sound and picture."""
    performer.sound(words, tick * 960)
    performer.frame(words, tick * 1800, key=key)


@pytest.mark.parametrize(
    ("before", "steps"),
    [(Phase.REHEARSAL, [Phase.DOORS, Phase.LIVE]), (Phase.INTERVAL, [Phase.LIVE])],
)
async def test_frames_of_before_reach_no_guest_who_joins_at_once(
    site: Site, before: Phase, steps: list[Phase]
) -> None:
    await site.show(phase=before)
    host = await site.ticket("show", Role.HOST)
    viewing = await key(site, Role.GUEST, "viewing")
    async with connected(site, "whip", await key(site, Role.ARTIST, "broadcast")) as performer:
        play(performer, b"hidden", 0, key=True)
        await on_air(site)
        for tick in range(1, 20):
            play(performer, b"hidden", tick)
        for number, phase in enumerate(steps):
            command = SetPhase(id=number, key=f"to-{phase}-now", phase=phase)
            await site.parts.house.submit(Actor(host.seat, Role.HOST), "show", command)
        asked, changed = performer.plis, asyncio.get_running_loop().time()
        async with connected(site, "whep", viewing) as guest:
            joined_s = asyncio.get_running_loop().time() - changed
            await guest.reached()
            async with asyncio.timeout(10):
                for tick in range(20, 1000):
                    play(performer, b"open", tick, key=performer.plis > asked)
                    if guest.texts("audio") and guest.texts("video"):
                        break
                    await asyncio.sleep(0.02)
            heard = b"|".join([*guest.texts("audio"), *guest.texts("video")])
    assert b"open" in heard
    assert b"hidden" not in heard
    assert joined_s < 2, "a guest of much later proves nothing"
