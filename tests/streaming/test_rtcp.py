"""RTCP: round trips, the wrap of NACK, garbage, and agreement with aiortc."""

from __future__ import annotations

import struct
import time
from typing import Any

import pytest
from aiortc import rtp as other
from hypothesis import given
from hypothesis import strategies as st

from streaming import rtcp

U16 = st.integers(0, 0xFFFF)
U32 = st.integers(0, 0xFFFFFFFF)
BLOCKS = st.builds(
    rtcp.Block, U32, st.integers(0, 255), st.integers(-(2**23), 2**23 - 1), U32, U32, U32, U32
)


@given(U32, st.lists(BLOCKS, max_size=4))
def test_receiver_report_round_trip(ssrc: int, blocks: list[rtcp.Block]) -> None:
    data = rtcp.receiver_report(ssrc, blocks)
    assert rtcp.parse(data) == [rtcp.ReceiverInfo(ssrc, tuple(blocks))]


@given(U32, st.floats(1e9, 2e9), U32, U32, U32, st.lists(BLOCKS, max_size=2))
def test_sender_report_round_trip(
    ssrc: int, ntp_s: float, timestamp: int, packets: int, octets: int, blocks: list[rtcp.Block]
) -> None:
    data = rtcp.sender_report(ssrc, ntp_s, timestamp, packets, octets, blocks)
    (report,) = rtcp.parse(data)
    assert isinstance(report, rtcp.SenderInfo)
    assert report.ntp_s == pytest.approx(ntp_s, abs=1e-6)
    assert report.rtp_timestamp == timestamp
    assert (report.packets, report.octets, list(report.blocks)) == (packets, octets, blocks)


@given(U32, U32, st.integers(0, 1 << 20), st.sets(st.integers(0, 90), min_size=1))
def test_nack_round_trip_over_the_wrap(
    ssrc: int, media: int, start: int, offsets: set[int]
) -> None:
    numbers = sorted(start + offset for offset in offsets)
    (report,) = rtcp.parse(rtcp.nack(ssrc, media, numbers))
    assert report == rtcp.Nack(ssrc, media, tuple(n & 0xFFFF for n in numbers))


def test_nack_is_one_entry_over_the_wrap() -> None:
    assert len(rtcp.nack(1, 2, [65534, 65535, 65536, 65540])) == 16


@given(U32, U32)
def test_pli_and_fir_round_trip(ssrc: int, media: int) -> None:
    assert rtcp.parse(rtcp.pli(ssrc, media)) == [rtcp.Pli(ssrc, media)]
    assert rtcp.parse(rtcp.fir(ssrc, [(media, 7)])) == [rtcp.Fir(ssrc, ((media, 7),))]


@given(U32, st.integers(0, 1 << 40), st.lists(U32, max_size=5))
def test_remb_keeps_18_significant_bits(ssrc: int, bitrate: int, ssrcs: list[int]) -> None:
    (report,) = rtcp.parse(rtcp.remb(ssrc, bitrate, ssrcs))
    assert isinstance(report, rtcp.Remb)
    assert report.ssrcs == tuple(ssrcs)
    assert bitrate * (1 - 2**-17) <= report.bitrate <= bitrate


@given(
    U16,
    st.integers(0, 1 << 30),
    st.lists(st.one_of(st.none(), st.integers(-300, 2000)), min_size=1, max_size=60),
    st.integers(0, 255),
)
def test_transport_cc_round_trip(
    base: int, start: int, steps: list[int | None], count: int
) -> None:
    arrivals: list[int | None] = []
    now = start
    for step in steps:
        now += step or 0
        arrivals.append(None if step is None else now)
    if all(arrival is None for arrival in arrivals):
        with pytest.raises(ValueError, match="nothing"):
            rtcp.transport_cc(1, 2, base, arrivals, count)
        return
    (report,) = rtcp.parse(rtcp.transport_cc(1, 2, base, arrivals, count))
    assert isinstance(report, rtcp.TransportCc)
    assert (report.base, report.count) == (base, count)
    wrap = 256 << 24  # the reference is a signed 24-bit count of 64 ms
    assert [a if a is None else a % wrap for a in report.arrivals] == [
        a if a is None else a % wrap for a in arrivals
    ]


@given(st.binary(max_size=100))
def test_garbage_raises_only_value_error(data: bytes) -> None:
    try:
        rtcp.parse(data)
    except ValueError:
        pass


