"""RTP headers: read, written, patched, and never believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming import rtp

SMALL = st.integers(0, 0xFFFF)
LARGE = st.integers(0, 0xFFFFFFFF)
ELEMENTS = st.lists(
    st.tuples(st.integers(1, 255), st.binary(min_size=0, max_size=40)),
    max_size=5,
    unique_by=lambda e: e[0],
)


@given(st.integers(0, 127), SMALL, LARGE, LARGE, st.binary(max_size=50), st.booleans(), ELEMENTS)
def test_what_is_written_is_read_back(
    pt: int,
    seq: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    marker: bool,
    elements: list[tuple[int, bytes]],
) -> None:
    data = rtp.build(pt, seq, timestamp, ssrc, payload, marker=marker, elements=tuple(elements))
    header = rtp.parse(data)
    assert (header.payload_type, header.seq, header.timestamp) == (pt, seq, timestamp)
    assert (header.ssrc, header.marker) == (ssrc, marker)
    assert data[header.payload_at : header.payload_end] == payload
    for number, content in elements:
        assert rtp.extension(data, header, number) == content


@given(st.binary(max_size=80))
def test_garbage_raises_only_value_error(data: bytes) -> None:
    try:
        header = rtp.parse(data)
        rtp.extensions(data, header)
    except ValueError:
        return
    assert 12 <= header.payload_at <= header.payload_end <= len(data)


@given(st.binary(min_size=12, max_size=80))
def test_near_packets_raise_only_value_error(data: bytes) -> None:
    data = bytes([data[0] & 0x3F | 0x80]) + data[1:]
    try:
        header = rtp.parse(data)
        for _, start, end in rtp.extensions(data, header):
            assert header.extension_at <= start <= end <= header.extension_end
    except ValueError:
        pass


def test_padding_is_left_out_of_the_payload() -> None:
    data = bytearray(rtp.build(96, 1, 2, 3, b"abc" + bytes(3) + b"\x04"))
    data[0] |= 0x20
    header = rtp.parse(bytes(data))
    assert bytes(data[header.payload_at : header.payload_end]) == b"abc"


@pytest.mark.parametrize("padding", [0, 5, 255])
def test_untrue_padding_is_refused(padding: int) -> None:
    data = bytearray(rtp.build(96, 1, 2, 3, b"abc" + bytes([padding])))
    data[0] |= 0x20
    with pytest.raises(ValueError, match="padding"):
        rtp.parse(bytes(data))


def test_patch_touches_number_timestamp_and_source_only() -> None:
    data = rtp.build(96, 1, 2, 3, b"abc", marker=True, elements=((1, b"0"),))
    patched = bytearray(data)
    rtp.patch(patched, 0x1_0007, -1, 9)
    header = rtp.parse(bytes(patched))
    assert (header.seq, header.timestamp, header.ssrc) == (7, 0xFFFFFFFF, 9)
    assert patched[12:] == data[12:]
    assert patched[:2] == data[:2]


@given(st.integers(0, 1 << 40), st.integers(-30_000, 30_000))
def test_unwrap_finds_the_nearest(near: int, step: int) -> None:
    assert rtp.unwrap((near + step) & 0xFFFF, near, 16) == near + step


def test_a_late_number_does_not_move_the_unwrapper() -> None:
    unwrap = rtp.Unwrapper(16)
    assert [unwrap(n) for n in (65534, 65535, 1, 0, 65533, 2)] == [
        65534, 65535, 65537, 65536, 65533, 65538,
    ]  # fmt: skip


def test_rtcp_is_told_from_rtp_by_its_second_byte() -> None:
    assert rtp.is_rtcp(b"\x80\xc8\x00\x00")
    assert not rtp.is_rtcp(rtp.build(111, 1, 2, 3, b"", marker=True))
    assert not rtp.is_rtcp(b"\x80")
