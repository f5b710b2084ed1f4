"""A stage and a hall of light peers that goes on while somebody attacks: nobody may lose a packet."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path as File

from structlog.testing import capture_logs

from streaming.peer import PeerTransport
from streaming.ports import SeatId, SessionId
from streaming.relay import EmbeddedRelay
from tests.streaming.house import WANT, artist, guest, relay_on, until
from tests.streaming.light import LightPeer

PAGE = os.sysconf("SC_PAGESIZE")


def resident_mb() -> float:
    """What this process holds in memory."""
    return int(File("/proc/self/statm").read_text().split()[1]) * PAGE / 1e6


class Crowd:
    """One artist, her audience, and the relay between them."""

    def __init__(self, relay: EmbeddedRelay, artist_: LightPeer, guests: list[LightPeer]) -> None:
        self.relay = relay
        self.artist = artist_
        self.guests = guests
        self.stamp = 1000
        self._count = 0

    @property
    def counters(self) -> dict[str, int]:
        """The relay's."""
        return self.relay.stats()

    def transport(self, peer: LightPeer) -> PeerTransport:
        """The relay's side of a peer."""
        return self.relay._sessions[SessionId(peer.session)].peer

    def step(self, key: bool = False) -> tuple[bytes, bytes]:
        """A picture and a sound; returns what is in them."""
        self._count += 1
        self.stamp += 3000
        picture, sound = b"picture%06d" % self._count, b"sound%06d" % self._count
        self.artist.frame(picture, self.stamp, key=key)
        self.artist.sound(sound, self.stamp)
        return picture, sound

    async def warm(self) -> None:
        """Until everybody sees and hears."""
        async with asyncio.timeout(10):
            while not all(g.texts("video") and g.texts("audio") for g in self.guests):
                self.step(key=True)
                await asyncio.sleep(0.02)

    async def settled(self) -> None:
        """Until all that was sent has been read on both sides."""
        await self.artist.reached()
        for each in self.guests:
            await each.reached()

    async def play(
        self,
        steps: int,
        attack: Callable[[int], None] = lambda step: None,
        *,
        but: tuple[LightPeer, ...] = (),
        pause_s: float = 0.001,
    ) -> None:
        """Play so many pictures and sounds, `attack` beside each; everyone but `but` must get all of
        them once and in order, and nothing else."""
        await self.settled()
        for each in self.guests:
            each.received.clear()
        sent = []
        for number in range(steps):
            sent.append(self.step())
            attack(number)
            await asyncio.sleep(pause_s)
        others = [g for g in self.guests if g not in but]
        pictures, sounds = [p for p, _ in sent], [s for _, s in sent]
        last = (pictures[-1], sounds[-1])

        def through() -> bool:
            return all(
                g.texts("video")[-1:] == [b"\x41" + last[0]] and g.texts("audio")[-1:] == [last[1]]
                for g in others
            )

        await until(through, 20)
        for each in others:
            assert each.texts("video") == [b"\x41" + picture for picture in pictures]
            assert each.texts("audio") == sounds


@asynccontextmanager
async def crowd(guests: int = 20, *, most_lines: int = 50, faults: int = 0) -> AsyncIterator[Crowd]:
    """A running stage. At the end: nobody was thrown out, no flood of lines, and no more of ours failed
    than `faults` lines tell."""
    with capture_logs() as lines:
        async with relay_on() as relay:
            publisher = LightPeer()
            await publisher.publish(relay, artist())
            audience = []
            for number in range(guests):
                each = LightPeer()
                await each.view(relay, guest(seat=SeatId(f"guest{number:011}")), WANT)
                audience.append(each)
            made = Crowd(relay, publisher, audience)
            try:
                await made.warm()
                tasks, began = len(asyncio.all_tasks()), len(lines)
                yield made
                assert faults or relay.stats()["datagrams_failed"] == 0
                assert not any(peer.closed_by_relay for peer in (publisher, *audience))
                await until(lambda: len(asyncio.all_tasks()) <= tasks)
                assert len(lines) - began < most_lines, lines[began : began + 5]
                failed = [
                    line
                    for line in lines
                    if line["event"] == "fault" or line["event"].endswith(" failed")
                ]
                assert len(failed) == faults, failed
            finally:
                for peer in (publisher, *audience):
                    await peer.close()