@given(
    st.sampled_from([200, 201, 202, 203, 204, 205, 206]),
    st.integers(0, 31),
    st.booleans(),
    st.binary(max_size=60),
)
def test_bodies_of_garbage_raise_only_value_error(
    kind: int, count: int, padded: bool, body: bytes
) -> None:
    body += bytes(-len(body) % 4)
    head = bytes([0x80 | (0x20 if padded else 0) | count, kind, 0, len(body) // 4])
    try:
        rtcp.parse(head + body)
    except ValueError:
        pass


def test_a_nack_cannot_ask_for_everything() -> None:
    with pytest.raises(ValueError, match="too much"):
        rtcp.parse(rtcp.nack(1, 2, range(2000)))


def test_aiortc_reads_our_compound() -> None:
    block = rtcp.Block(5, 12, -3, 70_000, 4, 0x1234, 99)
    data = (
        rtcp.sender_report(1, 1.7e9, 5, 6, 7, [block])
        + rtcp.names([(1, "lampio")])
        + rtcp.nack(1, 2, [9, 10, 40])
        + rtcp.pli(1, 2)
        + rtcp.bye([1, 2])
    )
    theirs: list[Any] = list(other.RtcpPacket.parse(data))
    sr, sdes, nack, pli, bye = theirs
    assert sr.reports[0].packets_lost == -3
    assert sdes.chunks[0].items[0][1] == b"lampio"
    assert nack.lost == [9, 10, 40]
    assert (pli.fmt, bye.sources) == (other.RTCP_PSFB_PLI, [1, 2])
    assert [type(report).__name__ for report in rtcp.parse(data)] == [
        "SenderInfo", "Names", "Nack", "Pli", "Bye",
    ]  # fmt: skip


def test_we_read_what_aiortc_writes() -> None:
    packet = other.RtcpPsfbPacket(
        fmt=other.RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=other.pack_remb_fci(2_400_000, [7])
    )
    assert rtcp.parse(bytes(packet)) == [rtcp.Remb(1, 2_400_000, (7,))]
    sdes = other.RtcpSdesPacket(chunks=[other.RtcpSourceInfo(ssrc=3, items=[(1, b"abc")])])
    assert rtcp.parse(bytes(sdes)) == [rtcp.Names(((3, "abc"),))]


@given(st.lists(st.tuples(U32, st.text(max_size=20)), max_size=4))
def test_names_round_trip(cnames: list[tuple[int, str]]) -> None:
    assert rtcp.parse(rtcp.names(cnames)) == [rtcp.Names(tuple(cnames))]


def test_a_compound_that_says_too_much_is_refused_before_it_costs_anything() -> None:
    run = 0x1FFF  # "received, small delta": one chunk stands for 8,191 packets
    chunks = struct.pack("!8H", *[run] * 8)
    body = struct.pack("!IIHHI", 1, 2, 0, 65_000, 0) + chunks
    one = struct.pack("!BBH", 0x8F, 205, len(body) // 4) + body
    began = time.thread_time()
    for compound in (one, one * 30):
        with pytest.raises(ValueError, match="too much"):
            rtcp.parse(compound)
    assert time.thread_time() - began < 0.01
    nack = rtcp.nack(1, 2, range(17 * 20))
    assert len(rtcp.parse(nack * 3)) == 3
    with pytest.raises(ValueError, match="too much"):
        rtcp.parse(nack * 4)
    assert len(rtcp.parse(rtcp.pli(1, 2) * rtcp.MAX_REPORTS)) == rtcp.MAX_REPORTS
    with pytest.raises(ValueError, match="too much"):
        rtcp.parse(rtcp.pli(1, 2) * (rtcp.MAX_REPORTS + 1))


@pytest.mark.parametrize(
    "lie",
    [
        "81c90001",  # a block that is not there
        "80c9ffff00000001",  # longer than the datagram
        "a0c9000100000001",  # padding of 1 where none can be
        "a0c90001000000ff",  # padding longer than the packet
        "9fcb000100000001",  # thirty-one goodbyes in four bytes
        "9fca00020000000101ff6161",  # a name that runs over the end
        "81cd000200000001000000",  # feedback cut
        "8fce000400000001000000005245 4d42ff000000".replace(" ", ""),  # REMB of 255 sources
    ],
)
def test_lengths_that_lie_are_refused(lie: str) -> None:
    with pytest.raises(ValueError):
        rtcp.parse(bytes.fromhex(lie))
