"""From an offer to a session: whose certificate, which role, which addresses, how many at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from infra.clock import ManualClock
from streaming import negotiation, sdp
from streaming.ports import SeatId
from streaming.relay import EmbeddedRelay, RelayConfig
from tests.streaming.house import FEED, ROOM, WANT, artist, guest, until
from tests.streaming.light import LightPeer
from tests.streaming.test_sdp import OFFERS, PUBLISH

PASSIVE = (OFFERS / "ffmpeg_publish.sdp").read_bytes().decode()


@pytest.fixture
async def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def relay(clock: ManualClock) -> AsyncIterator[EmbeddedRelay]:
    made = EmbeddedRelay(
        RelayConfig(addresses=("127.0.0.1", "::1"), public_addresses=("203.0.113.5",)), clock
    )
    await made.start()
    await made.open_room(ROOM, 1, 1)
    yield made
    await made.stop()
    await made.stop()


def candidates(text: str) -> list[str]:
    lines = [line.split() for line in text.split("\r\n") if line.startswith("a=candidate:")]
    ranked = sorted(lines, key=lambda c: int(c[3]), reverse=True)
    return list(dict.fromkeys(c[4] for c in ranked))


async def test_the_public_address_is_told_first_and_every_bound_one_after_it(
    relay: EmbeddedRelay,
) -> None:
    made = await relay.offer_view(guest(), WANT)
    assert candidates(made.sdp)[0] == "203.0.113.5"
    assert set(candidates(made.sdp)) == {"203.0.113.5", "127.0.0.1", "::1"}
    assert f" {relay.port} typ host" in made.sdp


async def test_we_are_passive_to_actpass_and_active_only_to_passive(relay: EmbeddedRelay) -> None:
    for offer, setup in ((PUBLISH, "passive"), (PASSIVE, "active")):
        made = await relay.publish(artist(), FEED, offer)
        assert sdp.parse(made.sdp).setup == setup
    made = await relay.offer_view(guest(), WANT)
    assert sdp.parse(made.sdp).setup == "actpass"


async def test_one_certificate_a_day(relay: EmbeddedRelay, clock: ManualClock) -> None:
    async def print_of_a_session() -> str:
        made = await relay.offer_view(guest(sessions=9), WANT)
        return sdp.parse(made.sdp).fingerprints[0][1]

    first = await print_of_a_session()
    assert await print_of_a_session() == first
    clock.advance(negotiation.CERTIFICATE_MS + 1)
    assert await print_of_a_session() != first


async def test_each_session_has_names_and_numbers_of_its_own(relay: EmbeddedRelay) -> None:
    offers = [sdp.parse((await relay.offer_view(guest(sessions=9), WANT)).sdp) for _ in range(3)]
    assert len({o.ufrag for o in offers}) == len({o.password for o in offers}) == 3
    assert len({ssrc for o in offers for s in o.sections for ssrc in s.ssrcs}) == 6


async def test_an_offer_nobody_answers_is_forgotten_after_30_s(
    relay: EmbeddedRelay, clock: ManualClock
) -> None:
    await relay.offer_view(guest(), WANT)
    clock.advance(31_000)
    await until(lambda: not relay.grants(ROOM))
    assert not relay._port.peers


async def test_a_crowd_at_the_door_is_let_in_four_at_a_time_and_a_publisher_at_once(
    relay: EmbeddedRelay,
) -> None:
    at_work: list[int] = []
    gate = relay._negotiation._gate

    async def watch() -> None:
        while True:
            at_work.append(negotiation.HANDSHAKES_AT_ONCE - gate._value)
            await asyncio.sleep(0)

    watching = asyncio.create_task(watch())
    crowd = [LightPeer() for _ in range(20)]
    performer = LightPeer()
    await asyncio.gather(
        *(p.view(relay, guest(seat=SeatId(f"g{n}")), WANT) for n, p in enumerate(crowd)),
        performer.publish(relay, artist()),
    )
    watching.cancel()
    assert max(at_work) == negotiation.HANDSHAKES_AT_ONCE
    for peer in (*crowd, performer):
        await peer.close()
    await asyncio.gather(watching, return_exceptions=True)
