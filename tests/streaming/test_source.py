"""One publisher: her streams told apart, her losses asked for, garbage dropped."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streaming import rtcp, rtp
from streaming.ports import SenderReport, Track
from streaming.source import Incoming, Source, SourceStream, SourceTrack

SOUND = Track("0", "audio", "opus", 111, 48_000)
PICTURE = Track("1", "video", "H264", 102, 90_000)


class Desk:
    """What a source hands on and asks for."""

    def __init__(self, *tracks: SourceTrack) -> None:
        self.taken: list[tuple[str, Incoming]] = []
        self.clocks: list[tuple[str, SenderReport]] = []
        self.asked: list[rtcp.Report] = []
        self.breaks = 0
        self.source = Source(
            tracks or (SourceTrack(SOUND, (1,)), SourceTrack(PICTURE, (2,))),
            self._send,
            take=self._take,
            report=self._clock,
            broken=self._break,
            now_ms=0.0,
        )

    def _send(self, plain: bytes) -> None:
        first, *rest = rtcp.parse(plain)
        assert isinstance(first, rtcp.ReceiverInfo), "a compound begins with a report"
        self.asked += [first] if first.blocks else []
        self.asked += rest

    def _take(self, stream: SourceStream, incoming: Incoming) -> None:
        self.taken.append((stream.track.kind, incoming))

    def _clock(self, stream: SourceStream, report: SenderReport) -> None:
        self.clocks.append((stream.track.kind, report))

    def _break(self) -> None:
        self.breaks += 1

    def numbers(self, kind: str) -> list[int]:
        return [incoming.number for k, incoming in self.taken if k == kind]


def picture(
    seq: int, stamp: int = 0, payload: bytes = b"abc", ssrc: int = 2, pt: int = 102
) -> bytes:
    return rtp.build(pt, seq, stamp, ssrc, payload)


def test_streams_are_told_apart_by_ssrc() -> None:
    desk = Desk()
    desk.source.on_rtp(rtp.build(111, 7, 0, 1, b"s"), 0)
    desk.source.on_rtp(picture(9), 0)
    assert [kind for kind, _ in desk.taken] == ["audio", "video"]


def test_streams_without_told_ssrcs_are_told_apart_by_payload_type_and_mid() -> None:
    desk = Desk(SourceTrack(SOUND, mid_extension=3), SourceTrack(PICTURE, mid_extension=3))
    wrong = rtp.build(102, 1, 0, 55, b"x", elements=((3, b"0"),))
    right = rtp.build(102, 2, 0, 56, b"x", elements=((3, b"1"),))
    desk.source.on_rtp(wrong, 0)
    desk.source.on_rtp(right, 0)
    desk.source.on_rtp(picture(3, ssrc=56), 0)
    assert desk.numbers("video") == [2, 3]
    assert desk.source.unknown == 1


def test_another_ssrc_takes_a_stream_over_only_when_the_first_is_silent() -> None:
    desk = Desk()
    desk.source.on_rtp(picture(5), 0)
    desk.source.on_rtp(picture(90, ssrc=77), 500)
    assert desk.numbers("video") == [5]
    desk.source.on_rtp(picture(91, ssrc=77), 1500)
    assert desk.numbers("video") == [5, 91]
    assert desk.source.streams[1].life == 2


def test_an_unknown_payload_type_goes_nowhere() -> None:
    desk = Desk()
    desk.source.on_rtp(picture(5, pt=97), 0)
    assert desk.taken == []
    assert desk.source.unknown == 1


def test_losses_are_asked_for_of_sound_and_picture() -> None:
    desk = Desk()
    for seq in (1, 3):
        desk.source.on_rtp(rtp.build(111, seq, 0, 1, b"s"), 0)
        desk.source.on_rtp(picture(seq + 65_534 & 0xFFFF), 0)
    desk.source.flush(0)
    nacks = [report for report in desk.asked if isinstance(report, rtcp.Nack)]
    assert [(nack.media_ssrc, nack.numbers) for nack in nacks] == [(1, (2,)), (2, (0,))]


def test_a_break_asks_for_a_keyframe_instead() -> None:
    desk = Desk()
    desk.source.on_rtp(picture(1), 0)
    desk.source.on_rtp(picture(2000), 0)
    desk.source.flush(0)
    assert desk.breaks == 1
    assert not [report for report in desk.asked if isinstance(report, rtcp.Nack)]


def test_rtx_is_unpacked_by_the_original_number_and_probes_are_ignored() -> None:
    desk = Desk(SourceTrack(PICTURE, (2,), rtx_payload_type=103))
    early = rtp.build(103, 1, 0, 3, b"\x00\x05late")
    desk.source.on_rtp(early, 0)  # before the first media packet
    desk.source.on_rtp(picture(4), 0)
    desk.source.on_rtp(picture(6), 0)
    desk.source.on_rtp(rtp.build(103, 2, 0, 3, b"\x00\x05late"), 1)
    desk.source.on_rtp(rtp.build(103, 3, 0, 3, b""), 1)
    assert desk.numbers("video") == [4, 6, 5]
    assert desk.taken[-1][1].payload == b"late"


def test_transport_feedback_goes_out_at_its_pace() -> None:
    desk = Desk(SourceTrack(PICTURE, (2,), transport_cc_extension=5))
    for tick in range(40):
        wide = tick.to_bytes(2, "big")
        packet = rtp.build(102, tick, 0, 2, b"x", elements=((5, wide),))
        desk.source.on_rtp(packet, tick * 10.0)
        desk.source.tick(tick * 10.0)
    told = [report for report in desk.asked if isinstance(report, rtcp.TransportCc)]
    assert 4 <= len(told) <= 8
    assert [report.count for report in told] == list(range(1, len(told) + 1))
    assert not [report for report in desk.asked if isinstance(report, rtcp.Remb)]


def test_remb_where_there_is_no_transport_feedback() -> None:
    desk = Desk(SourceTrack(PICTURE, (2,), remb=True))
    desk.source.on_rtp(picture(1), 0)
    desk.source.tick(50)
    assert [r for r in desk.asked if isinstance(r, rtcp.Remb)] == [
        rtcp.Remb(desk.asked[-1].ssrc, 2_500_000 >> 4 << 4, (2,))  # type: ignore[union-attr]  # a Remb
    ]


def test_her_reports_become_clocks_and_ours_go_back_each_second() -> None:
    desk = Desk()
    sr = rtcp.sender_report(2, 1e9, 0xFFFFFFF0, 1, 1)
    desk.source.on_rtcp(sr, 0)  # nothing to unwrap by yet
    desk.source.on_rtp(picture(1, stamp=16), 0)
    desk.source.on_rtcp(sr, 10)
    assert [(kind, clock.timestamp) for kind, clock in desk.clocks] == [("video", -16)]
    desk.source.tick(100)
    desk.source.tick(600)
    desk.source.tick(1200)
    reports = [report for report in desk.asked if isinstance(report, rtcp.ReceiverInfo)]
    assert [report.blocks[0].ssrc for report in reports] == [2, 2]
    assert reports[0].blocks[0].last_sr


def test_goodbye_to_every_stream_ends_it() -> None:
    desk = Desk()
    assert desk.source.on_rtcp(rtcp.bye([1]), 0)
    assert not desk.source.on_rtcp(rtcp.bye([2]), 0)


def test_b_frames_are_noticed() -> None:
    desk = Desk()
    for seq, stamp in enumerate((0, 9000, 3000, 6000)):
        desk.source.on_rtp(picture(seq, stamp), 0)
    assert desk.source.streams[1].backward == 1


def test_a_dead_source_hands_on_nothing() -> None:
    desk = Desk()
    desk.source.alive = False
    desk.source.on_rtp(picture(1), 0)
    assert desk.source.on_rtcp(rtcp.bye([1, 2]), 0)
    desk.source.tick(2000)
    assert desk.taken == []
    assert desk.asked == []


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_garbage_is_counted_and_dropped(datagrams: list[bytes]) -> None:
    desk = Desk()
    for data in datagrams:
        desk.source.on_rtp(data, 0)
        desk.source.on_rtcp(data, 0)
    desk.source.tick(5000)


def test_a_goodbye_counts_only_for_streams_of_her_own() -> None:
    source = Desk(SourceTrack(SOUND), SourceTrack(PICTURE)).source
    assert source.on_rtcp(rtcp.bye([77, 78]), 0), "nothing of hers has come yet"
    source.on_rtp(rtp.build(111, 7, 0, 1, b"s"), 0)
    assert source.on_rtcp(rtcp.bye([77]), 0)
    assert not source.on_rtcp(rtcp.bye([1, 77]), 0)
