"""Our own static files, compressed once and kept in memory.

An address with the mark of its content (`?v=…`) may be kept for a year; without it a browser asks
again by ETag (modules import each other by plain names).
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

FOLDER = Path(__file__).parent / "static"
TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webmanifest": "application/manifest+json",
}
KEPT = {"font/woff2"}
"""Kinds that may be kept for a week although their address bears no mark."""
COMPRESSED = {".js", ".css", ".svg", ".webmanifest"}


@dataclass(frozen=True)
class StaticFile:
    """A file as it is sent."""

    changed_ns: int
    body: bytes
    small: bytes | None
    etag: str
    content_type: str


class StaticFiles:
    """`/static/{path}`: only files of the known kinds that lie in the folder itself."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder.resolve()
        self._kept: dict[Path, StaticFile] = {}

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The handler."""
        file = self._file(request.match_info["path"])
        age = "no-cache"
        if "v" in request.query:
            age = "public, max-age=31536000, immutable"
        elif file.content_type in KEPT:
            age = "public, max-age=604800"
        headers = {"ETag": f'"{file.etag}"', "Cache-Control": age, "Vary": "Accept-Encoding"}
        if file.etag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        body = file.body
        if file.small is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            body = file.small
        return web.Response(body=body, headers={**headers, "Content-Type": file.content_type})

    def _file(self, name: str) -> StaticFile:
        try:
            path = (self._folder / name).resolve()
        except ValueError:  # a NUL in the name
            raise web.HTTPNotFound from None
        if not path.is_relative_to(self._folder) or path.suffix not in TYPES:
            raise web.HTTPNotFound
        try:
            changed_ns = path.stat().st_mtime_ns
        except OSError:
            raise web.HTTPNotFound from None
        # By the file, not by the name: one file has names without end.
        kept = self._kept.get(path)
        if kept is None or kept.changed_ns != changed_ns:
            kept = self._kept[path] = self._read(path, changed_ns)
        return kept

    @staticmethod
    def _read(path: Path, changed_ns: int) -> StaticFile:
        body = path.read_bytes()
        text = path.suffix in COMPRESSED
        return StaticFile(
            changed_ns=changed_ns,
            body=body,
            small=gzip.compress(body, 9, mtime=0) if text else None,
            etag=hashlib.sha256(body).hexdigest()[:20],
            content_type=TYPES[path.suffix] + ("; charset=utf-8" if text else ""),
        )
