"""Where a decodable picture starts."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming import keyframes

SPS = b"\x67\x42\xc0\x1f\x01"
PPS = b"\x68\xce\x3c\x80"
IDR = b"\x65\x88\x84"
SLICE = b"\x41\x9a"


def stap(*units: bytes) -> bytes:
    return b"\x78" + b"".join(struct.pack("!H", len(unit)) + unit for unit in units)


@pytest.mark.parametrize(
    ("payload", "key", "sps"),
    [
        (IDR, True, None),
        (SLICE, False, None),
        (SPS, False, SPS),
        (stap(SPS, PPS), False, SPS),
        (stap(SPS, PPS, IDR), True, SPS),
        (stap(SLICE), False, None),
        (b"\x7c\x85\x88", True, None),  # FU-A, start, IDR
        (b"\x7c\x05\x88", False, None),  # FU-A, middle
        (b"\x7c\x81\x88", False, None),  # FU-A, start of a plain slice
        (b"", False, None),
        (b"\x7c", False, None),
        (b"\x78\x00", False, None),
        (b"\x78\x00\x09\x65", False, None),  # says more than there is
    ],
)
def test_h264(payload: bytes, key: bool, sps: bytes | None) -> None:
    contents = keyframes.h264(payload)
    assert (contents.key, contents.sps) == (key, sps)
    assert contents.opens == (key or sps is not None)


@pytest.mark.parametrize(
    ("payload", "key"),
    [
        (b"\x10\x00", True),
        (b"\x10\x01", False),  # inter frame
        (b"\x00\x00", False),  # not the start of a partition
        (b"\x11\x00", False),  # a later partition
        (b"\x90\x80\x81\x23\x00", True),  # 15-bit picture id
        (b"\x90\x80\x01\x00", True),  # 7-bit picture id
        (b"\x90\xe0\x81\x23\x07\x40\x00", True),
        (b"\x90\xe0\x81\x23\x07\x40\x01", False),
        (b"\x90\x80", False),
        (b"", False),
    ],
)
def test_vp8(payload: bytes, key: bool) -> None:
    assert keyframes.vp8(payload).key is key


@given(st.binary(max_size=40))
def test_garbage_never_raises(payload: bytes) -> None:
    for codec in ("H264", "VP8", "opus"):
        keyframes.look(codec, payload)


def test_parameter_sets_are_kept_for_an_idr_that_lacks_them() -> None:
    kept = keyframes.ParameterSets()
    assert kept.aggregate() is None
    kept.note(keyframes.h264(SPS), 100)
    kept.note(keyframes.h264(PPS), 100)
    assert kept.came_with(100)
    assert not kept.came_with(200)
    aggregate = kept.aggregate()
    assert aggregate is not None
    contents = keyframes.h264(aggregate)
    assert (contents.sps, contents.pps, contents.key) == (SPS, PPS, False)


def test_sets_that_would_not_fit_into_a_packet_are_not_kept() -> None:
    kept = keyframes.ParameterSets()
    kept.note(keyframes.h264(SPS), 100)
    kept.note(keyframes.h264(PPS), 100)
    before = kept.aggregate()
    kept.note(keyframes.h264(SPS + bytes(1300)), 200)
    kept.note(keyframes.h264(PPS + bytes(1300)), 200)
    assert kept.aggregate() == before and kept.came_with(200)
