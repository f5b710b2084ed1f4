"""Objects by key: a folder by default, S3 by URL."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, ObjectStore, from_url

from infra.errors import BadInput, Unavailable, Unknown

T = TypeVar("T")

READ_S = 10.0
WRITE_S = 60.0
"""How long a storage may take over one object, in seconds: then it counts as away."""

AGAIN_S = 5
_FULL = ("kind: StorageFull", "507 Insufficient Storage", "XMinioStorageFull")
_KEY = re.compile(r"^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$")


class Storage:
    """Objects by key. Keys are made of ids only: parts of `[A-Za-z0-9._-]` with `/` between them.

    A put is whole or not there; nobody reads half an object. Raises `BadInput` (code `bad_key`) for a
    key of another shape, and in bounded time `Unavailable`: `storage_full` where there is no room,
    `storage_away` for a storage that refuses, fails or does not answer.
    """

    def __init__(
        self, store: ObjectStore, *, read_s: float = READ_S, write_s: float = WRITE_S
    ) -> None:
        self._store = store
        self._read_s = read_s
        self._write_s = write_s

    async def put(self, key: str, data: bytes) -> None:
        """Store `data` under `key`, in place of what was there."""
        await _answered(self._write_s, self._store.put_async(_checked(key), data))

    async def get(self, key: str, span: tuple[int, int] | None = None) -> bytes:
        """The object's bytes, or those of `span` (start, end; end exclusive, cut at the object's end).

        Raises `Unknown` if there is no such object.
        """
        if span is None:
            return await _answered(self._read_s, self._whole(_checked(key)))
        start, end = span
        end = min(end, await self.size(key))
        if start >= end:
            return b""
        part = self._store.get_range_async(_checked(key), start=start, end=end)
        return bytes(await _answered(self._read_s, part))

    async def _whole(self, key: str) -> bytes:
        return bytes(await (await self._store.get_async(key)).bytes_async())

    async def size(self, key: str) -> int:
        """The object's size in bytes. Raises `Unknown`."""
        return int((await _answered(self._read_s, self._store.head_async(_checked(key))))["size"])

    async def exists(self, key: str) -> bool:
        """Whether there is an object under this very key."""
        try:
            await self.size(key)
        except Unknown:
            return False
        return True

    async def list(self, prefix: str) -> list[str]:
        """The keys below `prefix` (a whole part of the key: `a` finds `a/b`, not `ab`), in order."""
        listing = self._store.list(_checked(prefix.rstrip("/"))).collect_async()
        return sorted(str(one["path"]) for one in await _answered(self._write_s, listing))

    async def delete(self, prefix: str) -> None:
        """Delete the object of this key and all below it; idempotent."""
        keys = await self.list(prefix)
        if await self.exists(prefix.rstrip("/")):
            keys.append(prefix.rstrip("/"))
        if keys:
            await _answered(self._write_s, self._store.delete_async(keys))


def open_storage(url: str, *, read_s: float = READ_S, write_s: float = WRITE_S) -> Storage:
    """Open a folder (a path or file://), `memory:///` or `s3://bucket/prefix`.

    Keys, region and endpoint of an S3 are read from its usual `AWS_…` variables.
    """
    store: ObjectStore
    if "://" not in url or url.startswith("file://"):
        folder = Path(url.removeprefix("file://")).absolute()
        store = LocalStore(folder, mkdir=True, automatic_cleanup=True)
    elif url.startswith("memory://"):
        store = MemoryStore()
    else:
        store = from_url(
            url,
            # Without these a call waits three minutes when the storage is away.
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=15)},
            client_options={
                "timeout": "30s",
                "connect_timeout": "5s",
                # Options given here hide this one of the variables.
                "allow_http": os.environ.get("AWS_ALLOW_HTTP", "").lower() == "true",
            },
        )
    return Storage(store, read_s=read_s, write_s=write_s)


async def _answered(seconds: float, answer: Awaitable[T]) -> T:
    """What the storage answers within so many seconds, and its errors as ours."""
    try:
        async with asyncio.timeout(seconds):
            return await answer
    except FileNotFoundError:
        raise Unknown(message="no such object") from None
    except TimeoutError:
        raise Unavailable("storage_away", "no answer in time", retry_after_s=AGAIN_S) from None
    except (BaseError, OSError) as error:
        # Words of the storage may quote keys of signatures: only what kind of error it was is told.
        full = any(sign in str(error) for sign in _FULL)
        code = "storage_full" if full else "storage_away"
        raise Unavailable(code, type(error).__name__, retry_after_s=AGAIN_S) from None


def _checked(key: str) -> str:
    if not _KEY.match(key):
        raise BadInput("bad_key", "a storage key of the wrong shape")
    return key
