"""A relay on loopback and plain aiortc peers for it: what several tests of this folder need."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Any

import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from av import AudioFrame, VideoFrame

from infra.clock import Clock, SystemClock
from streaming.ports import (
    FeedId,
    Grant,
    May,
    Negotiated,
    RelayEvent,
    RoomId,
    SeatId,
    SessionId,
    Want,
)
from streaming.relay import EmbeddedRelay, RelayConfig

ROOM = RoomId("viulu")
ARTIST = SeatId("artist0000000000")
GUEST = SeatId("guest00000000000")
FEED = FeedId(ROOM, ARTIST)
WANT = Want((FEED,))
FOREVER = 4e9

_numbers = itertools.count(1)


def grant(seat: SeatId, *may: May, epoch: int = 1, sessions: int = 1) -> Grant:
    """A right of a new session."""
    session = SessionId(f"session{next(_numbers):09}")
    return Grant(session, ROOM, seat, frozenset(may), FOREVER, epoch, sessions)


def artist(epoch: int = 1) -> Grant:
    """The right to publish."""
    return grant(ARTIST, May.PUBLISH, epoch=epoch)


def guest(epoch: int = 1, seat: SeatId = GUEST, sessions: int = 1) -> Grant:
    """The right to view."""
    return grant(seat, May.VIEW, epoch=epoch, sessions=sessions)


@asynccontextmanager
async def relay_on(*addresses: str, clock: Clock | None = None) -> AsyncIterator[EmbeddedRelay]:
    """A started relay with one open room in epoch 1."""
    relay = EmbeddedRelay(
        RelayConfig(addresses=addresses or ("127.0.0.1",)), clock or SystemClock()
    )
    await relay.start()
    await relay.open_room(ROOM, 1, 1)
    try:
        yield relay
    finally:
        await relay.stop()


async def until(condition: Callable[[], Any], timeout_s: float = 10.0) -> None:
    """Wait until the condition holds; fails after `timeout_s`."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)


async def event(events: AsyncIterator[RelayEvent], kind: type, timeout_s: float = 10.0) -> Any:
    """The next event of this kind."""
    async with asyncio.timeout(timeout_s):
        async for each in events:
            if isinstance(each, kind):
                return each
    raise AssertionError("events ended")


class Picture(MediaStreamTrack):
    """A plain picture whose brightness is `self.shade`, 15 a second."""

    kind = "video"

    def __init__(self, width: int = 160, height: int = 120, shade: int = 90) -> None:
        super().__init__()
        self.shade = shade
        self._size = (height, width)
        self._count = 0

    async def recv(self) -> VideoFrame:
        """The next frame."""
        await asyncio.sleep(1 / 15)
        luma = np.full((self._size[0] * 3 // 2, self._size[1]), 128, np.uint8)
        luma[: self._size[0]] = self.shade
        luma[: self._size[0], : 8 + self._count % 32] = 235
        frame = VideoFrame.from_ndarray(luma, format="yuv420p")
        frame.pts, frame.time_base = self._count * 6000, _fraction(90_000)
        self._count += 1
        return frame


class Tone(MediaStreamTrack):
    """A stereo tone: 440 Hz left, silence right."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    async def recv(self) -> AudioFrame:
        """The next 20 ms."""
        await asyncio.sleep(0.02)
        at = np.arange(self._count * 960, self._count * 960 + 960)
        samples = np.zeros((1, 1920), np.int16)
        samples[0, 0::2] = 8000 * np.sin(2 * np.pi * 440 * at / 48_000)
        frame = AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
        frame.sample_rate = 48_000
        frame.pts, frame.time_base = self._count * 960, _fraction(48_000)
        self._count += 1
        return frame


def _fraction(rate: int) -> Fraction:
    return Fraction(1, rate)


def connection() -> RTCPeerConnection:
    """A plain aiortc peer without any STUN server."""
    return RTCPeerConnection(RTCConfiguration(iceServers=[]))


class Publisher:
    """A plain aiortc publisher by WHIP-like negotiation."""

    def __init__(self, codec: str = "H264") -> None:
        self.pc = connection()
        self.picture = Picture()
        self.pc.addTrack(Tone())
        self.pc.addTrack(self.picture)
        wanted = [
            c
            for c in RTCRtpSender.getCapabilities("video").codecs
            if c.mimeType.lower() in (f"video/{codec.lower()}", "video/rtx")
        ]
        self.pc.getTransceivers()[1].setCodecPreferences(wanted)

    async def publish(self, relay: EmbeddedRelay, right: Grant) -> Negotiated:
        """Offer, and take the answer."""
        await self.pc.setLocalDescription(await self.pc.createOffer())
        made = await relay.publish(
            right, FeedId(right.room, right.seat), self.pc.localDescription.sdp
        )
        await self.pc.setRemoteDescription(RTCSessionDescription(made.sdp, "answer"))
        return made

    async def close(self) -> None:
        """Hang up."""
        await self.pc.close()


class Watcher:
    """A plain aiortc viewer that counts the frames it decoded."""

    def __init__(self) -> None:
        self.pc = connection()
        self.frames: dict[str, int] = {"audio": 0, "video": 0}
        self.last: dict[str, Any] = {}
        self._tasks: list[asyncio.Task[None]] = []

        @self.pc.on("track")
        def on_track(track: MediaStreamTrack) -> None:
            self._tasks.append(asyncio.create_task(self._read(track)))

    async def _read(self, track: MediaStreamTrack) -> None:
        while True:
            self.last[track.kind] = await track.recv()
            self.frames[track.kind] += 1

    async def view(self, relay: EmbeddedRelay, right: Grant, want: Want = WANT) -> Negotiated:
        """As WHEP does: offer, and take the answer."""
        self.pc.addTransceiver("audio", direction="recvonly")
        self.pc.addTransceiver("video", direction="recvonly")
        await self.pc.setLocalDescription(await self.pc.createOffer())
        made = await relay.view(right, want, self.pc.localDescription.sdp)
        await self.pc.setRemoteDescription(RTCSessionDescription(made.sdp, "answer"))
        return made

    async def take(self, relay: EmbeddedRelay, made: Negotiated) -> None:
        """As a page does: take an offer of the relay's, and answer."""
        await self.pc.setRemoteDescription(RTCSessionDescription(made.sdp, "offer"))
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        await relay.answer(made.session, self.pc.localDescription.sdp, made.etag)

    async def saw(self, video: int = 1, audio: int = 1, timeout_s: float = 10.0) -> None:
        """Wait until so many more frames were decoded."""
        goal = {"video": self.frames["video"] + video, "audio": self.frames["audio"] + audio}
        await until(lambda: all(self.frames[k] >= goal[k] for k in goal), timeout_s)

    async def close(self) -> None:
        """Hang up."""
        await self.pc.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
