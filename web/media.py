"""Published recordings over HTTP: playlist, segments and poster under a prefix that cannot be guessed.

A name is looked up in the recording's manifest, never in a folder. Whatever is wrong (no such prefix,
withdrawn, not for this reader, no such name) is one and the same 404.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from infra.errors import LampioError, Unavailable, Unknown
from infra.storage import Storage
from recordings.catalogue import PREFIX_LENGTH, Recording, Recordings
from recordings.manifest import PLAYLIST, Manifest
from recordings.playlists import TYPES
from web.parts import PARTS

MayWatch = Callable[[web.Request, Recording], Awaitable[bool]]

NAMED = {**TYPES, "jpg": "image/jpeg"}
PUBLIC = "public, max-age=86400, immutable"
"""What is under a prefix never changes; a day, so that caches let go of what is withdrawn."""
ASKED = "public, no-cache"
"""The playlist is asked for each time: a hidden recording begins nowhere any more."""
PRIVATE = "private, no-store"
MOST_MANIFESTS = 64
ANSWER_S = 8.0
"""So long a storage is waited for, in seconds."""
AGAIN_S = 5

_PREFIX = re.compile(rf"[a-z0-9]{{{PREFIX_LENGTH}}}")
_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")


class Media:
    """`/media/{prefix}/{name}`; `may_watch` decides about what is not public."""

    def __init__(self, recordings: Recordings, storage: Storage, may_watch: MayWatch) -> None:
        self._recordings = recordings
        self._storage = storage
        self._may_watch = may_watch
        self._manifests: OrderedDict[str, Manifest] = OrderedDict()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The handler. Raises `Unknown`, and `Unavailable` in bounded time where the storage is away."""
        prefix, name = request.match_info["prefix"], request.match_info["name"]
        if not _PREFIX.fullmatch(prefix):
            raise _nothing()
        recording = await self._recordings.under(prefix)
        if not await self._may_watch(request, recording):
            raise _nothing()
        return await self.give(request, recording, name, public=recording.audience == "public")

    async def give(
        self, request: web.Request, recording: Recording, name: str, *, public: bool = False
    ) -> web.StreamResponse:
        """One of a recording's parts to who may have it; raises as `serve`."""
        async with in_time():
            return await self._give(request, recording, name, public)

    async def _give(
        self, request: web.Request, recording: Recording, name: str, public: bool
    ) -> web.StreamResponse:
        manifest = await self._manifest(recording)
        headers = {
            "Cache-Control": (ASKED if name == PLAYLIST else PUBLIC) if public else PRIVATE,
            "Content-Type": NAMED.get(name.rpartition(".")[2], ""),
            "Accept-Ranges": "bytes",
            "ETag": f'"{name}"',
        }
        if name != PLAYLIST and name not in manifest.keys:
            raise _nothing()
        if public and request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        if name == PLAYLIST:
            return self._playlist(request, manifest, headers)
        return await self._object(request, manifest.keys[name], headers)

    @staticmethod
    def _playlist(
        request: web.Request, manifest: Manifest, headers: dict[str, str]
    ) -> web.Response:
        del headers["Accept-Ranges"]
        response = web.Response(text=manifest.text(), headers=headers)
        response.enable_compression()
        return response

    async def _object(
        self, request: web.Request, key: str, headers: dict[str, str]
    ) -> web.Response:
        asked = request.headers.get("Range")
        matches = request.headers.get("If-Range", headers["ETag"]) == headers["ETag"]
        try:
            if asked is None or not matches or not (found := _RANGE.fullmatch(asked.strip())):
                # A range of another kind is as good as none (RFC 9110 14.2).
                return web.Response(body=await self._storage.get(key), headers=headers)
            size = await self._storage.size(key)
            span = _span(found.group(1), found.group(2), size)
            if span is None:
                return web.Response(status=416, headers={"Content-Range": f"bytes */{size}"})
            headers["Content-Range"] = f"bytes {span[0]}-{span[1] - 1}/{size}"
            body = await self._storage.get(key, span)
        except Unknown:
            raise _nothing() from None  # no poster could be made
        return web.Response(status=206, body=body, headers=headers)

    async def _manifest(self, recording: Recording) -> Manifest:
        manifest = self._manifests.pop(recording.id, None)
        if manifest is None:
            manifest = await self._recordings.manifest(recording.id)
        self._manifests[recording.id] = manifest
        while len(self._manifests) > MOST_MANIFESTS:
            self._manifests.popitem(last=False)
        return manifest


@asynccontextmanager
async def in_time() -> AsyncIterator[None]:
    """Raises `Unavailable` (`storage_away`) where the block takes longer than a player waits."""
    try:
        async with asyncio.timeout(ANSWER_S):
            yield
    except TimeoutError:
        raise Unavailable("storage_away", retry_after_s=AGAIN_S) from None


def _span(first: str, last: str, size: int) -> tuple[int, int] | None:
    """Start and end (exclusive) of one byte range; None if it lies outside (RFC 9110 14.1.2)."""
    if not first:
        count = int(last) if last else 0
        return (max(0, size - count), size) if count and size else None
    start = int(first)
    end = min(int(last) + 1 if last else size, size)
    return (start, end) if start < end else None


def _nothing() -> LampioError:
    return Unknown(message="no such media", sentence="err_not_found")


def setup_media(app: web.Application) -> None:
    """Add the route of published media."""
    parts = app[PARTS]
    media = Media(parts.recordings, parts.storage, parts.access.may_watch)
    app.router.add_get("/media/{prefix}/{name}", media.serve, name="media")
