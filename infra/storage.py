"""Objects by key: a folder by default, S3 by URL."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from obstore.store import LocalStore, MemoryStore, ObjectStore, from_url

from infra.errors import BadInput, Unknown

_KEY = re.compile(r"^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$")


class Storage:
    """Objects by key. Keys are made of ids only: parts of `[A-Za-z0-9._-]` with `/` between them.

    A put is whole or not there; nobody reads half an object. Raises `BadInput` (code `bad_key`) for a
    key of another shape.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, key: str, data: bytes) -> None:
        """Store `data` under `key`, in place of what was there."""
        await self._store.put_async(_checked(key), data)

    async def get(self, key: str, span: tuple[int, int] | None = None) -> bytes:
        """The object's bytes, or those of `span` (start, end; end exclusive, cut at the object's end).

        Raises `Unknown` if there is no such object.
        """
        try:
            if span is None:
                return bytes(await (await self._store.get_async(_checked(key))).bytes_async())
            start, end = span
            end = min(end, await self.size(key))
            if start >= end:
                return b""
            return bytes(await self._store.get_range_async(_checked(key), start=start, end=end))
        except FileNotFoundError:
            raise Unknown(message="no such object") from None

    async def size(self, key: str) -> int:
        """The object's size in bytes. Raises `Unknown`."""
        try:
            return int((await self._store.head_async(_checked(key)))["size"])
        except FileNotFoundError:
            raise Unknown(message="no such object") from None

    async def exists(self, key: str) -> bool:
        """Whether there is an object under this very key."""
        try:
            await self.size(key)
        except Unknown:
            return False
        return True

    async def list(self, prefix: str) -> list[str]:
        """The keys below `prefix` (a whole part of the key: `a` finds `a/b`, not `ab`), in order."""
        found = await self._store.list(_checked(prefix.rstrip("/"))).collect_async()
        return sorted(str(one["path"]) for one in found)

    async def delete(self, prefix: str) -> None:
        """Delete the object of this key and all below it; idempotent."""
        keys = await self.list(prefix)
        if await self.exists(prefix.rstrip("/")):
            keys.append(prefix.rstrip("/"))
        if keys:
            await self._store.delete_async(keys)


def open_storage(url: str) -> Storage:
    """Open a folder (a path or file://), `memory:///` or `s3://bucket/prefix`."""
    if "://" not in url or url.startswith("file://"):
        folder = Path(url.removeprefix("file://")).absolute()
        return Storage(LocalStore(folder, mkdir=True, automatic_cleanup=True))
    if url.startswith("memory://"):
        return Storage(MemoryStore())
    return Storage(
        from_url(
            url,
            # Without these a call waits three minutes when the storage is away.
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=15)},
            client_options={"timeout": "30s", "connect_timeout": "5s"},
        )
    )


def _checked(key: str) -> str:
    if not _KEY.match(key):
        raise BadInput("bad_key", "a storage key of the wrong shape")
    return key
