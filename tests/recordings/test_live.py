"""The live window: the last half minute of one feed's air in one phase, sliding as RFC 8216 wants it."""

from __future__ import annotations

import re

import pytest

from recordings.boxes import KEY, PICTURE, Sample, fragment, runs
from recordings.live import KEPT_S, MOST_OPEN_BYTES, LiveWindow, LiveWindows
from recordings.recorder import Recorder, Subject
from streaming.ports import FeedId, RoomId, SeatId
from tests.recordings.flashbeep import source

FEED = FeedId(RoomId("hall"), SeatId("artist0000000000"))
OTHER = FeedId(RoomId("hall"), SeatId("artist0000000001"))
WALL_S = 1_790_000_000.0


def air(window: LiveWindow, segments: int, feed: FeedId = FEED, epoch: int = 1) -> None:
    """One take of so many segments of two seconds, ended."""
    leg = window.begin(feed, epoch)
    leg.init(0, b"init")
    for index in range(segments):
        leg.open(index, 0, WALL_S + index * 2)
        picture = Sample(45_000 + index * 180_000, 180_000, b"picture", KEY)
        leg.append(fragment(index + 1, [(PICTURE, [picture])]))
        leg.close()
    leg.ended()


def names(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def tag(text: str, name: str) -> int:
    found = re.search(rf"#EXT-X-{name}:(\d+)", text)
    return int(found[1]) if found else 0


def test_the_list_slides_and_numbers_only_grow() -> None:
    window = LiveWindow()
    air(window, 40)
    text = window.text()
    assert len(names(text)) == KEPT_S / 2
    assert names(text)[-1] == "000039.m4s"
    assert tag(text, "MEDIA-SEQUENCE") == 40 - len(names(text))
    assert "ENDLIST" not in text
    assert window.get(names(text)[0])
    assert window.get("000000.m4s") is None, "what slid out is let go"


def test_a_new_take_is_a_break_that_is_counted_once_it_has_slid_out() -> None:
    window = LiveWindow()
    air(window, 3)
    air(window, 3)
    text = window.text()
    assert text.count("#EXT-X-DISCONTINUITY\n") == 1
    assert tag(text, "DISCONTINUITY-SEQUENCE") == 0
    assert len(set(re.findall(r'MAP:URI="([^"]+)"', text))) == 2
    before = {name: period(text, name) for name in names(text)}
    air(window, 14)
    text = window.text()
    for name in names(text):
        assert before.get(name, 2) == period(text, name), "a segment's period never changes"
    air(window, 20)
    assert tag(window.text(), "DISCONTINUITY-SEQUENCE") == 3
    assert window.text().count("#EXT-X-DISCONTINUITY\n") == 0
    assert len(set(re.findall(r'MAP:URI="([^"]+)"', window.text()))) == 1


def period(text: str, name: str) -> int:
    """Breaks before this segment, counted from the beginning of all."""
    before = text.split(name)[0]
    return tag(text, "DISCONTINUITY-SEQUENCE") + before.count("#EXT-X-DISCONTINUITY\n")


@pytest.mark.parametrize(("feed", "epoch"), [(OTHER, 1), (FEED, 2)])
def test_another_artist_or_another_phase_begins_with_nothing(feed: FeedId, epoch: int) -> None:
    windows = LiveWindows()
    subject = Subject("hall", "turku", FEED, 1, 1)
    windows(subject)
    window = windows.of(FEED, 1)
    assert window is not None
    air(window, 3)
    assert windows.of(feed, epoch) is None, "nobody sees another's air"
    windows(Subject("hall", "turku", feed, epoch, 1))
    assert windows.of(FEED, 1) is None
    again = windows.of(feed, epoch)
    assert again is not None
    assert names(again.text()) == []
    assert again.size == 0
    air(again, 1, feed, epoch)
    assert names(again.text()) == ["000003.m4s"], "numbers go on"
    assert tag(again.text(), "DISCONTINUITY-SEQUENCE") == 1


def test_what_an_older_recorder_still_writes_is_seen_by_nobody() -> None:
    window = LiveWindow()
    old = window.begin(FEED, 1)
    old.init(0, b"init")
    old.open(0, 0, WALL_S)
    old.append(fragment(1, [(PICTURE, [Sample(0, 180_000, b"picture", KEY)])]))
    window.begin(FEED, 2)
    old.close()
    assert names(window.text()) == []
    assert window.size == 0


def test_after_the_air_is_left_nothing_is_held() -> None:
    windows = LiveWindows()
    windows(Subject("hall", "turku", FEED, 1, 1))
    window = windows.of(FEED, 1)
    assert window is not None
    air(window, 3)
    assert windows.size > 0
    windows.clear("hall")
    assert windows.size == 0
    assert windows.of(FEED, 1) is None
    windows.forget("hall")
    windows.forget("hall")


def test_a_segment_that_no_keyframe_ends_is_dropped_and_counted() -> None:
    windows = LiveWindows()
    windows(Subject("hall", "turku", FEED, 1, 1))
    window = windows.of(FEED, 1)
    assert window is not None
    air(window, 1)
    kept = window.size
    leg = window.begin(FEED, 1)
    leg.init(0, b"init")
    leg.open(0, 0, WALL_S)
    megabyte = bytes(1024 * 1024)
    most = 0
    for _ in range(200):
        leg.append(megabyte)
        most = max(most, window.size)
    assert kept < most <= kept + MOST_OPEN_BYTES, "what is open is counted, and bounded"
    assert window.size == kept
    leg.close()
    leg.open(1, 0, WALL_S)
    leg.append(fragment(1, [(PICTURE, [Sample(0, int(KEPT_S + 1) * 90_000, b"long", KEY)])]))
    leg.close()
    assert names(window.text()) == ["000000.m4s"], "nor one that is longer than the window"
    leg.open(2, 0, WALL_S)
    leg.append(fragment(2, [(PICTURE, [Sample(0, 180_000, b"picture", KEY)])]))
    leg.close()
    assert names(window.text()) == ["000000.m4s", "000001.m4s"]
    assert window.text().count("#EXT-X-DISCONTINUITY\n") == 1, "it begins afresh"
    assert windows.dropped == 2
    windows.forget("hall")
    assert windows.dropped == 2


@pytest.mark.blocking_ms(2000)
def test_a_recorder_that_keeps_nothing_fills_the_window() -> None:
    windows = LiveWindows()
    subject = Subject("hall", "turku", FEED, 1, 1)
    told: list[object] = []
    recorder = Recorder(subject, None, WALL_S, told.append, live=windows)
    recorder.drive(source(8))
    window = windows.of(FEED, 1)
    assert window is not None
    text = window.text()
    assert len(names(text)) == 4
    lengths = [float(length) for length in re.findall(r"#EXTINF:([\d.]+)", text)]
    assert sum(lengths) == pytest.approx(8, abs=0.2)
    for name in names(text):
        data = window.get(name)
        assert data
        assert {run.track for run in runs(data)} == {1, 2}, "picture and sound in each"
    assert told == []
