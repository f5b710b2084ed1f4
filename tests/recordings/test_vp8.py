"""A publisher without H.264 is kept all the same, as H.264."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.segments import Segmenter
from recordings.vp8 import Vp8Pictures, descriptor
from streaming.ports import Batch, Packet
from tests.recordings.flashbeep import FPS, vp8_source
from tests.recordings.measure import look
from tests.recordings.test_segments import Kept, within


def record(lose: frozenset[int] = frozenset()) -> tuple[Kept, Segmenter]:
    kept = Kept()
    segmenter = Segmenter(kept, wall_offset_s=0)
    for track, batch in vp8_source(8):
        packets = [p for p in batch.packets if track.kind == "audio" or p.seq not in lose]
        segmenter.push(track.kind, Batch(packets, batch.reports), track.codec)
    segmenter.finish()
    return kept, segmenter


def test_every_picture_is_there_and_sound_goes_with_it() -> None:
    kept, segmenter = record()
    seen = look(kept.file())
    assert seen.numbers == list(range(8 * FPS))
    within(seen, 60)
    assert segmenter.has_picture
    assert len(kept.segments) == 4, "cut at the publisher's own keyframes"


def test_a_torn_picture_is_skipped_to_the_next_keyframe() -> None:
    kept, segmenter = record(frozenset({60}))
    seen = look(kept.file())
    assert segmenter.skipped > 0
    assert seen.numbers == sorted(seen.numbers)
    assert seen.numbers[-1] == 8 * FPS - 1
    within(seen, 60)


@pytest.mark.parametrize(
    ("payload", "at", "starts"),
    [
        (b"\x10\x00", 1, True),
        (b"\x00\x00", 1, False),
        (b"\x11\x00", 1, False),
        (b"\x90\x80\x05\x00", 3, True),
        (b"\x90\x80\x85\x06\x00", 4, True),
        (b"\x90\xe0\x85\x06\x01\x20\x00", 6, True),
    ],
)
def test_the_descriptor_is_read_in_all_its_forms(payload: bytes, at: int, starts: bool) -> None:
    assert descriptor(payload) == (at, starts)


@given(st.binary(max_size=40), st.booleans(), st.integers(0, 3))
def test_garbage_makes_no_picture_and_breaks_nothing(
    payload: bytes, marker: bool, lost: int
) -> None:
    pictures = Vp8Pictures()
    for number in range(3):
        packet = Packet(bytes(12) + payload, 12, number, number * 3000, marker, 0.0)
        assert pictures.push(packet, lost) == []
