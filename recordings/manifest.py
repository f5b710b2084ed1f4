"""What a recording consists of: public names over the segments of its takes. Pure.

Nothing is copied: a recording is a list over the files that the takes wrote.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from recordings.playlists import Entry, playlist
from recordings.ports import SegmentRef

PLAYLIST, POSTER = "index.m3u8", "poster.jpg"


@dataclass(frozen=True, slots=True)
class Manifest:
    """A recording's parts: the entries of its playlist, and the storage key behind each name."""

    entries: tuple[Entry, ...]
    keys: dict[str, str]

    @property
    def duration_s(self) -> float:
        """Length as a player counts it, in seconds."""
        return sum(entry.duration_s for entry in self.entries)

    def text(self) -> str:
        """The playlist of the whole recording."""
        return playlist(self.entries, ended=True)

    def dump(self) -> bytes:
        """As stored."""
        entries = [asdict(entry) for entry in self.entries]
        return json.dumps({"entries": entries, "keys": self.keys}).encode()

    @classmethod
    def load(cls, data: bytes) -> Manifest:
        """From what `dump` gave."""
        found = json.loads(data)
        return cls(tuple(Entry(**entry) for entry in found["entries"]), found["keys"])


def folder_key(recording: str) -> str:
    """Where everything of a recording's own lies in the storage."""
    return f"recordings/{recording}"


def manifest_key(recording: str) -> str:
    """Storage key of a recording's manifest."""
    return f"{folder_key(recording)}/manifest.json"


def poster_key(recording: str) -> str:
    """Storage key of a recording's poster."""
    return f"{folder_key(recording)}/{POSTER}"


def join(recording: str, takes: Sequence[Sequence[SegmentRef]]) -> Manifest:
    """One list of several takes: the timeline breaks where a take begins, and nowhere else."""
    entries: list[Entry] = []
    keys = {POSTER: poster_key(recording)}
    names: dict[str, str] = {}
    for refs in takes:
        for position, ref in enumerate(refs):
            if ref.init not in names:
                names[ref.init] = f"init-{len(names):03}.mp4"
                keys[names[ref.init]] = ref.init
            name = f"{len(entries):06}.m4s"
            keys[name] = ref.key
            entries.append(Entry(name, names[ref.init], ref.duration_s, ref.wall_s, position == 0))
    return Manifest(tuple(entries), keys)
