"""A viewer's slot: one stream each of sound and picture, whatever happens behind it."""

from __future__ import annotations

from streaming import rtcp
from streaming.feed import Feed
from tests.streaming.studio import FEED, SETS, Guest, Studio, payloads


def gapless(guest: Guest, kind: str = "video") -> list[tuple[int, int, bytes]]:
    got = guest.got("video" if kind == "video" else "audio")
    numbers = [number for number, _, _ in got]
    first = numbers[0]
    assert numbers == [(first + n) & 0xFFFF for n in range(len(numbers))]
    return got


def test_a_joiner_within_a_second_of_a_keyframe_gets_every_picture_since() -> None:
    studio = Studio()
    publisher = studio.publisher()
    publisher.picture(key=True)
    for _ in range(10):
        publisher.picture()
        studio.feed.flush()
        studio.pass_ms(40)
    guest = studio.guest()
    got = gapless(guest)
    assert len(got) == 3 + 20
    assert got[0][2] == SETS
    assert got[0][0] < 0x4000, "a run begins low, so that the roll-over count begins at 0"
    publisher.picture()
    studio.feed.flush()
    assert [n for n, _, _ in guest.got("video")] == [got[-1][0] + 1, got[-1][0] + 2]


def test_a_joiner_later_than_that_waits_for_the_keyframe_that_is_asked_for() -> None:
    studio = Studio()
    publisher = studio.publisher()
    publisher.picture(key=True)
    studio.feed.flush()
    studio.pass_ms(1100)
    asked = len(publisher.asked(rtcp.Pli))
    guest = studio.guest()
    assert len(publisher.asked(rtcp.Pli)) == asked + 1
    publisher.picture()
    publisher.sound()
    studio.feed.flush()
    assert guest.got("video") == []
    assert len(guest.got("audio")) == 1, "sound does not wait"
    publisher.picture(key=True)
    studio.feed.flush()
    assert payloads(gapless(guest))[0] == SETS


def test_numbers_and_time_go_on_over_a_new_publisher() -> None:
    studio = Studio()
    publisher = studio.publisher(seq=65_000, stamp=4_000_000_000)
    publisher.picture(key=True)
    studio.feed.flush()
    guest = studio.guest()
    studio.clock.advance(2000)
    second = studio.publisher(seq=9, stamp=77)
    second.picture()
    second.picture(key=True)
    studio.feed.flush()
    got = gapless(guest)
    assert len(got) == 6
    assert (got[3][1] - got[2][1]) & 0xFFFFFFFF == 180_000


def test_a_network_that_was_gone_leaves_no_hole_to_ask_for() -> None:
    studio = Studio()
    publisher = studio.publisher()
    guest = studio.guest()
    publisher.picture(key=True)
    studio.feed.flush()
    studio.pass_ms(8000)
    publisher.seqs["video"] += 1500  # eight seconds of packets that nobody got
    publisher.stamps["video"] += 720_000
    asked = len(publisher.asked(rtcp.Pli))
    publisher.picture()
    studio.feed.flush()
    assert len(publisher.asked(rtcp.Pli)) == asked + 1
    publisher.picture(key=True)
    studio.feed.flush()
    got = gapless(guest)
    assert len(got) == 6
    assert abs(((got[3][1] - got[2][1]) & 0xFFFFFFFF) - 8 * 90_000) < 9000


def test_numbers_and_time_go_on_over_a_switch_of_feeds() -> None:
    studio = Studio()
    other = Feed(FEED, studio.clock, studio.engine, lambda info: None, first=70_000)
    publisher = studio.publisher()
    publisher.picture(key=True)
    studio.feed.flush()
    guest = studio.guest()
    studio.clock.advance(500)
    studio.feed = other
    second = studio.publisher()
    second.picture(key=True)
    other.flush()
    guest.viewer.watch(other)
    got = gapless(guest)
    assert len(got) == 6
    assert (got[3][1] - got[2][1]) & 0xFFFFFFFF == 45_000
    publisher.picture()
    publisher.feed.flush()
    assert guest.got("video") == []


def test_a_lost_packet_is_sent_again_as_it_was_and_once_a_round_trip() -> None:
    studio = Studio()
    publisher = studio.publisher()
    guest = studio.guest()
    publisher.picture(key=True)
    studio.feed.flush()
    sealed = [d for d in studio.air.sent[guest.port] if d[1] & 0x7F == 120]
    number = int.from_bytes(sealed[1][2:4], "big")
    before = len(studio.air.sent[guest.port])
    nack = rtcp.Nack(1, guest.ssrcs["video"], (number, number - 30 & 0xFFFF))
    guest.viewer.on_rtcp([nack])
    guest.viewer.on_rtcp([nack])
    assert studio.air.sent[guest.port][before:] == [sealed[1]]
    studio.clock.advance(40)
    guest.viewer.on_rtcp([nack])
    assert studio.air.sent[guest.port][before:] == [sealed[1]] * 2
    assert guest.viewer.stats()["video_resent"] == 2


def test_sound_is_sent_again_too() -> None:
    studio = Studio()
    publisher = studio.publisher()
    guest = studio.guest()
    for _ in range(60):
        publisher.sound()
        studio.feed.flush()
    first = guest.got("audio")[0][0]
    guest.viewer.on_rtcp([rtcp.Nack(1, guest.ssrcs["audio"], (first + 3, first + 40))])
    assert guest.viewer.stats()["audio_resent"] == 1, "the ring holds a second of sound"


