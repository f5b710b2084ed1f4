"""Pure rules of the hall's parts: scenes, doors, footlights, loudness; and every text has its words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rooms.permissions import check
from rooms.phases import Phase, Right, Role, rights
from tests.web.javascript import FOLDER, ask, modules
from web.language import words

PARTS = (
    "applause chat companion company entrance evening farewell hall help media player presence sound"
    " soundtest stage trouble"
).split()
TEMPLATES = FOLDER.parents[1] / "templates"


@pytest.fixture(scope="module")
def js(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return modules(tmp_path_factory.mktemp("modules"))


def test_a_picture_is_shown_in_exactly_the_phase_in_which_guests_may_see(js: Path) -> None:
    scenes = ask(
        js,
        "stage.js: sceneOf",
        "phases.map((phase) => sceneOf(phase, 'live'))",
        phases=[phase.value for phase in Phase],
    )
    for phase, scene in zip(Phase, scenes, strict=True):
        assert (scene == "play") == (Right.VIEW in rights(Role.GUEST, phase)), phase


def test_before_the_artist_comes_the_curtain_is_shut_and_a_stall_keeps_the_picture(
    js: Path,
) -> None:
    seen = ask(js, "stage.js: sceneOf", "['empty', 'stalled'].map((s) => sceneOf('live', s))")
    assert seen == ["soon", "play"]


def test_the_door_is_open_exactly_when_the_seat_may_be_taken(js: Path) -> None:
    sights = ask(
        js,
        "entrance.js: sightOf",
        "phases.map(sightOf)",
        phases=[phase.value for phase in Phase],
    )
    for phase, sight in zip(Phase, sights, strict=True):
        if phase is Phase.ENDED:  # the hall's talk goes on for those inside; nobody new comes in
            continue
        try:
            check("enter", Role.GUEST, phase)
            may = True
        except Exception:
            may = False
        assert (sight == "open") == may, phase


MINUTE = 60_000


@pytest.mark.parametrize(
    ("starts", "doors", "least", "most"),
    [
        (90 * MINUTE, 60 * MINUTE, 20_000, 25_000),
        (50 * MINUTE, 20 * MINUTE, 8_000, 12_000),
        (-5 * MINUTE, -35 * MINUTE, 8_000, 12_000),
        (-5 * MINUTE, None, 8_000, 12_000),
        (90 * MINUTE, 9_000, 9_500, 11_000),
        (50 * MINUTE, 1_000, 1_500, 3_000),
    ],
)
def test_a_shut_door_is_asked_often_near_its_time_and_seldom_before(
    js: Path, starts: int, doors: int | None, least: int, most: int
) -> None:
    show = {"starts_at_ms": starts, "doors_at_ms": doors}
    pauses = ask(js, "entrance.js: pauseOf", "[0, 1].map((c) => pauseOf(show, 0, c))", show=show)
    assert pauses == [least, most]


def test_more_applause_is_more_light_in_five_levels(js: Path) -> None:
    levels = ask(
        js, "applause.js: levelOf", "Array.from({length: 200}, (_, claps) => levelOf(claps))"
    )
    assert levels == sorted(levels)
    assert sorted(set(levels)) == [0, 1, 2, 3, 4]


def test_seventy_per_cent_is_the_sound_as_it_was_made(js: Path) -> None:
    gains = ask(js, "player.js: gainOf", "[10, 70, 100].map(gainOf)")
    assert gains[1] == 1
    assert 0 < gains[0] < 0.05
    assert 1.9 < gains[2] < 2.1


def used_keys() -> set[str]:
    used: set[str] = set()
    for part in PARTS:
        source = (FOLDER / f"{part}.js").read_text(encoding="utf-8")
        for call in re.finditer(r"\b(?:text|plural|phoned|#tell)\(([^;]*?)\)[;,\]\s]", source):
            used |= set(re.findall(r'"([a-z]+(?:_[a-z]+)+|write|conversation|back)"', call[1]))
    for name in ("hall", "companion", "theatre"):
        used |= set(
            re.findall(r"_\('(\w+)'", (TEMPLATES / f"{name}.html").read_text(encoding="utf-8"))
        )
    return used


@pytest.mark.parametrize("lang", ["fi", "sv", "en"])
def test_every_text_that_the_pages_name_has_its_words(lang: str) -> None:
    used = used_keys()
    assert len(used) > 40
    assert used - set(words(lang).entries) == set()


def test_no_text_of_the_hall_lies_unused() -> None:
    sources = "".join((FOLDER / f"{part}.js").read_text(encoding="utf-8") for part in PARTS)
    sources += "".join(
        (TEMPLATES / f"{name}.html").read_text(encoding="utf-8")
        for name in ("hall", "companion", "theatre")
    )
    for domain in ("hall", "companion"):
        for key in words("fi").domains[domain]:
            if not key.startswith("role_"):
                assert re.search(rf"""["']{key}["']""", sources), key
