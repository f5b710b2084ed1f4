"""How the picture is held to its sound: `steer`, in ms, and what the browser tells of both."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.web.javascript import ask, modules


@pytest.fixture(scope="module")
def js(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return modules(tmp_path_factory.mktemp("modules"))


def test_the_picture_comes_to_its_sound_in_small_steps_and_rests_there(js: Path) -> None:
    # The picture leaves its receiver 40 ms before its sound, plus as much as it waits longer.
    waits = ask(
        js,
        "lips.js: steer",
        """(() => {
          const waits = [50];
          for (let look = 0; look < 40; look += 1) {
            const late = waits.at(-1) - 40;
            waits.push(steer(waits.at(-1), 50, [late, late, late]));
          }
          return waits;
        })()""",
    )
    steps = [after - before for before, after in itertools.pairwise(waits)]
    assert max(map(abs, steps)) <= 12
    assert abs(waits[-1] - 40 - 50) <= 8
    assert waits[-1] == waits[-10], "it rests"


def test_one_odd_look_or_too_few_steer_nothing(js: Path) -> None:
    asked = [
        [50, 50, []],
        [50, 50, [300]],
        [50, 50, [48, 300, 52]],
        [50, 50, [43, 57, 50]],
    ]
    assert ask(js, "lips.js: steer", "asked.map((one) => steer(...one))", asked=asked) == [50] * 4


def test_a_wait_stays_within_its_bounds(js: Path) -> None:
    far = ask(
        js,
        "lips.js: steer",
        "[steer(395, 250, [0, 0, 0]), steer(4, 50, [400, 400, 400]), steer(98, 50, [0, 0, 0], 100)]",
    )
    assert far == [400, 0, 100]


def test_the_browsers_own_word_of_what_plays_now_counts(js: Path) -> None:
    found = ask(
        js,
        "lips.js: lateness",
        """[
          [{type: "inbound-rtp", kind: "audio", estimatedPlayoutTimestamp: 1060},
           {type: "inbound-rtp", kind: "video", estimatedPlayoutTimestamp: 1000},
           {type: "outbound-rtp", kind: "video", estimatedPlayoutTimestamp: 5}],
          [{type: "inbound-rtp", kind: "audio", estimatedPlayoutTimestamp: 1060},
           {type: "inbound-rtp", kind: "video"}],
        ].map(lateness)""",
    )
    assert found == [60, None]
