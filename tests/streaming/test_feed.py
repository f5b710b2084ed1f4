"""A feed: its publishers come and go, its subscribers stay; what it lets through and when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming import rtcp, rtp
from streaming.ports import Batch, FeedInfo, FeedState, Track
from tests.streaming.studio import (
    H264,
    OPUS,
    PICTURE_SSRC,
    SETS,
    SOUND_SSRC,
    Publisher,
    Sink,
    Studio,
)


@pytest.fixture
def studio() -> Studio:
    return Studio()


def state(studio: Studio) -> FeedState:
    return studio.feed.info.state


def states(studio: Studio) -> list[tuple[FeedState, int]]:
    return [(info.state, info.generation) for info in studio.told]


def test_a_feed_goes_live_with_its_first_packet(studio: Studio) -> None:
    assert state(studio) is FeedState.IDLE
    publisher = studio.publisher()
    assert states(studio) == []
    publisher.sound()
    assert states(studio) == [(FeedState.LIVE, 1)]
    assert [track.codec for track in studio.told[0].tracks] == ["opus", "H264"]


def test_nothing_for_three_seconds_is_a_stall_and_muted_is_not(studio: Studio) -> None:
    publisher = studio.publisher()
    publisher.sound()
    for _ in range(4):
        studio.pass_ms(2400)
        publisher.source.heard(studio.clock.monotonic_ms())  # ICE checks alone
    assert state(studio) is FeedState.LIVE
    studio.pass_ms(2000)
    studio.pass_ms(1100)
    assert state(studio) is FeedState.STALLED
    publisher.sound()
    assert state(studio) is FeedState.LIVE
    studio.pass_ms(3100)
    studio.pass_ms(30_100)
    assert state(studio) is FeedState.ENDED


def test_who_said_goodbye_has_ended_and_who_vanished_may_come_back(studio: Studio) -> None:
    publisher = studio.publisher()
    publisher.sound()
    studio.feed.close_source(publisher.source, ended=False)
    assert state(studio) is FeedState.STALLED
    second = studio.publisher()
    second.sound()
    assert states(studio)[-1] == (FeedState.LIVE, 2)
    studio.feed.close_source(publisher.source, ended=True)  # the dead one has no say
    assert state(studio) is FeedState.LIVE
    studio.feed.close_source(second.source, ended=True)
    assert state(studio) is FeedState.ENDED


def test_the_newest_publisher_takes_the_feed(studio: Studio) -> None:
    sink = Sink()
    studio.feed.attach(sink)
    first = studio.publisher()
    first.picture(key=True)
    second = studio.publisher()
    second.picture(key=True)
    first.picture(key=True)
    studio.feed.flush()
    assert [info.generation for info in sink.infos] == [1, 2]
    assert sink.seqs("video") == [0, 1, 2, 3, 4, 5]


def test_a_subscriber_gets_numbers_without_holes_over_publishers(studio: Studio) -> None:
    sink = Sink()
    studio.feed.attach(sink)
    for seq in (65_530, 17):
        publisher = studio.publisher(seq=seq)
        publisher.sound()
        publisher.picture(packets=1)  # before any keyframe: nothing to decode it by
        publisher.picture(key=True)
        publisher.send("video", b"")
        publisher.picture()
        studio.feed.flush()
    assert sink.seqs("video") == list(range(10))
    assert sink.seqs("audio") == [0, 1]
    first = sink.batches[1][1].packets[0]
    assert first.starts_keyframe
    assert first.data[first.payload_at :] == SETS


def test_parameter_sets_are_set_before_an_idr_that_lacks_them(studio: Studio) -> None:
    sink = Sink()
    studio.feed.attach(sink)
    publisher = studio.publisher()
    publisher.picture(key=True)
    publisher.picture(key=True, sets=False)
    studio.feed.flush()
    packets = [p for _, batch in sink.batches for p in batch.packets]
    assert [p.starts_keyframe for p in packets] == [True, False, False, True, False, False]
    assert [p.seq for p in packets] == list(range(6))
    assert packets[3].data[12:] == SETS
    assert packets[3].timestamp == packets[4].timestamp


def test_a_sink_that_fails_breaks_nothing(studio: Studio) -> None:
    class Broken(Sink):
        def on_packets(self, track: Track, layer: str | None, batch: Batch) -> None:
            raise RuntimeError("disk full")

        def on_feed(self, change: FeedInfo) -> None:
            raise RuntimeError("disk full")

    good = Sink()
    studio.feed.attach(Broken())
    studio.feed.attach(good)
    publisher = studio.publisher()
    publisher.sound()
    studio.feed.flush()
    assert good.seqs("audio") == [0]
    assert studio.feed.stats()["sink_failures"] == 2


def test_who_subscribes_late_is_told_the_state_and_the_clocks(studio: Studio) -> None:
    publisher = studio.publisher()
    publisher.sound()
    publisher.report("audio", 1e9)
    studio.feed.flush()
    sink = Sink()
    detach = studio.feed.attach(sink)
    assert [info.state for info in sink.infos] == [FeedState.LIVE]
    publisher.sound()
    studio.feed.flush()
    publisher.sound()
    studio.feed.flush()
    assert [len(batch.reports) for _, batch in sink.batches] == [1, 0]
    detach()
    detach()
    publisher.sound()
    studio.feed.flush()
    assert len(sink.batches) == 2


def plis(publisher: Publisher) -> int:
    return len(publisher.asked(rtcp.Pli))


def test_the_keyframe_clock_runs_at_4_s_and_at_2_s_while_somebody_records(studio: Studio) -> None:
    publisher = studio.publisher()

    def asked_in(seconds: float) -> int:
        before = plis(publisher)
        for _ in range(round(seconds * 20)):
            publisher.picture(key=True)
            studio.feed.flush()
            studio.pass_ms(50)
        return plis(publisher) - before

    assert asked_in(12) in (3, 4)
    detach = studio.feed.attach(Sink())
    assert asked_in(12) in (6, 7)
    detach()
    assert asked_in(12) in (3, 4)
    assert publisher.asked(rtcp.Pli)[0] == rtcp.Pli(
        publisher.asked(rtcp.Pli)[0].ssrc,  # type: ignore[union-attr]  # a Pli
        PICTURE_SSRC,
    )


def test_requests_are_merged_to_one_a_second(studio: Studio) -> None:
    publisher = studio.publisher()
    publisher.picture(key=True)
    studio.feed.flush()
    before = plis(publisher)
    for _ in range(40):
        studio.feed.request_keyframe()
        studio.pass_ms(50)
    assert plis(publisher) - before in (1, 2)


def test_a_shut_feed_lets_nothing_through_and_forgets_what_came(studio: Studio) -> None:
    sink = Sink()
    studio.feed.attach(sink)
    publisher = studio.publisher()
    publisher.picture(key=True)
    publisher.sound()
    studio.feed.shut()
    publisher.picture(key=True)
    publisher.sound()
    studio.feed.flush()
    assert sink.batches == []


def test_what_was_on_its_way_at_a_change_of_phase_is_refused(studio: Studio) -> None:
    sink = Sink()
    studio.feed.attach(sink)
    publisher = studio.publisher()
    for _ in range(10):
        publisher.picture(key=True)
        publisher.sound()
        studio.pass_ms(40)
    studio.feed.flush()
    held_up = publisher.packet("video", publisher.seqs["video"] + 1, SETS)
    publisher.seqs["video"] += 1
    sink.batches.clear()
    studio.feed.shut()
    asked = plis(publisher)
    studio.feed.open(5.0)
    assert plis(publisher) == asked, "an answer that came at once would be refused"
    publisher.picture(key=True)  # sent before, arrives now
    publisher.sound()
    studio.pass_ms(70)
    assert plis(publisher) == asked + 1, "a change of phase passes the limit"
    studio.pass_ms(350)
    assert plis(publisher) == asked + 2, "a browser answers no second request within 300 ms"
    publisher.arrive(held_up)  # captured before, stuck on the way
    studio.feed.flush()
    assert sink.batches == []
    publisher.stamps = {kind: stamp + 12_000 for kind, stamp in publisher.stamps.items()}
    publisher.picture(packets=1)  # needs the pictures before it
    publisher.picture(key=True)
    publisher.sound()
    studio.feed.flush()
    assert len(sink.seqs("video")) == 3
    assert len(sink.seqs("audio")) == 1


def test_transport_cc_and_other_extensions_reach_nobody(studio: Studio) -> None:
    sink = Sink()
    studio.feed.attach(sink)
    publisher = studio.publisher()
    plain = publisher.sound()
    assert plain[0] & 0x10
    studio.feed.flush()
    (packet,) = sink.batches[0][1].packets
    assert packet.payload_at == 12
    assert not packet.data[0] & 0x10


@given(
    st.lists(
        st.tuples(
            st.sampled_from([SOUND_SSRC, PICTURE_SSRC, 7]),
            st.sampled_from([OPUS, H264, 96]),
            st.integers(0, 65_535),
            st.integers(0, 2**32 - 1),
            st.binary(max_size=12),
            st.sampled_from([0, 1, 40, 900]),
        ),
        max_size=60,
    )
)
def test_whatever_a_publisher_sends_the_feed_stands_and_no_number_comes_twice(
    packets: list[tuple[int, int, int, int, bytes, int]],
) -> None:
    studio = Studio()
    sink = Sink()
    studio.feed.attach(sink)
    guest = studio.guest()
    publisher = studio.publisher()
    for ssrc, payload_type, seq, stamp, payload, wait_ms in packets:
        plain = rtp.build(payload_type, seq, stamp, ssrc, payload)
        publisher.source.on_rtp(plain, studio.clock.monotonic_ms())
        studio.feed.flush()
        studio.pass_ms(wait_ms)
        guest.viewer.tick(studio.clock.monotonic_ms())
    for kind in ("audio", "video"):
        seqs = sink.seqs("audio" if kind == "audio" else "video")
        assert len(seqs) == len(set(seqs))
