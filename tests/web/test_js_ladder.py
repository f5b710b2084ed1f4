"""By which way the show comes: `choose`, on one clock in ms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recordings.boxes import init_segment
from tests.web.javascript import ask, modules

NOW = 100_000
WAITS: dict[str, Any] = {
    "now": NOW,
    "expected": True,
    "stalled": False,
    "shut": False,
    "known": False,
    "running": False,
    "since": NOW,
    "frameAt": 0,
    "steadyAt": None,
}


@pytest.fixture(scope="module")
def js(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return modules(tmp_path_factory.mktemp("modules"))


def steps(js: Path, *cases: dict[str, Any]) -> list[str]:
    """What is done in each case; None stands for Infinity."""
    ways = [{**WAITS, **case} for case in cases]
    return list(
        ask(
            js,
            "ladder.js: choose",
            "ways.map((one) => choose({...one, steadyAt: one.steadyAt ?? Infinity}))",
            ways=ways,
        )
    )


def waited(ms: int, **other: Any) -> dict[str, Any]:
    return {"since": NOW - ms, **other}


def test_the_better_way_has_three_seconds_from_the_tap(js: Path) -> None:
    assert steps(js, waited(2900), waited(3000)) == ["none", "start"]


def test_where_it_is_shut_nothing_is_waited_for(js: Path) -> None:
    assert steps(js, waited(0, shut=True)) == ["start"]
    # It did not get through a moment ago either: it has half a second.
    assert steps(js, waited(400, known=True), waited(500, known=True)) == ["none", "start"]


def test_frames_that_stop_are_waited_for_and_not_longer(js: Path) -> None:
    seen = waited(60_000, frameAt=NOW - 2900)
    lost = waited(60_000, frameAt=NOW - 3000)
    assert steps(js, seen, lost) == ["none", "start"]


def test_nothing_begins_where_no_picture_is_due(js: Path) -> None:
    assert steps(js, waited(9000, expected=False), waited(9000, stalled=True)) == ["none", "none"]


def test_webrtc_takes_over_once_its_frames_are_steady(js: Path) -> None:
    running = waited(9000, running=True)
    assert steps(
        js,
        running,
        {**running, "steadyAt": NOW - 1100},
        {**running, "steadyAt": NOW - 1200},
    ) == ["none", "none", "stop"]


def test_the_end_of_the_picture_ends_the_segments(js: Path) -> None:
    assert steps(js, waited(9000, running=True, expected=False)) == ["stop"]
    # While the artist is away they go on: she comes back by them, too.
    assert steps(js, waited(9000, running=True, stalled=True)) == ["none"]


def test_the_media_type_is_read_from_the_init_segment(js: Path) -> None:
    sps = bytes.fromhex("6742c01fd9005005bb0110000003001000000303c0f1832480")
    data = init_segment(sps, bytes.fromhex("68cb83cb20"))
    read = "typeOf(Uint8Array.from(bytes).buffer)"
    found = ask(js, "cmaf.js: typeOf", read, bytes=list(data))
    assert found == 'video/mp4; codecs="avc1.42c01f,mp4a.40.2"'
    tried = "(() => { try { return typeOf(new ArrayBuffer(64)); } catch (error) { return error.message; } })()"
    assert ask(js, "cmaf.js: typeOf", tried) == "an init segment without a picture"
