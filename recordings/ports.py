"""The recordings' seam to storage. A leaf."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SegmentRef:
    """One stored segment: `key` is written once (takes/{take}/{track}/{fence:08}-{index:08}.m4s).

    `start_s` on the take's timeline and `duration_s` in seconds; `init` is the key of its init
    segment; `discontinuity` says that the timeline breaks before it; `wall_s` is the UTC time of its
    first frame by the server's clock.
    """

    key: str
    init: str
    index: int
    start_s: float
    duration_s: float
    size: int
    wall_s: float
    discontinuity: bool = False


class Live(Protocol):
    """Who follows a feed's segments as they are made, in memory alone. Called in the recorder's thread:
    it must not block; an error ends it for this timeline and is no harm to the recording."""

    def init(self, index: int, data: bytes) -> None:
        """An init segment, before the first segment that needs it."""
        ...

    def open(self, index: int, init: int, wall_s: float) -> None:
        """A segment begins; `wall_s` is UTC of its first picture by the server's clock."""
        ...

    def append(self, data: bytes) -> None:
        """One chunk of the open segment."""
        ...

    def close(self) -> None:
        """The open segment is complete."""
        ...

    def ended(self) -> None:
        """The timeline ends; what follows begins another, with numbers from 0 again."""
        ...


class SegmentStore(Protocol):
    """Where the segments of takes live; returns when durable in the local spool, upload follows."""

    async def put_init(self, take: str, track: str, index: int, data: bytes) -> str:
        """Store an init segment; returns its key."""
        ...

    async def put(self, take: str, track: str, ref: SegmentRef, data: bytes) -> None:
        """Store a finished segment under `ref.key`; writing the same key twice is no error."""
        ...

    async def list(self, take: str, track: str) -> Sequence[SegmentRef]:
        """The take's segments in order, from what is stored, never from memory."""
        ...

    async def get(self, key: str, span: tuple[int, int] | None = None) -> bytes:
        """The bytes of an object, or of its span [start, end)."""
        ...

    async def seal(self, take: str, manifest: bytes) -> None:
        """The take is complete."""
        ...

    async def erase(self, take: str) -> None:
        """Delete everything of a take; idempotent."""
        ...
