"""A published recording, fetched as a player fetches it and decoded stretch by stretch."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from io import BytesIO

import aiohttp
import av
import numpy as np

from tests.recordings.measure import Seen, look

BARS = 16


@dataclass(frozen=True)
class Stretch:
    """One live stretch: what was seen and heard, its first and last picture in grey."""

    seen: Seen
    first: np.ndarray
    last: np.ndarray

    @property
    def pictures(self) -> list[float]:
        """Times of the pictures in seconds."""
        return self.seen.pictures

    @property
    def loudness(self) -> tuple[float, float]:
        """Left and right."""
        return self.seen.loudness

    @property
    def offsets_ms(self) -> list[float]:
        """Flash minus beep."""
        return self.seen.offsets_ms


async def decoded(url: str, recording: str) -> list[Stretch]:
    """The stretches of a recording, from its page's playlist on."""
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/recordings/{recording}") as answer:
            page = await answer.text()
        found = re.search(r'data-playlist="([^"]+)"', page)
        assert found, "the page names no playlist"
        address = url + found[1]
        async with session.get(address) as answer:
            assert answer.status == 200
            playlist = await answer.text()
        assert "#EXT-X-ENDLIST" in playlist
        folder = address.rsplit("/", 1)[0]

        async def piece(name: str) -> bytes:
            async with session.get(f"{folder}/{name}") as answer:
                assert answer.status == 200, name
                return await answer.read()

        files: list[bytes] = []
        for line in playlist.splitlines():
            if line == "#EXT-X-DISCONTINUITY":
                files.append(b"")
            elif line.startswith("#EXT-X-MAP"):
                name = line.split('"')[1]
                files = files or [b""]
                files[-1] += await piece(name)
            elif line and not line.startswith("#"):
                files[-1] += await piece(line)
    return [await asyncio.to_thread(stretch, file) for file in files]


def stretch(file: bytes) -> Stretch:
    """One stretch decoded."""
    grey = []
    with av.open(BytesIO(file), mode="r", format="mp4") as container:
        for frame in container.decode(video=0):
            grey.append(frame.reformat(format="gray").to_ndarray())
            del grey[1:-1]
    return Stretch(look(file), grey[0], grey[-1])


def tenths_in(grey: np.ndarray) -> int:
    """The artist's clock in tenths of a second, as the bars at the picture's foot show it."""
    height, width = grey.shape
    row = grey[height - height // 12]
    bar = width / BARS
    lit = [row[int((place + 0.5) * bar)] > 128 for place in range(BARS)]
    return sum(1 << (BARS - 1 - place) for place, on in enumerate(lit) if on)