def test_what_comes_late_is_passed_on_in_its_place() -> None:
    studio = Studio()
    publisher = studio.publisher()
    guest = studio.guest()
    publisher.picture(key=True)
    publisher.stamps["video"] += 3600
    late = publisher.packet("video", publisher.seqs["video"] + 1, b"\x41late")
    publisher.seqs["video"] += 1
    publisher.picture()
    studio.feed.flush()
    publisher.arrive(late)
    studio.feed.flush()
    publisher.arrive(late)
    studio.feed.flush()
    got = guest.got("video")
    assert got[-1][2] == b"\x41late"
    assert sorted(n for n, _, _ in got) == list(range(got[0][0], got[0][0] + 6))


def test_what_comes_late_reaches_nobody_who_began_after_it() -> None:
    studio = Studio()
    publisher = studio.publisher()
    publisher.picture(key=True)
    publisher.stamps["video"] += 3600
    late = publisher.packet("video", publisher.seqs["video"] + 1, b"\x41late")
    publisher.seqs["video"] += 1
    publisher.picture(key=True)
    studio.feed.flush()
    guest = studio.guest()
    publisher.arrive(late)
    studio.feed.flush()
    assert b"\x41late" not in payloads(gapless(guest))


def test_padding_leaves_no_hole_and_late_padding_fills_its_own() -> None:
    studio = Studio()
    publisher = studio.publisher()
    guest = studio.guest()
    publisher.picture(key=True)
    publisher.send("video", b"")
    publisher.picture()
    studio.feed.flush()
    late = publisher.packet("video", publisher.seqs["video"] + 1, b"")
    publisher.seqs["video"] += 1
    publisher.picture()
    publisher.arrive(late)
    studio.feed.flush()
    got = guest.got("video")
    assert sorted(n for n, _, _ in got) == list(range(got[0][0], got[0][0] + 8))
    assert payloads(got)[-1] == b""


def test_a_pause_ends_what_could_be_sent_again() -> None:
    studio = Studio()
    publisher = studio.publisher()
    guest = studio.guest()
    publisher.picture(key=True)
    studio.feed.flush()
    old = guest.got("video")
    guest.viewer.pause()
    guest.viewer.pause()
    guest.viewer.on_rtcp([rtcp.Nack(1, guest.ssrcs["video"], (old[0][0],))])
    publisher.picture()
    studio.feed.flush()
    assert guest.got("video") == []
    studio.clock.advance(1000)
    guest.viewer.resume()
    publisher.picture(key=True)
    studio.feed.flush()
    got = gapless(guest)
    assert got[0][0] == old[-1][0] + 1
    guest.viewer.on_rtcp([rtcp.Nack(1, guest.ssrcs["video"], (old[0][0],))])
    assert guest.got("video") == []


def test_reports_come_at_once_early_again_and_then_each_second_on_one_clock() -> None:
    studio = Studio()
    publisher = studio.publisher()
    guest = studio.guest()
    times = []
    for tick in range(130):
        publisher.sound()
        if tick % 2 == 0:
            publisher.picture(key=True, packets=1)
        if tick == 10:
            publisher.report("audio", 1e9)
            publisher.report("video", 1e9)
        studio.feed.flush()
        guest.viewer.tick(studio.clock.monotonic_ms())
        reports = {report.ssrc: report for report in guest.reports()}
        if guest.ssrcs["video"] in reports:
            times.append(tick * 20)
            assert studio.clock.now().timestamp() == reports[guest.ssrcs["video"]].ntp_s
        studio.pass_ms(20)
    assert times == [0, 200, 1200, 2200] or times == [0, 200, 400, 1400, 2400]


def test_keyframes_are_asked_for_through_the_slot_and_only_for_its_picture() -> None:
    studio = Studio()
    publisher = studio.publisher()
    guest = studio.guest()
    publisher.picture(key=True)
    studio.feed.flush()
    studio.pass_ms(1500)
    asked = len(publisher.asked(rtcp.Pli))
    guest.viewer.on_rtcp([rtcp.Pli(1, 999), rtcp.Pli(1, guest.ssrcs["audio"])])
    assert len(publisher.asked(rtcp.Pli)) == asked
    guest.viewer.on_rtcp([rtcp.Fir(1, ((guest.ssrcs["video"], 1),))])
    assert len(publisher.asked(rtcp.Pli)) == asked + 1


def test_a_round_trip_is_measured_by_the_viewers_reports() -> None:
    studio = Studio()
    publisher = studio.publisher()
    guest = studio.guest()
    publisher.picture(key=True)
    studio.feed.flush()
    (report,) = guest.reports()
    middle = rtcp.to_ntp(report.ntp_s) >> 16 & 0xFFFFFFFF
    studio.clock.advance(150)
    block = rtcp.Block(guest.ssrcs["video"], 64, 1, 1, 0, middle, 65_536 // 10)
    guest.viewer.on_rtcp([rtcp.ReceiverInfo(1, (block,))])
    stats = guest.viewer.stats()
    assert round(stats["rtt_ms"]) == 50
    assert stats["video_fraction_lost"] == 0.25


def test_a_viewer_without_the_codec_gets_sound_alone() -> None:
    studio = Studio()
    publisher = studio.publisher()
    guest = studio.guest(watching=False)
    for lane in guest.viewer.lanes:
        lane.media.payload_types.pop("H264", None)
    guest.viewer.watch(studio.feed)
    guest.viewer.resume()
    publisher.picture(key=True)
    publisher.sound()
    studio.feed.flush()
    assert guest.got("video") == []
    assert len(guest.got("audio")) == 1
    guest.viewer.close()
    guest.viewer.close()


def test_nothing_goes_out_before_resume() -> None:
    studio = Studio()
    publisher = studio.publisher()
    guest = studio.guest(watching=False)
    guest.viewer.watch(studio.feed)
    publisher.picture(key=True)
    studio.feed.flush()
    assert guest.port not in studio.air.sent
    guest.viewer.resume()
    assert len(gapless(guest)) == 3
