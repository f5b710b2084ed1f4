"""The demo's artist: an ordinary WebRTC publisher over WHIP, a process of its own.

    python -m web.demo_artist --whip URL --bearer KEY [--whip URL --bearer KEY …]

Without arguments it reads its targets as JSON from standard input: `[{"show", "url", "bearer"}, …]`. It
publishes only while nobody else is on the air (`If-None-Match: *`), tries again every few seconds, takes
its leave at SIGTERM, and ends when its parent process does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

import aiohttp
import av
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError

from infra.logs import configure_logs, get_logger
from infra.scope import TaskScope
from infra.settings import load_settings
from web.demo_sound import SOUND_RATE
from web.demo_source import STEP_MS, VIDEO_CLOCK, Made, Synthetic

RETRY_S = 3.0
HTTP_TIMEOUT_S = 10.0
QUEUED = 50  # packets a track holds before the oldest fall out
SILENT_S = 4.0  # a relay that reports nothing for so long is gone: it reports each second
LATE_S = 0.5  # further behind than this, steps are left out
PARENT_S = 1.0

_log = get_logger("web.demo_artist")


@dataclass(frozen=True, slots=True)
class Target:
    """Where to publish, and with which broadcast key."""

    show: str
    url: str
    bearer: str


class PacketTrack(MediaStreamTrack):
    """Packets that are encoded already: aiortc only cuts them to RTP."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self._base = Fraction(1, VIDEO_CLOCK if kind == "video" else SOUND_RATE)
        self._queue: asyncio.Queue[Made | None] = asyncio.Queue(QUEUED)
        self._begun = kind == "audio"

    def put(self, made: Made) -> None:
        """Take a packet; picture begins with a keyframe."""
        self._begun = self._begun or made.keyframe
        if not self._begun:
            return
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(made)

    async def recv(self) -> av.Packet[Any]:
        """The next packet."""
        made = await self._queue.get()
        if made is None or self.readyState != "live":
            raise MediaStreamError
        packet = av.Packet(made.data)
        packet.pts, packet.time_base = made.time, self._base
        return packet

    def stop(self) -> None:
        """No more."""
        super().stop()
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(None)


class Player:
    """One show's source, played in real time to whoever listens; encoded once, and only while
    somebody does."""

    def __init__(self, show: str, zone: ZoneInfo) -> None:
        self._show = show
        self._zone = zone
        self._tracks: list[PacketTrack] = []
        self._wanted = asyncio.Event()

    def listen(self, *tracks: PacketTrack) -> None:
        """Packets go to these as well."""
        self._tracks.extend(tracks)
        self._wanted.set()

    def leave(self, *tracks: PacketTrack) -> None:
        """And no longer; idempotent."""
        self._tracks = [track for track in self._tracks if track not in tracks]
        if not self._tracks:
            self._wanted.clear()

    async def run(self) -> None:
        """Play until cancelled. Step n is due n × 20 ms after a full second of the wall clock."""
        began = time.time() // 1 + 1
        source = await asyncio.to_thread(
            Synthetic, self._show, datetime.fromtimestamp(began, self._zone)
        )
        number = 0
        while True:
            if not self._wanted.is_set():
                await self._wanted.wait()
                number = max(number, int((time.time() - began) * 1000 / STEP_MS) + 1)
            wait = began + number * STEP_MS / 1000 - time.time()
            if wait > 0:
                await asyncio.sleep(wait)
            elif wait < -LATE_S:
                number = int((time.time() - began) * 1000 / STEP_MS) + 1
                continue
            for made in source.step(number):
                for track in self._tracks:
                    if track.kind == made.kind:
                        track.put(made)
            number += 1


