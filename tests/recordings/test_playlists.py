"""Playlists are text that every player reads alike."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from recordings.manifest import Manifest, join
from recordings.playlists import Entry, playlist
from recordings.ports import SegmentRef

WALL = 1_795_529_519.8908


def entry(name: str, **other: object) -> Entry:
    fields = {"name": name, "init": "init-000.mp4", "duration_s": 2.0, "wall_s": WALL, **other}
    return Entry(**fields)  # type: ignore[arg-type]  # fields of a test's own


def test_a_recording_is_a_list_that_ends() -> None:
    assert playlist([entry("000000.m4s"), entry("000001.m4s")], ended=True).splitlines() == [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        "#EXT-X-TARGETDURATION:3",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        '#EXT-X-MAP:URI="init-000.mp4"',
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-24T14:11:59.891Z",
        "#EXTINF:2.00000,",
        "000000.m4s",
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-24T14:11:59.891Z",
        "#EXTINF:2.00000,",
        "000001.m4s",
        "#EXT-X-ENDLIST",
    ]


def test_another_picture_size_is_a_new_map_and_no_break() -> None:
    text = playlist([entry("a"), entry("b", init="init-001.mp4")], ended=True)
    assert text.count("#EXT-X-MAP") == 2
    assert "#EXT-X-DISCONTINUITY" not in text


def test_a_live_list_slides_with_its_numbers_and_never_changes_its_target() -> None:
    text = playlist([entry("a", duration_s=2.1)], ended=False, first=7, breaks_before=2, target_s=4)
    assert "#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-DISCONTINUITY-SEQUENCE:2\n" in text
    assert "#EXT-X-TARGETDURATION:4\n" in text
    assert "ENDLIST" not in text
    assert "PLAYLIST-TYPE" not in text


@given(st.lists(st.floats(0.05, 20), min_size=1, max_size=30))
def test_no_segment_is_longer_than_the_target(durations: list[float]) -> None:
    entries = [entry(f"{n}", duration_s=duration) for n, duration in enumerate(durations)]
    text = playlist(entries, ended=True)
    target = int(text.split("TARGETDURATION:")[1].split("\n")[0])
    assert all(round(duration) <= target for duration in durations)


def test_joined_takes_break_the_timeline_only_where_a_take_begins() -> None:
    def refs(take: str, count: int) -> list[SegmentRef]:
        return [
            SegmentRef(
                f"takes/{take}/program/{n}.m4s",
                f"takes/{take}/init",
                n,
                2.0 * n,
                2,
                9,
                WALL,
                n == 0,
            )
            for n in range(count)
        ]

    made = join("hall", [refs("a", 2), refs("b", 2)])
    assert [one.discontinuity for one in made.entries] == [True, False, True, False]
    assert made.text().count("#EXT-X-DISCONTINUITY\n") == 1, "none before the first segment"
    assert made.keys["000002.m4s"] == "takes/b/program/0.m4s"
    assert made.duration_s == 8
    assert Manifest.load(made.dump()) == made
