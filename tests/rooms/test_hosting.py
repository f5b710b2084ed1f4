"""The host's acts: the next phase by the table, and a participant taken out with all that hangs on them."""

from __future__ import annotations

import pytest

from infra.errors import Conflict
from rooms import hosting
from rooms.messages import (
    AirLeft,
    AirTaken,
    Company,
    CompanyEnded,
    HelpHandled,
    HelpRequest,
    PhaseChanged,
    RemoveSeat,
    SeatRemoved,
    SetPhase,
)
from rooms.phases import TRANSITIONS, Phase
from rooms.state import empty, reduce
from tests.rooms.evenings import HELENA, KEY

EMPTY = empty("viulu")


@pytest.mark.parametrize("before", list(Phase))
@pytest.mark.parametrize("after", list(Phase))
def test_a_phase_follows_by_the_table_alone(before: Phase, after: Phase) -> None:
    state = EMPTY.model_copy(update={"phase": before, "epoch": 4})
    command = SetPhase(id=1, key=KEY, phase=after)
    if after == before:
        assert hosting.set_phase(state, HELENA, command, 9) == ()
    elif after in TRANSITIONS[before]:
        events = hosting.set_phase(state, HELENA, command, 9)
        assert events == (PhaseChanged(phase=after, epoch=5, at=9),)
    else:
        with pytest.raises(Conflict) as refused:
            hosting.set_phase(state, HELENA, command, 9)
        assert refused.value.code == "phase_order"


@pytest.mark.parametrize("end", [Phase.ENDED, Phase.CANCELLED])
def test_when_the_show_is_over_nobody_is_on_air(end: Phase) -> None:
    state = EMPTY.model_copy(update={"phase": Phase.LIVE, "on_air": "viena"})
    events = hosting.set_phase(state, HELENA, SetPhase(id=1, key=KEY, phase=end), 9)
    assert events[1:] == (AirLeft(seat="viena"),)


def test_the_artist_stays_on_air_through_the_interval() -> None:
    state = EMPTY.model_copy(update={"phase": Phase.LIVE, "on_air": "viena"})
    interval = SetPhase(id=1, key=KEY, phase=Phase.INTERVAL)
    assert len(hosting.set_phase(state, HELENA, interval, 9)) == 1


@pytest.mark.parametrize("phase", list(Phase))
def test_the_doors_time_opens_only_what_is_before_the_doors(phase: Phase) -> None:
    state = EMPTY.model_copy(update={"phase": phase})
    opened = hosting.open_doors(state, 9)
    assert bool(opened) == (phase in (Phase.SCHEDULED, Phase.REHEARSAL))


def test_a_participant_leaves_with_all_that_hangs_on_them() -> None:
    state = reduce(EMPTY, AirTaken(seat="aune")).model_copy(
        update={
            "help": (HelpRequest(request=3, seat="aune", name="", at=3),),
            "company": (
                Company(companion="liisa", guest="aune", name="L", state="accepted", until=1),
            ),
        }
    )
    remove = RemoveSeat(id=1, key=KEY, seat="aune")
    events = hosting.remove(state, HELENA, remove, 9)
    assert events == (
        CompanyEnded(companion="liisa", guest="aune"),
        AirLeft(seat="aune"),
        HelpHandled(request=3, seat="aune"),
        SeatRemoved(seat="aune"),
    )
    for event in events:
        state = reduce(state, event)
    assert (state.on_air, state.help, state.removed) == (None, (), ("aune",))
    assert hosting.remove(state, HELENA, remove, 10) == ()