class Publisher:
    """Publishes one show for as long as it runs."""

    def __init__(self, target: Target, player: Player, http: aiohttp.ClientSession) -> None:
        self._target = target
        self._player = player
        self._http = http
        self._bearer = {"Authorization": f"Bearer {target.bearer}"}

    async def run(self) -> None:
        """Publish, wait until it ends, and again."""
        while True:
            wait_s = RETRY_S
            try:
                wait_s = await self._publish()
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                _log.info("not published", show=self._target.show, error=type(error).__name__)
            await asyncio.sleep(wait_s)

    async def _publish(self) -> float:
        """One session from offer to end; returns how long to wait before the next try (s)."""
        sound, picture = PacketTrack("audio"), PacketTrack("video")
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        over = asyncio.Event()

        @connection.on("connectionstatechange")
        def on_state() -> None:
            if connection.connectionState in ("failed", "closed"):
                over.set()

        resource: str | None = None
        try:
            connection.addTrack(sound)
            connection.addTrack(picture)
            _prefer_h264(connection)
            await connection.setLocalDescription(await connection.createOffer())
            status, answer, where, wait_s = await self._offer(connection.localDescription.sdp)
            if status != 201:
                return wait_s
            resource = urljoin(self._target.url, where)
            await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            self._player.listen(sound, picture)
            _log.info("on the air", show=self._target.show)
            await _over_or_silent(over, connection)
            _log.info("off the air", show=self._target.show)
            return RETRY_S
        finally:
            self._player.leave(sound, picture)
            if resource is not None:
                # a session that the house ended itself answers 404: no harm
                with suppress(aiohttp.ClientError, TimeoutError, OSError):
                    async with self._http.delete(resource, headers=self._bearer):
                        pass
            await connection.close()

    async def _offer(self, sdp: str) -> tuple[int, str, str, float]:
        headers = {**self._bearer, "Content-Type": "application/sdp", "If-None-Match": "*"}
        async with self._http.post(self._target.url, data=sdp, headers=headers) as response:
            answer = await response.text()
            if response.status not in (201, 412):
                _log.info("not published", show=self._target.show, status=response.status)
            wait_s = _seconds(response.headers.get("Retry-After"))
            return response.status, answer, response.headers.get("Location", ""), wait_s


async def _over_or_silent(over: asyncio.Event, connection: RTCPeerConnection) -> None:
    """Returns when the connection has ended, or the relay's reports stay out: a house that was killed
    says no goodbye, and consent to send (RFC 7675) runs out only after half a minute."""
    last: set[datetime] = set()
    heard: float | None = None
    while not over.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await over.wait()
        reports = (await connection.getStats()).values()
        told = {one.timestamp for one in reports if one.type == "remote-inbound-rtp"}
        if told != last:
            last, heard = told, time.monotonic()
        if heard is not None and time.monotonic() - heard > SILENT_S:
            return


def _seconds(header: str | None) -> float:
    try:
        return min(60.0, max(1.0, float(header or RETRY_S)))
    except ValueError:
        return RETRY_S


def _prefer_h264(connection: RTCPeerConnection) -> None:
    codecs = RTCRtpSender.getCapabilities("video").codecs
    wanted = [codec for codec in codecs if codec.mimeType.lower() in ("video/h264", "video/rtx")]
    for transceiver in connection.getTransceivers():
        if transceiver.kind == "video":
            transceiver.setCodecPreferences(wanted)


async def _parent_gone() -> None:
    """Returns when the process that started this one is no more."""
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(PARENT_S)


async def perform(targets: list[Target], zone: ZoneInfo) -> None:
    """Publish to every target until SIGTERM, SIGINT or the parent's end."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    scope = TaskScope("demo artist")

    async def watch() -> None:
        await _parent_gone()
        stop.set()

    timeout = aiohttp.ClientTimeout(total=HTTP_TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        scope.spawn(watch(), name="parent")
        for target in targets:
            player = Player(target.show, zone)
            scope.spawn(player.run(), name=f"player {target.show}")
            scope.spawn(Publisher(target, player, http).run(), name=f"publisher {target.show}")
        await stop.wait()
        await scope.close()


def _targets(arguments: list[str]) -> list[Target]:
    parser = argparse.ArgumentParser(prog="python -m web.demo_artist")
    parser.add_argument("--whip", action="append", default=[], help="address of a WHIP endpoint")
    parser.add_argument("--bearer", action="append", default=[], help="its broadcast key")
    given = parser.parse_args(arguments)
    if given.whip:
        pairs = zip(given.whip, given.bearer, strict=True)
        return [Target(url.rstrip("/").rsplit("/", 1)[-1], url, key) for url, key in pairs]
    found: Any = json.load(sys.stdin)
    return [Target(each["show"], each["url"], each["bearer"]) for each in found]


def main() -> None:
    """The process."""
    targets = _targets(sys.argv[1:])
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    asyncio.run(perform(targets, ZoneInfo(settings.timezone)))


if __name__ == "__main__":
    main()
