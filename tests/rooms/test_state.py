"""Snapshot + events = a fresh snapshot, for every viewer; and who sees what."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from infra.errors import Conflict, Forbidden
from rooms.messages import (
    EVENT,
    Company,
    CompanyAnswered,
    CompanyEnded,
    HelpRequest,
    Line,
    LineWritten,
    Named,
    SeatRemoved,
    Snapshot,
)
from rooms.phases import Phase, Role
from rooms.state import LINES_KEPT, accepted, empty, project, reduce, visible, waiting
from tests.rooms.evenings import PEOPLE, Step, play, steps
from tests.rooms.reduce_cases import CASES, cases

relaxed = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def view(state: Snapshot, seat: str, role: Role) -> Snapshot | None:
    """What the viewer sees, None for a companion without a yes."""
    try:
        return project(state, seat, role)
    except Forbidden:
        return None


def full(**changes: object) -> Snapshot:
    """A room in which everything is there once for Aune and once for Veikko."""
    return empty("viulu").model_copy(
        update={
            "phase": Phase.LIVE,
            "names": {"aune": "Aune", "veikko": "Veikko"},
            "help": tuple(
                HelpRequest(request=n, seat=seat, name="", at=n)
                for n, seat in ((1, "aune"), (2, "veikko"))
            ),
            "company": (
                Company(companion="liisa", guest="aune", name="Liisa", state="accepted", until=9),
                Company(companion="matti", guest="veikko", name="Matti", state="asked", until=9),
            ),
            "removed": ("kalle",),
            **changes,
        }
    )


@relaxed
@given(steps())
def test_the_snapshot_and_the_events_after_it_are_a_fresh_snapshot(evening: list[Step]) -> None:
    for before, event, after in play(evening):
        for person in PEOPLE:
            had, has = view(before, person.seat, person.role), view(after, person.seat, person.role)
            if not visible(event, after, person.seat, person.role):
                # A companion's view begins and ends with the yes, else nothing may differ.
                assert has == had or has is None
            elif had is not None:
                assert reduce(had, event) == has
                assert has != had, "an event that changes nothing for one who sees it"


@relaxed
@given(steps())
def test_an_event_survives_the_wire_and_reduces_alike(evening: list[Step]) -> None:
    for before, event, after in play(evening):
        again = EVENT.validate_json(event.model_dump_json())
        assert again == event
        assert reduce(Snapshot.model_validate_json(before.model_dump_json()), again) == after


@relaxed
@given(steps())
def test_a_companion_without_a_yes_sees_no_event(evening: list[Step]) -> None:
    for _, event, after in play(evening):
        for seat in ("liisa", "matti"):
            if not accepted(after, seat):
                assert not visible(event, after, seat, Role.COMPANION)
                assert waiting(after, seat, 0).state in (
                    "invited",
                    "asked",
                    "declined",
                    "silent",
                    "ended",
                )


def test_a_host_sees_everything() -> None:
    assert project(full(), "helena", Role.HOST) == full()


@pytest.mark.parametrize("role", [Role.GUEST, Role.ARTIST])
def test_others_see_only_their_own_names_help_and_company(role: Role) -> None:
    seen = project(full(), "aune", role)
    assert seen.names == {"aune": "Aune"}
    assert [item.seat for item in seen.help] == ["aune"]
    assert [item.companion for item in seen.company] == ["liisa"]
    assert seen.removed == ()


def test_who_was_taken_out_is_told_to_hosts_alone() -> None:
    event = SeatRemoved(seat="aune")
    seers = [who.seat for who in PEOPLE if visible(event, full(), who.seat, who.role)]
    assert seers == ["helena"]


def test_a_name_chosen_is_told_to_its_owner_and_the_hosts() -> None:
    event = Named(seat="aune", name="Aune K")
    seers = [who.seat for who in PEOPLE if visible(event, full(), who.seat, who.role)]
    assert seers == ["aune", "helena"]


def test_company_is_told_to_the_pair_and_the_hosts() -> None:
    event = CompanyAnswered(companion="liisa", guest="aune", answer="accepted")
    seers = [who.seat for who in PEOPLE if visible(event, full(), who.seat, who.role)]
    assert seers == ["aune", "liisa", "helena"]


def test_a_companion_does_not_see_the_event_that_ends_their_company() -> None:
    event = CompanyEnded(companion="liisa", guest="aune")
    after = reduce(full(), event)
    assert not visible(event, after, "liisa", Role.COMPANION)
    assert visible(event, after, "aune", Role.GUEST)
    assert waiting(after, "liisa", 0).state == "ended"


def test_an_accepted_companion_is_not_waiting() -> None:
    with pytest.raises(Conflict):
        waiting(full(), "liisa", 0)


def test_an_ask_past_its_time_counts_as_silence() -> None:
    asked = waiting(full(), "matti", 9)
    late = waiting(full(), "matti", 10)
    assert (asked.state, asked.until) == ("asked", 9)
    assert (late.state, late.until, late.asks_left) == ("silent", None, 2)


def test_a_snapshot_keeps_the_last_lines_only() -> None:
    state = empty("viulu")
    for number in range(1, LINES_KEPT + 3):
        line = LineWritten(line=number, seat="aune", role=Role.GUEST, name="A", text="x", at=number)
        state = reduce(state, line)
    assert [line.line for line in state.lines] == list(range(3, LINES_KEPT + 3))


def test_a_hidden_line_loses_its_text_and_keeps_its_number() -> None:
    line = Line(line=1, seat="aune", role=Role.GUEST, name="A", text="x", at=1)
    hidden = reduce(full(lines=(line,)), EVENT.validate_python({"type": "line.hidden", "line": 1}))
    assert (hidden.lines[0].line, hidden.lines[0].text, hidden.lines[0].hidden) == (1, "", True)


def test_the_browsers_cases_are_those_of_this_reduce() -> None:
    """Written anew by `python -m tests.rooms.reduce_cases`."""
    assert json.loads(Path(CASES).read_text()) == json.loads(json.dumps(cases()))


def test_the_browsers_cases_know_every_event() -> None:
    events = {case["event"]["type"] for case in cases()}
    assert events == set(EVENT.json_schema()["discriminator"]["mapping"])
