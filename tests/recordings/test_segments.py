"""Packets become a file that plays: whole pictures, exact sound, both on one clock."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from recordings.boxes import PICTURE, RATE, runs
from recordings.segments import Segmenter
from recordings.sound import TimelineBroken
from streaming.ports import Batch, Track
from tests.recordings.flashbeep import FPS, source
from tests.recordings.measure import Seen, look
from tests.recordings.traces import batches

TRACE = Path(__file__).parent / "browser.rtp"


@dataclass
class Kept:
    """A writer that keeps everything in memory."""

    inits: dict[int, bytes] = field(default_factory=dict)
    segments: list[tuple[int, float, list[bytes]]] = field(default_factory=list)
    closed: int = 0

    def init(self, index: int, data: bytes) -> None:
        self.inits[index] = data

    def open(self, index: int, init: int, wall_s: float) -> None:
        assert index == len(self.segments) == self.closed
        self.segments.append((init, wall_s, []))

    def append(self, data: bytes) -> None:
        self.segments[-1][2].append(data)

    def close(self) -> None:
        self.closed += 1

    def file(self) -> bytes:
        parts, last = [], None
        for init, _, chunks in self.segments:
            if last is None:
                parts.append(self.inits[init])
            last = init
            parts += chunks
        return b"".join(parts)


def record(
    items: Iterable[tuple[Track, Batch]], *, picture: bool = True, sound: bool = True
) -> tuple[Kept, Segmenter]:
    kept = Kept()
    segmenter = Segmenter(kept, wall_offset_s=1_000_000.0, picture=picture, sound=sound)
    for track, batch in items:
        segmenter.push(track.kind, batch)
    segmenter.finish()
    return kept, segmenter


def within(seen: Seen, limit_ms: float) -> None:
    assert seen.offsets_ms, "no flash and beep found"
    mean = sum(seen.offsets_ms) / len(seen.offsets_ms)
    assert abs(mean) <= limit_ms, f"mean offset {mean:.1f} ms"
    assert max(map(abs, seen.offsets_ms)) <= limit_ms


def test_every_picture_is_there_and_sound_goes_with_it() -> None:
    kept, segmenter = record(source(10))
    seen = look(kept.file())
    assert seen.numbers == list(range(10 * FPS))
    within(seen, 60)
    assert seen.loudness[0] > 2 * seen.loudness[1] > 0
    assert segmenter.duration_s == pytest.approx(10, abs=0.1)
    assert seen.sound_s == pytest.approx(10, abs=0.1)


def test_segments_are_two_seconds_of_half_second_chunks() -> None:
    kept, _ = record(source(10))
    starts = []
    for _, _, chunks in kept.segments:
        pictures = [run for run in runs(b"".join(chunks)) if run.track == PICTURE]
        starts.append(pictures[0].dts / RATE[PICTURE])
        assert pictures[0].flags[0] == 0x02000000, "a segment begins with a keyframe"
        assert all(run.end - run.dts <= 0.56 * RATE[PICTURE] for run in pictures)
    assert starts == pytest.approx([0.5, 2.5, 4.5, 6.5, 8.5])


def test_the_wall_clock_of_segments_is_the_servers() -> None:
    kept, _ = record(source(6, start_ms=50_000))
    # Her clock is decades away from ours; the fastest report came 4 ms after it was written.
    assert kept.segments[0][1] == pytest.approx(1_000_050.004, abs=0.01)
    assert kept.segments[1][1] - kept.segments[0][1] == pytest.approx(2, abs=0.001)


def test_without_reports_arrival_times_do() -> None:
    items = [(track, Batch(batch.packets)) for track, batch in source(8)]
    kept, _ = record(items)
    seen = look(kept.file())
    assert seen.numbers == list(range(8 * FPS))
    within(seen, 60)


@pytest.mark.parametrize("ppm", [-200, 200])
def test_a_sound_card_that_runs_wrong_stays_in_time(ppm: float) -> None:
    kept, _ = record(source(60, ppm=ppm))
    within(look(kept.file()), 60)


def test_late_and_lost_packets_cost_no_more_than_their_pictures() -> None:
    chance = random.Random(7)
    items: list[tuple[float, Track, Batch]] = []
    for track, batch in source(20):
        packets = []
        for packet in batch.packets:
            fate = chance.random()
            if fate < 0.01:
                continue
            if fate < 0.05:
                packet.arrival_ms += chance.uniform(20, 200)
                items.append((packet.arrival_ms, track, Batch((packet,))))
            else:
                packets.append(packet)
        when = (
            packets[0].arrival_ms
            if packets
            else batch.reports[0].arrival_ms
            if batch.reports
            else 0
        )
        if when:
            items.append((when, track, Batch(tuple(packets), batch.reports)))
    items.sort(key=lambda item: item[0])
    kept, segmenter = record((track, batch) for _, track, batch in items)
    seen = look(kept.file())
    assert segmenter.skipped > 0
    assert seen.numbers == sorted(seen.numbers), "nothing torn is ever shown"
    assert seen.sound_s == pytest.approx(20, abs=0.2)
    within(seen, 60)


def test_a_picture_that_stays_away_leaves_a_still_one_and_short_segments() -> None:
    items = [
        (track, batch)
        for track, batch in source(20)
        if track.kind == "audio"
        or not batch.packets
        or not 6_000 < batch.packets[0].arrival_ms < 13_000
    ]
    kept, _ = record(items)
    lengths = []
    for _, _, chunks in kept.segments:
        found = [run for run in runs(b"".join(chunks)) if run.track == PICTURE]
        lengths.append((found[-1].end - found[0].dts) / RATE[PICTURE])
    assert max(lengths) < 4
    assert sum(lengths) == pytest.approx(20, abs=0.1)
    # A repeated keyframe is a flash out of time; the true ones stand where they stood.
    offsets = look(kept.file()).offsets_ms
    assert sum(abs(offset) <= 60 for offset in offsets) >= 12


def test_sound_that_stays_away_is_silence() -> None:
    items = [
        (track, batch)
        for track, batch in source(12)
        if track.kind == "video"
        or not batch.packets
        or not 4_000 < batch.packets[0].arrival_ms < 9_000
    ]
    kept, _ = record(items)
    seen = look(kept.file())
    assert seen.numbers == list(range(12 * FPS))
    assert seen.sound_s == pytest.approx(12, abs=0.2)
    within(seen, 60)


def test_a_feed_without_pictures_shows_the_card() -> None:
    kept, segmenter = record(source(10, picture=False), picture=False)
    seen = look(kept.file())
    assert not segmenter.has_picture
    assert len(seen.beeps) >= 9
    assert segmenter.duration_s == pytest.approx(10, abs=0.2)


def test_a_feed_without_sound_is_silent() -> None:
    kept, _ = record(source(6, sound=False), sound=False)
    seen = look(kept.file())
    assert seen.numbers == list(range(6 * FPS))
    assert max(seen.loudness) == 0
    assert seen.sound_s == pytest.approx(6, abs=0.1)


def test_another_picture_size_takes_a_new_init_without_a_break() -> None:
    first = list(source(6))
    second = []
    for track, batch in source(12, size=(160, 90)):
        if track.kind == "video" and batch.packets and batch.packets[0].arrival_ms >= 7_000:
            for packet in batch.packets:
                packet.seq += 100_000
            second.append((track, batch))
    video = [(t, b) for t, b in first if t.kind == "video"] + second
    audio = [(t, b) for t, b in source(12) if t.kind == "audio"]
    items = sorted(
        video + audio, key=lambda item: (item[1].packets or item[1].reports)[0].arrival_ms
    )
    kept, _ = record(items)
    assert [init for init, _, _ in kept.segments] == [0, 0, 0, 1, 1, 1]
    seen = look(kept.file())
    assert len(seen.pictures) == 12 * FPS
    within(seen, 60)


def test_a_jump_of_the_timestamps_asks_for_another_take() -> None:
    kept = Kept()
    segmenter = Segmenter(kept, wall_offset_s=0)
    for track, batch in source(5):
        segmenter.push(track.kind, batch)
    with pytest.raises(TimelineBroken):
        for track, batch in source(5, start_ms=6_000):
            for packet in batch.packets:
                packet.seq += 100_000
                packet.timestamp += 100_000_000
            segmenter.push(track.kind, Batch(batch.packets))
    segmenter.finish()
    assert look(kept.file()).numbers[: 4 * FPS] == list(range(4 * FPS))


def test_nothing_decodable_writes_nothing() -> None:
    kept, segmenter = record([])
    assert not segmenter.started
    assert not kept.segments


def test_a_browsers_own_packets_play() -> None:
    (session,) = batches(TRACE, {102: "video", 111: "audio"})
    kept = Kept()
    segmenter = Segmenter(kept, wall_offset_s=0)
    for kind, batch in session:
        segmenter.push(kind, batch)
    segmenter.finish()
    seen = look(kept.file())
    assert len(seen.pictures) > 60
    assert segmenter.duration_s == pytest.approx(seen.sound_s, abs=0.1)
