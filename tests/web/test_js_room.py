"""The page's `reduce` is the server's: the same cases, the same results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.web.javascript import ask, modules

CASES = json.loads(
    (Path(__file__).parents[1] / "rooms" / "reduce_cases.json").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def js(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return modules(tmp_path_factory.mktemp("modules"))


def test_each_event_leads_to_the_state_that_the_server_reaches(js: Path) -> None:
    assert len({case["event"]["type"] for case in CASES}) >= 12
    reached = ask(
        js,
        "room.js: reduce",
        "cases.map(({state, event}) => reduce(state, event))",
        cases=CASES,
    )
    for case, state in zip(CASES, reached, strict=True):
        assert state == case["after"], case["event"]


def test_the_state_given_is_left_as_it_was(js: Path) -> None:
    kept = ask(
        js,
        "room.js: reduce",
        "cases.map(({state, event}) => { reduce(Object.freeze(state), event); return state; })",
        cases=CASES,
    )
    assert kept == [case["state"] for case in CASES]


def test_an_event_nobody_knows_changes_nothing(js: Path) -> None:
    state = CASES[0]["state"]
    assert ask(js, "room.js: reduce", 'reduce(state, {type: "later"})', state=state) == state
