"""Each text that a desk may ask for is there in every language, and none is kept that nobody asks for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rooms.phases import Phase, Role
from web.entry import PAGES
from web.language import LANGUAGES, words

WEB = Path(__file__).parents[2] / "web"
OURS = ("staff", "desk", "host")
ASKED = re.compile(r"""(?:text|plural|_)\(\s*["']((?:staff|desk|host)_\w*[a-z])["']""")
NAMED = re.compile(r"""["']((?:staff|desk|host)_\w+)["']""")
PHASES = [phase.value for phase in Phase]
STEPS = [phase for phase in PHASES if phase not in ("draft", "archived")]
PLACES = ["healing", "interval", "other", "elsewhere"]

# Keys that the modules put together.
FAMILIES = {
    "staff_role_": [role.value for role in Role],
    "staff_code_": [
        *("phase", "not_in_this_phase", "phase_order", "no_line", "no_seat", "no_ask"),
        *("host_stays", "role", "busy", "too_many"),
    ],
    "desk_phase_": [*PHASES, "lost"],
    "desk_device_": ["denied", "missing", "busy", "failed", "gone"],
    "desk_level_": ["silent", "quiet", "good", "good_air", "loud"],
    "desk_line_": ["unknown", "trying", "good", "narrow", "busy"],
    "desk_": [
        *("edge", "edge_words", "live", "live_words", "resume", "resume_words"),
        *("wait_words", "first_open", "on_air", "at_edge", "connecting", "refused"),
        *PLACES,
        *(f"{place}_words" for place in PLACES),
    ],
    "host_to_": [*STEPS, "live_again"],
    "host_sure_": ["ended", "cancelled"],
    "host_yes_": ["ended", "cancelled"],
    "host_since_": [*PHASES, "live_again"],
    "host_stage_": ["live", "stalled", "empty", "lost"],
    # The strip on the host's desk.
    "staff_phase_": ["rehearsal", "doors", "live", "interval", "ended"],
}
FAMILY_KEYS = {prefix + end for prefix, ends in FAMILIES.items() for end in ends}


def sources() -> str:
    files = [*(WEB / "static" / "js").glob("*.js"), *(WEB / "templates").glob("*.html")]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_text_that_is_asked_for_is_there(lang: str) -> None:
    there = words(lang).texts(*OURS)
    assert (set(ASKED.findall(sources())) | FAMILY_KEYS) - set(there) == set()


def test_no_text_is_kept_that_nobody_asks_for() -> None:
    kept = set(words("fi").texts(*OURS))
    assert kept - set(NAMED.findall(sources())) - FAMILY_KEYS == set()


def test_each_desk_gets_its_own_and_the_shared_words() -> None:
    assert PAGES[Role.ARTIST][1] == ("staff", "desk")
    assert PAGES[Role.HOST][1] == ("staff", "host")
