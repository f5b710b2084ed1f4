"""What is wrong with a recording is told to hosts and to the figures; a storage that is away answers so."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from infra.settings import Settings
from infra.storage import open_storage
from recordings.disk import Disk
from rooms.phases import Role
from streaming.ports import FeedId, RoomId, SeatId
from tests.conftest import free_port
from tests.evening.house import ORGANISATION
from tests.recordings.flashbeep import source
from tests.s3 import S3
from tests.web.conftest import STARTING_MS, Site
from web.main import serving

pytestmark = pytest.mark.one_database


async def heard(ws: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            message: dict[str, Any] = await ws.receive_json()
            if message["type"] == kind:
                return message


async def test_hosts_are_told_who_comes_later_too_and_guests_are_not(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    show = await site.show()
    captures = site.parts.captures
    host = site.browser()
    host_seat = await host.enter(site.link(await site.ticket(show, Role.HOST)))
    guest = site.browser()
    guest_seat = await guest.enter(site.link(await site.ticket(show)))
    async with host.socket(host_seat) as desk, guest.socket(guest_seat) as hall:
        await desk.send_json({"type": "hello", "id": 1})
        await hall.send_json({"type": "hello", "id": 1})
        assert (await heard(desk, "recording"))["trouble"] is None
        monkeypatch.setattr(captures, "disk", Disk(tmp_path, low=1 << 60))
        feed = FeedId(RoomId(show), SeatId("artist"))
        await captures.start(show, ORGANISATION, feed, 1)
        assert (await heard(desk, "recording"))["trouble"] == "disk_low"
        async with host.socket(host_seat) as second:
            await second.send_json({"type": "hello", "id": 1})
            assert (await heard(second, "recording"))["trouble"] == "disk_low"
        figures = site.parts.metrics.render().decode()
        assert 'lampio_recordings_in_trouble{kind="disk_low"} 1.0' in figures
        assert "lampio_spool_free_bytes " in figures
        await captures.stop(show)
        assert (await heard(desk, "recording"))["trouble"] is None
        await hall.close()
        told = [message.json()["type"] async for message in hall if message.type.name == "TEXT"]
        assert "recording" not in told


@pytest.mark.blocking_ms(STARTING_MS)
@pytest.mark.parametrize("how", ["killed", "silent"])
async def test_published_media_of_a_storage_that_is_away_is_unavailable_in_bounded_time(
    how: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.media.ANSWER_S", 0.5)
    s3 = S3(tmp_path / "s3", free_port())
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("web.main.open_storage", lambda url: open_storage(s3.url))
    await asyncio.to_thread(s3.start)
    try:
        async with serving(settings) as running, aiohttp.ClientSession() as http:
            parts = running.parts
            feed = FeedId(RoomId("hall"), SeatId("artist"))
            items = await asyncio.to_thread(list, source(4))
            await parts.captures.record("hall", "helsinki", feed, 1, items)
            recording = await parts.archive.run("hall", "helsinki", "at_once")
            assert recording is not None
            folder = f"{settings.public_url}/media/{recording.prefix}"
            s3.kill() if how == "killed" else s3.stop_answering()
            began = time.monotonic()
            asked = [http.get(f"{folder}/{n}") for n in ("index.m3u8", "poster.jpg", "000000.m4s")]
            answers = await asyncio.gather(*asked)
            assert time.monotonic() - began < 5
            assert [one.status for one in answers] == [503] * 3
            assert {one.headers["Retry-After"] for one in answers} == {"5"}
            async with http.get(f"{settings.public_url}/healthz") as other:
                assert other.status == 200
            await asyncio.to_thread(s3.start) if how == "killed" else s3.answer_again()
            async with http.get(f"{folder}/000000.m4s") as back:
                assert back.status == 200
    finally:
        s3.answer_again()
        s3.kill()
