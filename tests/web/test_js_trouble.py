"""What the page says when something is wrong, and what it tries: `judge`, on one clock in ms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.web.javascript import ask, modules

NOW = 100_000
WELL: dict[str, Any] = {
    "now": NOW,
    "lostAt": None,
    "expected": True,
    "stalled": False,
    "blind": False,
    "first": False,
    "lineUp": True,
    "lineAt": NOW - 30,
    "mendAt": None,
    "pictureAt": NOW - 30,
    "soundAt": NOW - 30,
}


@pytest.fixture(scope="module")
def js(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return modules(tmp_path_factory.mktemp("modules"))


def judged(js: Path, **changes: Any) -> tuple[str | None, list[str]]:
    found = ask(js, "trouble.js: judge", "judge(watched)", watched={**WELL, **changes})
    return found["sentence"], found["remedies"]


def still(ms: int) -> dict[str, int]:
    return {"pictureAt": NOW - ms, "soundAt": NOW - ms}


def test_nothing_is_said_while_the_picture_moves(js: Path) -> None:
    assert judged(js) == (None, [])
    # The socket alone is away: the show goes on, so nobody is disturbed.
    assert judged(js, lostAt=NOW - 30_000) == (None, [])


def test_nothing_is_missed_where_no_picture_is_due(js: Path) -> None:
    assert judged(js, expected=False, **still(60_000)) == (None, [])


@pytest.mark.parametrize(
    ("ms", "sentence"),
    [(1900, None), (2000, "lost_connection"), (19_900, "lost_connection"), (20_000, "still_lost")],
)
def test_a_lost_connection_is_told_after_two_seconds_and_the_phone_after_twenty(
    js: Path, ms: int, sentence: str | None
) -> None:
    assert judged(js, lostAt=NOW - ms, **still(ms)) == (sentence, [])
    assert judged(js, lostAt=NOW - ms, expected=False) == (sentence, [])


def test_the_artists_loss_is_told_only_once_the_server_knows(js: Path) -> None:
    assert judged(js, **still(3900))[0] is None
    assert judged(js, stalled=True, **still(3900)) == ("artist_lost", [])
    # However long it lasts, it is not this page's trouble.
    assert judged(js, stalled=True, **still(60_000)) == ("artist_lost", [])
    assert judged(js, stalled=True) == (None, [])


def test_a_standing_picture_is_helped_by_a_keyframe_and_then_by_a_new_session(js: Path) -> None:
    assert judged(js, **still(900)) == (None, [])
    assert judged(js, **still(1000)) == (None, ["probe", "keyframe"])
    # Something comes, so the artist may be the reason.
    assert judged(js, **still(4900)) == (None, ["probe", "keyframe"])
    assert judged(js, **still(5000)) == (None, ["probe", "view"])
    assert judged(js, **still(5500)) == ("lost_connection", ["probe", "view"])
    assert judged(js, **still(20_000)) == ("still_lost", ["probe", "view"])


@pytest.mark.parametrize("broken", [{"lineUp": False}, {"lineAt": NOW - 2000}])
def test_a_broken_line_looks_for_another_way_and_only_then_for_a_new_session(
    js: Path, broken: dict[str, Any]
) -> None:
    assert judged(js, **broken, **still(1900)) == (None, ["probe", "keyframe"])
    assert judged(js, **broken, **still(2000)) == (None, ["probe", "restart"])
    tried = {**broken, "mendAt": NOW - 7900}
    assert judged(js, **tried, **still(9900)) == ("lost_connection", ["probe", "restart"])
    tried["mendAt"] = NOW - 8000
    assert judged(js, **tried, **still(10_000)) == ("lost_connection", ["probe", "view"])
    # It is another way that was found: the picture gets its time before everything begins anew.
    found = {"mendAt": NOW - 5000, **still(7000)}
    assert judged(js, **found) == ("lost_connection", ["probe", "keyframe"])


def test_before_the_first_picture_nobody_sits_before_black_without_a_word(js: Path) -> None:
    assert judged(js, first=True, **still(1900))[0] is None
    assert judged(js, first=True, **still(2000))[0] == "picture_soon"
    assert judged(js, first=True, **still(5500))[0] == "lost_connection"


def test_sound_without_a_picture_is_a_slow_network(js: Path) -> None:
    assert judged(js, pictureAt=NOW - 6000) == ("sound_only", ["probe", "view"])


def test_a_browser_without_the_pictures_codec_keeps_its_sound_and_says_so(js: Path) -> None:
    # By segments the picture has its time; only then is it the device.
    assert judged(js, blind=True, first=True, pictureAt=NOW - 6000) == ("picture_soon", [])
    assert judged(js, blind=True, pictureAt=NOW - 8000) == ("err_old_device", [])
    # It is the codec only as long as sound comes; else it is a line like any other.
    assert judged(js, blind=True, **still(6000)) == ("lost_connection", ["probe", "view"])
