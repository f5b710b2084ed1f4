"""Published media: only by names of the manifest, in ranges, one 404 for everything that is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDict
from yarl import URL

from infra.clock import SystemClock
from infra.database import Database
from infra.errors import LampioError
from infra.storage import open_storage
from recordings.archive import Archive
from recordings.catalogue import Recording, Recordings
from tests.recordings.flashbeep import source
from tests.recordings.taking import FEED, captures
from web.media import Media
from web.middleware import Handler


@dataclass
class Published:
    """A recording behind a server, and who may watch it."""

    client: TestClient[web.Request, web.Application]
    recordings: Recordings
    prefix: str
    asked: list[str] = field(default_factory=list)
    allowed: bool = True

    async def get(self, name: str, **headers: str) -> tuple[int, bytes, CIMultiDict[str]]:
        path = URL(f"/media/{self.prefix}/{name}", encoded=True)
        sent = {key.replace("_", "-"): value for key, value in headers.items()}
        async with self.client.get(path, headers=sent) as answer:
            return answer.status, await answer.read(), answer.headers.copy()


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except LampioError as error:
        return web.Response(status=error.status, text=error.code)


async def serve(folder: Path, database: Database, policy: str) -> AsyncIterator[Published]:
    clock, storage = SystemClock(), open_storage(str(folder / "media"))
    made = captures(folder, database)
    items = await asyncio.to_thread(list, source(4))
    await made.record("hall", "helsinki", FEED, 1, items)
    archive = Archive(captures=made, database=database, storage=storage, clock=clock)
    recording = await archive.run("hall", "helsinki", policy)
    assert recording is not None
    assert recording.prefix is not None
    recordings = Recordings(database, storage, clock)

    async def may_watch(request: web.Request, asked: Recording) -> bool:
        published.asked.append(asked.id)
        return published.allowed

    app = web.Application(middlewares=[errors])
    app.router.add_get("/media/{prefix}/{name}", Media(recordings, storage, may_watch).serve)
    async with TestClient(TestServer(app)) as client:
        published = Published(client, recordings, recording.prefix)
        yield published
    await made.close()


@pytest.fixture
async def public(tmp_path: Path, database: Database) -> AsyncIterator[Published]:
    async for published in serve(tmp_path, database, "at_once"):
        yield published


@pytest.fixture
async def restricted(tmp_path: Path, database: Database) -> AsyncIterator[Published]:
    async for published in serve(tmp_path, database, "ticket_holders"):
        yield published


async def test_everything_the_playlist_names_is_there_with_its_kind(public: Published) -> None:
    status, body, headers = await public.get("index.m3u8")
    assert status == 200
    assert headers["Content-Type"].startswith("application/vnd.apple.mpegurl")
    assert headers["Cache-Control"] == "public, no-cache"  # a hidden recording begins nowhere
    names = [line for line in body.decode().splitlines() if line and not line.startswith("#")]
    assert names == ["000000.m4s", "000001.m4s"]
    for name, kind in [
        *((one, "video/mp4") for one in [*names, "init-000.mp4"]),
        ("poster.jpg", "image/jpeg"),
    ]:
        status, body, headers = await public.get(name)
        assert (status, headers["Content-Type"]) == (200, kind)
        assert body


async def test_ranges_are_served_and_wrong_ones_refused(public: Published) -> None:
    _, whole, _ = await public.get("000000.m4s")
    size = len(whole)
    for asked, first, last in [
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, size - 1),
        ("bytes=-50", size - 50, size - 1),
        (f"bytes=10-{size * 9}", 10, size - 1),
    ]:
        status, body, headers = await public.get("000000.m4s", Range=asked)
        assert status == 206
        assert headers["Content-Range"] == f"bytes {first}-{last}/{size}"
        assert body == whole[first : last + 1]
    for asked in (f"bytes={size}-", "bytes=9-3", "bytes=-0"):
        status, _, headers = await public.get("000000.m4s", Range=asked)
        assert (status, headers["Content-Range"]) == (416, f"bytes */{size}"), asked
    for asked in ("bytes=0-1,5-6", "lines=1-2", "bytes=a-b", "bytes=" + "9" * 5000 + "-"):
        status, body, _ = await public.get("000000.m4s", Range=asked)
        assert (status, body) == (200, whole), asked


async def test_a_copy_that_is_still_right_is_not_sent_again(public: Published) -> None:
    _, _, headers = await public.get("000000.m4s")
    status, body, _ = await public.get("000000.m4s", If_None_Match=headers["ETag"])
    assert (status, body) == (304, b"")


@pytest.mark.parametrize(
    "name",
    [
        "000002.m4s",
        "manifest.json",
        "..%2f..%2flampio.sqlite3",
        "%2e%2e",
        "..%5cindex.m3u8",
        "index.m3u8%00",
        "000000.M4S",
        "takes%2fx",
    ],
)
async def test_a_name_that_is_not_in_the_manifest_does_not_exist(
    public: Published, name: str
) -> None:
    status, body, _ = await public.get(name)
    assert (status, body) in [(404, b"unknown"), (404, b"404: Not Found")]


@pytest.mark.parametrize("prefix", ["a" * 24, "A" * 24, "a" * 23, "..", "x" * 3000, "%c3%a9" * 24])
async def test_a_prefix_that_nobody_was_given_does_not_exist(
    public: Published, prefix: str
) -> None:
    public.prefix = prefix
    status, _, _ = await public.get("index.m3u8")
    assert status == 404


async def test_what_is_hidden_is_gone_at_once(public: Published) -> None:
    assert (await public.get("000000.m4s"))[0] == 200
    await public.recordings.hide("hall")
    for name in ("index.m3u8", "000000.m4s", "poster.jpg"):
        assert (await public.get(name))[:2] == (404, b"unknown")


async def test_what_is_for_ticket_holders_is_asked_about_each_time_and_kept_nowhere(
    restricted: Published,
) -> None:
    status, _, headers = await restricted.get("000000.m4s")
    assert (status, headers["Cache-Control"]) == (200, "private, no-store")
    restricted.allowed = False
    for name in ("index.m3u8", "000000.m4s", "poster.jpg"):
        assert (await restricted.get(name))[:2] == (404, b"unknown")
    assert len(restricted.asked) == 4


async def test_head_tells_the_same_without_the_body(public: Published) -> None:
    path = f"/media/{public.prefix}/000000.m4s"
    async with ClientSession() as session, session.head(public.client.make_url(path)) as answer:
        assert answer.status == 200
        assert int(answer.headers["Content-Length"]) > 1000
