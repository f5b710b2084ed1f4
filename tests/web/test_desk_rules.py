"""What the desks decide for themselves: pure modules, held to the server's tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rooms.phases import RIGHTS, TRANSITIONS, Phase, Right, Role
from tests.web.javascript import ask, modules

# What the archive step does is no button; a show that began is ended, not cancelled.
NO_BUTTON = {
    (Phase.ENDED, Phase.ARCHIVED),
}


@pytest.fixture(scope="module")
def js(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return modules(tmp_path_factory.mktemp("modules"))


def _with(role: Role, right: Right) -> set[str]:
    return {phase.value for phase in Phase if right in RIGHTS[phase][role]}


def test_the_hosts_steps_are_the_servers_transitions(js: Path) -> None:
    steps = ask(js, "steps.js: STEPS", "STEPS")
    table = {
        phase.value: {to.value for to in goals if (phase, to) not in NO_BUTTON}
        for phase, goals in TRANSITIONS.items()
    }
    assert {phase: set(goals) for phase, goals in steps.items()} == table


@pytest.mark.parametrize(
    ("phase", "ahead", "main", "others"),
    [
        ("scheduled", True, "rehearsal", ["doors", "cancelled"]),
        ("doors", True, "live", ["cancelled"]),
        ("live", True, "interval", ["ended"]),
        ("live", False, "ended", ["interval"]),
        ("interval", False, "live", ["ended"]),
        ("ended", False, None, []),
    ],
)
def test_the_natural_next_step_is_the_main_button(
    js: Path, phase: str, ahead: bool, main: str | None, others: list[str]
) -> None:
    steps = ask(
        js, "steps.js: stepsOf", "stepsOf(phase, {intervalAhead: ahead})", phase=phase, ahead=ahead
    )
    assert steps == {"main": main, "others": others}


def test_desks_know_the_phases_in_which_they_may_write_publish_and_view(js: Path) -> None:
    known = ask(
        js,
        "talk.js: WRITING_PHASES; air.js: STAGE_OPEN; monitor.js: VIEW_PHASES",
        "[WRITING_PHASES, STAGE_OPEN, VIEW_PHASES].map((set) => [...set])",
    )
    writing, publishing, viewing = (set(phases) for phases in known)
    assert writing == _with(Role.HOST, Right.WRITE) == _with(Role.ARTIST, Right.WRITE)
    assert publishing == _with(Role.ARTIST, Right.PUBLISH)
    assert viewing == _with(Role.HOST, Right.VIEW)


def facts(**other: Any) -> dict[str, Any]:
    sending = {"wants": True, "sending": "sending", "phase": "live", "onAir": "me", "you": "me"}
    return {**sending, "lost": False, "stage": "live", **other}


@pytest.mark.parametrize(
    ("given", "place"),
    [
        (facts(), "on_air"),
        (facts(stage=None), "on_air"),
        (facts(wants=False), "check"),
        (facts(phase="rehearsal"), "at_edge"),
        (facts(phase="doors"), "at_edge"),
        (facts(phase="interval"), "interval"),
        (facts(onAir=None), "connecting"),
        (facts(onAir="another"), "other"),
        (facts(stage="stalled"), "healing"),
        (facts(stage="empty"), "connecting"),
        (facts(sending="healing"), "healing"),
        (facts(lost=True), "healing"),
        (facts(lost=True, wants=False), "check"),
        (facts(sending="connecting"), "connecting"),
        (facts(sending="elsewhere"), "elsewhere"),
        (facts(sending="refused"), "refused"),
        (facts(phase="ended"), "over"),
        (facts(phase="cancelled", wants=False), "over"),
    ],
)
def test_on_air_is_said_only_when_the_hall_really_sees_her(
    js: Path, given: dict[str, Any], place: str
) -> None:
    assert ask(js, "air.js: placeOf", "placeOf(given)", given=given) == place


def test_words_for_the_level_follow_the_peak(js: Path) -> None:
    peaks = [-100, -61, -59, -31, -29, -12, -2.1, -1.9, 0]
    words = ask(js, "meter.js: judge", "peaks.map(judge)", peaks=peaks)
    assert words == ["silent", "silent", "quiet", "quiet", "good", "good", "good", "loud", "loud"]


def test_the_peak_is_in_decibels_below_full_scale(js: Path) -> None:
    peaks = ask(
        js,
        "meter.js: peakDb",
        "[[0, 0], [0.5, -1], [0.1, -0.05]].map((s) => Math.round(peakDb(new Float32Array(s))))",
    )
    assert peaks == [-100, 0, -20]


def test_the_lines_word_tells_a_slow_computer_from_a_narrow_network(js: Path) -> None:
    pulses = [
        {"limit": "none", "fps": 30, "lost": 0},
        {"limit": "cpu", "fps": 12, "lost": 0},
        {"limit": "cpu", "fps": 28, "lost": 0},
        {"limit": "bandwidth", "fps": 9, "lost": 0},
        {"limit": "none", "fps": 30, "lost": 0.08},
    ]
    words = ask(js, "publish.js: lineOf", "pulses.map(lineOf)", pulses=pulses)
    assert words == ["good", "busy", "good", "narrow", "narrow"]


MIDDAY = 1_796_126_400_000  # 2026-12-01 12:00 UTC, a Tuesday: 14.00 in Helsinki


@pytest.mark.parametrize(
    ("lang", "minutes", "clock", "day"),
    [
        ("fi", 0, "14", "tiistaina 1.12."),
        ("sv", 30, "14.30", "på tisdag 1.12"),
        ("en", 0, "2\u00a0pm", "on Tuesday 1 December"),
        ("en", 30, "2.30\u00a0pm", "on Tuesday 1 December"),
    ],
)
def test_times_are_told_as_the_house_says_them(
    js: Path, lang: str, minutes: int, clock: str, day: str
) -> None:
    at = MIDDAY + minutes * 60_000
    told = ask(
        js,
        "times.js: clockTime, dayWord",
        "[clockTime(at, lang), dayWord(at, now, 'now', lang), dayWord(at, at, 'now', lang)]",
        at=at,
        now=at - 86_400_000,
        lang=lang,
    )
    assert told == [clock, day, "now"]
