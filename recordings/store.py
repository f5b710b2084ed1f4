"""`SegmentStore` over a local spool and the house's storage: durable here at once, there soon after."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from infra.errors import Unknown
from infra.logs import get_logger
from infra.scope import TaskScope
from infra.storage import Storage
from recordings.ports import SegmentRef
from recordings.spool import TakeFolder, init_key

RETRY_FROM_S, RETRY_TO_S = 0.5, 30.0
AWAY_S = 10.0
"""An object that could not be brought there for so long: the storage counts as away."""

log = get_logger("recordings.store")


class SpooledStore:
    """Segments of takes. A take lives in the spool until it is sealed, then in the storage alone."""

    def __init__(self, storage: Storage, spool: Path) -> None:
        self._storage = storage
        self.spool = spool
        self._tasks = TaskScope("segment store")
        self._folders: dict[str, TakeFolder] = {}
        self._uploaded: dict[str, set[str]] = {}
        self._uploading: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._trying_since: dict[str, float] = {}

    @property
    def away(self) -> bool:
        """Whether the storage has refused or not answered for a while."""
        now = time.monotonic()
        return any(now - since >= AWAY_S for since in self._trying_since.values())

    async def close(self) -> None:
        """Stop uploading; what is missing is taken up at the next start. Idempotent."""
        await self._tasks.close()

    def adopt(self, folder: TakeFolder) -> None:
        """Make a take's folder known; its finished files are uploaded from now on."""
        self._folders.setdefault(folder.info.take, folder)
        self._uploaded.setdefault(folder.info.take, set())
        self.wake(folder.info.take)

    def wake(self, take: str) -> None:
        """Something was finished in the spool."""
        if take not in self._folders or self._tasks.closed:
            return
        task = self._uploading.get(take)
        if task is not None and not task.done():
            self._again.add(take)
            return
        self._uploading[take] = self._tasks.spawn(self._upload(take), name=f"upload:{take}")

    async def settled(self, take: str) -> None:
        """Wait until all that is finished in the spool is in the storage too."""
        self.wake(take)
        while (task := self._uploading.get(take)) is not None:
            await asyncio.shield(task)
            if not await self._missing(take):
                return
            self.wake(take)

    async def put_init(self, take: str, track: str, index: int, data: bytes) -> str:
        """Store an init segment; returns its key."""
        folder = self._folder(take)
        await asyncio.to_thread(folder.init, index, data)
        self.wake(take)
        return init_key(take, track, index)

    async def put(self, take: str, track: str, ref: SegmentRef, data: bytes) -> None:
        """Store a finished segment; writing the same key twice is no error."""
        folder = self._folder(take)
        await asyncio.to_thread(_write_segment, folder, ref, data)
        self.wake(take)

    async def list(self, take: str, track: str) -> Sequence[SegmentRef]:
        """The take's segments in order, from what is stored; none of a take nobody knows."""
        folder = self._folders.get(take)
        if folder is not None:
            return await asyncio.to_thread(folder.refs)
        try:
            manifest = json.loads(await self._storage.get(_manifest_key(take)))
        except Unknown:
            return []
        return [SegmentRef(**entry) for entry in manifest]

    async def get(self, key: str, span: tuple[int, int] | None = None) -> bytes:
        """The bytes of an object, or of its span [start, end). Raises `Unknown`."""
        folder = self._folders.get(key.split("/")[1]) if key.startswith("takes/") else None
        if folder is not None:
            path = folder.path / key.rsplit("/", 1)[1]
            try:
                data = await asyncio.to_thread(path.read_bytes)
            except OSError:
                pass  # sealed meanwhile: the storage has it
            else:
                return data if span is None else data[span[0] : span[1]]
        return await self._storage.get(key, span)

    async def seal(self, take: str, manifest: bytes) -> None:
        """The take is complete: its list is written, and the spool gives it up. Idempotent."""
        await self.settled(take)
        await self._storage.put(_manifest_key(take), manifest)
        folder = self._forget(take)
        if folder is not None:
            await asyncio.to_thread(folder.remove)

    async def erase(self, take: str) -> None:
        """Delete everything of a take, in the spool and in the storage; idempotent."""
        folder = self._forget(take)
        if folder is not None:
            await asyncio.to_thread(folder.remove)
        await self._storage.delete(f"takes/{take}")

    def _forget(self, take: str) -> TakeFolder | None:
        self._uploaded.pop(take, None)
        self._uploading.pop(take, None)
        self._trying_since.pop(take, None)
        return self._folders.pop(take, None)

    def _folder(self, take: str) -> TakeFolder:
        folder = self._folders.get(take)
        if folder is None:
            raise Unknown(message="no such take in the spool")
        return folder

    async def _missing(self, take: str) -> dict[str, Path]:
        folder = self._folders.get(take)
        if folder is None:
            return {}
        files = await asyncio.to_thread(folder.files)
        return {
            key: path for key, path in files.items() if key not in self._uploaded.get(take, set())
        }

    async def _upload(self, take: str) -> None:
        pause_s = RETRY_FROM_S
        while True:
            self._again.discard(take)
            for key, path in sorted((await self._missing(take)).items()):
                self._trying_since.setdefault(take, time.monotonic())
                try:
                    await self._storage.put(key, await asyncio.to_thread(path.read_bytes))
                except Exception as error:  # whatever the storage raises: the spool keeps it
                    log.warning("upload failed", take=take, error=type(error).__name__)
                    await asyncio.sleep(pause_s)
                    pause_s = min(pause_s * 2, RETRY_TO_S)
                    self._again.add(take)
                    break
                self._uploaded.get(take, set()).add(key)
                self._trying_since.pop(take, None)
                pause_s = RETRY_FROM_S
            if take not in self._again:
                return


def manifest_of(refs: Sequence[SegmentRef]) -> bytes:
    """The list of a take's segments, as `seal` stores it."""
    return json.dumps([asdict(ref) for ref in refs]).encode()


def _manifest_key(take: str) -> str:
    return f"takes/{take}/manifest.json"


def _write_segment(folder: TakeFolder, ref: SegmentRef, data: bytes) -> None:
    if (folder.path / ref.key.rsplit("/", 1)[1]).exists():
        return
    init = int(ref.init.rsplit("-", 1)[1].split(".")[0])
    folder.open(ref.index, init, ref.wall_s)
    folder.append(data)
    folder.close()
