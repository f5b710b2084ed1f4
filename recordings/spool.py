"""A take on the local disk: written so that `kill -9` at any moment leaves something that plays.

    {take}/take.json                 whose take it is (its database row can be made anew from this)
    {take}/journal.jsonl             a line for each segment, before its first byte
    {take}/init-{n:08}.mp4
    {take}/{fence:08}-{n:08}.m4s     finished; `.part` while chunks are being appended

A chunk is one `write` and one `fdatasync`. What a crash leaves is cut after the last whole chunk.
Everything here blocks: it belongs in a worker thread.
"""

from __future__ import annotations

import json
import mmap
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from infra.logs import get_logger
from recordings.boxes import PICTURE, RATE, Run, runs, whole
from recordings.ports import SegmentRef

TRACK = "program"

log = get_logger("recordings.spool")


@dataclass(frozen=True, slots=True)
class TakeInfo:
    """Whose take it is. Times are UTC in milliseconds."""

    take: str
    room: str
    organisation: str
    participant: str
    feed: str
    epoch: int
    fence: int
    started_ms: int
    track: str = TRACK


def init_key(take: str, track: str, index: int) -> str:
    """Storage key of an init segment."""
    return f"takes/{take}/{track}/init-{index:08}.mp4"


def segment_key(take: str, track: str, fence: int, index: int) -> str:
    """Storage key of a segment: written once by the owner with this fence."""
    return f"takes/{take}/{track}/{fence:08}-{index:08}.m4s"


class TakeFolder:
    """One take's folder. As a `SegmentWriter` it takes what the cutter gives; the rest reads it back."""

    def __init__(self, spool: Path, info: TakeInfo) -> None:
        self.info = info
        self.path = spool / info.take
        self._file: BinaryIO | None = None
        self._part: Path | None = None

    @classmethod
    def create(cls, spool: Path, info: TakeInfo) -> TakeFolder:
        """Make the folder and write down whose it is. Raises OSError."""
        folder = cls(spool, info)
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
            _write_durably(folder.path / "take.json", json.dumps(asdict(info)).encode())
        except OSError:
            folder.remove()
            raise
        return folder

    @classmethod
    def found(cls, spool: Path) -> Iterator[TakeFolder]:
        """The folders that lie in the spool, in the order in which they were begun as far as that can be
        told; those that never got a name are removed."""
        named: list[TakeFolder] = []
        for path in sorted(spool.iterdir()) if spool.is_dir() else []:
            try:
                info = TakeInfo(**json.loads((path / "take.json").read_bytes()))
            except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
                shutil.rmtree(path, ignore_errors=True)
                continue
            except OSError as error:  # a disk that cannot read now may be able to at the next start
                log.error("take cannot be read", take=path.name, error=type(error).__name__)
                continue
            named.append(cls(spool, info))
        # Fence and epoch only grow; the wall clock between two takes may have been set.
        yield from sorted(
            named, key=lambda one: (one.info.fence, one.info.epoch, one.info.started_ms)
        )

    # --- writing ----------------------------------------------------------------------------------

    def init(self, index: int, data: bytes) -> None:
        """Write an init segment."""
        _write_durably(self.path / f"init-{index:08}.mp4", data)

    def open(self, index: int, init: int, wall_s: float) -> None:
        """Begin a segment; the journal knows it before its first byte."""
        line = json.dumps({"open": index, "init": init, "wall": round(wall_s, 3)}) + "\n"
        with (self.path / "journal.jsonl").open("ab") as journal:
            journal.write(line.encode())
            journal.flush()
            os.fdatasync(journal.fileno())
        self._part = self.path / (self._name(index) + ".part")
        self._file = self._part.open("wb", buffering=0)

    def append(self, data: bytes) -> None:
        """Write one chunk durably."""
        if self._file is None:
            raise OSError("no segment is open")
        written = self._file.write(data)
        if written != len(data):
            raise OSError("chunk written in part")
        os.fdatasync(self._file.fileno())

    def close(self) -> None:
        """The open segment is complete: it gets its name."""
        if self._file is None or self._part is None:
            return
        self._file.close()
        self._part.rename(self._part.with_suffix(""))
        self._file = self._part = None

    def abandon(self) -> None:
        """Close what is open as a crash would leave it; never raises."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        self._file = self._part = None

    # --- reading back -----------------------------------------------------------------------------

    def mend(self) -> None:
        """Cut what a crash left after its last whole chunk and give it its name; idempotent."""
        for part in self.path.glob("*.m4s.part"):
            data = part.read_bytes()
            good = whole(data)
            if not any(run.track == PICTURE for run in runs(data[:good])):
                part.unlink()
                continue
            with part.open("r+b") as file:
                file.truncate(good)
                os.fdatasync(file.fileno())
            part.rename(part.with_suffix(""))

    def refs(self) -> list[SegmentRef]:
        """The finished segments in order, read from the files themselves."""
        opened = self._journal()
        refs: list[SegmentRef] = []
        init, wall = 0, self.info.started_ms / 1000
        for path in sorted(self.path.glob(f"{self.info.fence:08}-*.m4s")):
            index = int(path.stem.split("-")[1])
            found = _runs_of(path)
            pictures = [run for run in found if run.track == PICTURE]
            if not pictures:
                continue
            start = pictures[0].dts / RATE[PICTURE]
            if index in opened:
                init, wall = opened[index]
            elif refs:
                wall = refs[-1].wall_s + refs[-1].duration_s
            take, track = self.info.take, self.info.track
            refs.append(
                SegmentRef(
                    key=segment_key(take, track, self.info.fence, index),
                    init=init_key(take, track, init),
                    index=index,
                    start_s=round(start, 6),
                    duration_s=round(_end_s(pictures, PICTURE) - start, 6),
                    size=path.stat().st_size,
                    wall_s=wall,
                    discontinuity=not refs,
                )
            )
        return refs

    def files(self) -> dict[str, Path]:
        """Finished files by storage key."""
        base = f"takes/{self.info.take}/{self.info.track}/"
        finished = [*self.path.glob("init-*.mp4"), *self.path.glob("*.m4s")]
        return {base + path.name: path for path in finished}

    def remove(self) -> None:
        """Delete the folder; idempotent."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _name(self, index: int) -> str:
        return f"{self.info.fence:08}-{index:08}.m4s"

    def _journal(self) -> dict[int, tuple[int, float]]:
        opened: dict[int, tuple[int, float]] = {}
        try:
            lines = (self.path / "journal.jsonl").read_bytes().splitlines()
        except OSError:
            return opened
        for line in lines:
            try:
                entry = json.loads(line)
                opened[int(entry["open"])] = (int(entry["init"]), float(entry["wall"]))
            except (ValueError, KeyError, TypeError):
                continue  # the last line may be torn
        return opened


def _runs_of(path: Path) -> list[Run]:
    """What a segment holds, without reading its pictures from the disk."""
    if not path.stat().st_size:
        return []
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return list(runs(data))


def _end_s(found: list[Run], track: int) -> float:
    return max(run.end for run in found if run.track == track) / RATE[track]


def _write_durably(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".new")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fdatasync(file.fileno())
    part.rename(path)
