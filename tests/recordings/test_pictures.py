"""Whole pictures or none, whatever comes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.pictures import Picture, Pictures
from recordings.reorder import HOLD_MS, Reorder
from recordings.sps import read_sps
from streaming.ports import Packet
from tests.recordings.flashbeep import FPS, payloads, pictures, source

SPS_OF_CHROMIUM = bytes.fromhex("6742c0208c8d407808bf737010d01078442350")


def packets(seconds: int = 4) -> list[Packet]:
    return [p for track, batch in source(seconds) if track.kind == "video" for p in batch.packets]


def all_of(found: list[Packet], lost: frozenset[int] = frozenset()) -> list[Picture]:
    made, before, out = Pictures(), 0, []
    for packet in found:
        if packet.seq in lost:
            before += 1
            continue
        out += made.push(packet, before)
        before = 0
    return out


def test_pictures_begin_with_a_keyframe_that_has_its_parameter_sets() -> None:
    found = all_of(packets())
    assert len(found) == 4 * FPS
    assert found[0].key
    assert found[0].sps[0] & 31 == 7
    assert [place for place, one in enumerate(found) if one.key] == [0, 2 * FPS]


def test_the_first_packet_lost_means_waiting_for_the_next_keyframe() -> None:
    found = all_of(packets()[1:])
    assert found[0].key
    assert len(found) == 2 * FPS


@given(st.sets(st.integers(0, 120), max_size=12))
def test_nothing_is_passed_on_that_builds_on_a_lost_packet(lost: set[int]) -> None:
    sent = packets()
    stamps = sorted({packet.timestamp for packet in sent})
    torn = {packet.timestamp for packet in sent if packet.seq in lost}
    allowed, good = set(), False
    for place, stamp in enumerate(stamps):
        if place % (2 * FPS) == 0:
            good = True
        if stamp in torn:
            good = False
        if good:
            allowed.add(stamp)
    found = {picture.timestamp for picture in all_of(sent, frozenset(lost))}
    assert found <= allowed
    # The very last loss may be noticed only by what follows it; all else that is whole is there.
    assert len(allowed - found) == 0


@given(st.randoms(use_true_random=False))
def test_order_of_arrival_does_not_matter_within_the_hold(chance: random.Random) -> None:
    sent = packets(2)
    for packet in sent:
        packet.arrival_ms += chance.uniform(0, HOLD_MS * 0.8)
    reorder, out = Reorder(), []
    for packet in sorted(sent, key=lambda one: one.arrival_ms):
        reorder.push([packet])
        out += list(reorder.pop(packet.arrival_ms))
    out += list(reorder.drain())
    # The first that comes sets where counting begins: what is before it is late.
    assert all(lost == 0 for _, lost in out)
    assert [packet.seq for packet, _ in out] == list(range(out[0][0].seq, len(sent)))


@given(st.binary(max_size=60), st.booleans(), st.integers(0, 3))
def test_garbage_makes_no_picture_and_breaks_nothing(
    payload: bytes, marker: bool, lost: int
) -> None:
    made = Pictures()
    for number in range(3):
        packet = Packet(bytes(12) + payload, 12, number, number * 3000, marker, 0.0)
        assert made.push(packet, lost) == []


def test_a_parameter_set_that_claims_too_much_is_not_handed_to_decoders() -> None:
    # 16384 × 16384 in ue(v): (1024 - 1) macroblocks each way.
    bits = (
        "1"
        + "1"
        + "1"
        + "1"
        + "1"
        + "0"
        + f"{1024:021b}"
        + f"{1024:021b}"
        + "1"
        + "1"
        + "0"
        + "0"
        + "1"
    )
    bits += "0" * (-len(bits) % 8)
    sps = bytes([0x67, 66, 0xC0, 31]) + int(bits, 2).to_bytes(len(bits) // 8, "big")
    assert read_sps(sps).width == 16384
    made = Pictures()
    for number, nal in enumerate([sps, b"\x68\xce\x3c\x80", b"\x65\x88\x84\x00"]):
        assert made.push(Packet(bytes(12) + nal, 12, number, 0, number == 2, 0.0), 0) == []


def test_a_browsers_parameter_set_is_read() -> None:
    info = read_sps(SPS_OF_CHROMIUM)
    assert (info.width, info.height, info.codec) == (960, 540, "avc1.42c020")


@given(st.binary(max_size=40))
def test_a_parameter_set_is_read_or_refused(data: bytes) -> None:
    try:
        info = read_sps(b"\x67" + data)
    except ValueError:
        return
    assert info.width > 0
    assert info.height > 0


def test_fragments_of_a_picture_come_together_again() -> None:
    unit = pictures(4)[0]
    assert len(payloads(unit)) > 2
    (first, *_) = all_of(packets())
    nals = [n for n in unit.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if n]
    for nal in nals:
        if nal[0] & 31 in (5, 7, 8):
            assert nal in first.data


@pytest.mark.parametrize("lost_at", [0, 5, 50])
def test_a_hole_is_waited_for_and_then_given_up(lost_at: int) -> None:
    sent = [one for one in packets() if one.seq != lost_at]
    reorder, seen = Reorder(), {}
    for packet in sent:
        reorder.push([packet])
        for one, lost in reorder.pop(packet.arrival_ms):
            seen[one.seq] = (lost, packet.arrival_ms - one.arrival_ms)
    if lost_at:
        assert seen[lost_at + 1][0] == 1
        assert seen[lost_at + 1][1] > HOLD_MS
