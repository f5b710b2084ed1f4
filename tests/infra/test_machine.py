"""One table, one setter: commands are refused, reports ignored."""

from __future__ import annotations

from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from infra.errors import Conflict
from infra.machine import Machine


class Lamp(StrEnum):
    OFF = "off"
    LIT = "lit"
    BROKEN = "broken"


TABLE = {
    Lamp.OFF: frozenset({Lamp.LIT, Lamp.BROKEN}),
    Lamp.LIT: frozenset({Lamp.OFF, Lamp.BROKEN}),
    Lamp.BROKEN: frozenset[Lamp](),
}


def test_a_step_of_the_table_is_taken_logged_and_told() -> None:
    told: list[tuple[Lamp, Lamp]] = []
    lamp = Machine("lamp", TABLE, Lamp.OFF, told=lambda old, new: told.append((old, new)), room="r")
    with capture_logs() as lines:
        assert lamp.to(Lamp.LIT)
    assert lamp.state is Lamp.LIT
    assert told == [(Lamp.OFF, Lamp.LIT)]
    assert lines == [
        {"event": "state", "machine": "lamp", "old": "off", "new": "lit", "room": "r"}
        | {"log_level": "info"}
    ]


def test_the_same_state_is_no_step() -> None:
    told: list[tuple[Lamp, Lamp]] = []
    lamp = Machine("lamp", TABLE, Lamp.OFF, told=lambda old, new: told.append((old, new)))
    assert not lamp.to(Lamp.OFF)
    assert told == []


def test_a_wrong_command_is_refused_and_a_late_report_ignored() -> None:
    lamp = Machine("lamp", TABLE, Lamp.BROKEN)
    assert lamp.over
    with pytest.raises(Conflict) as refused:
        lamp.to(Lamp.LIT)
    assert (refused.value.code, refused.value.status) == ("wrong_state", 409)
    assert not lamp.report(Lamp.LIT)
    assert not lamp.to(Lamp.LIT, late_ok=True)
    assert lamp.state is Lamp.BROKEN


def test_a_listener_that_fails_does_not_undo_the_step() -> None:
    def fail(_old: Lamp, _new: Lamp) -> None:
        raise ValueError

    lamp = Machine("lamp", TABLE, Lamp.OFF, told=fail)
    assert lamp.to(Lamp.LIT)
    assert lamp.state is Lamp.LIT


def test_a_table_with_a_state_that_has_no_row_is_refused() -> None:
    with pytest.raises(ValueError, match="broken"):
        Machine("lamp", {Lamp.OFF: frozenset({Lamp.BROKEN})}, Lamp.OFF)
    with pytest.raises(ValueError, match="lit"):
        Machine("lamp", {Lamp.OFF: frozenset[Lamp]()}, Lamp.LIT)


_states = st.sampled_from(Lamp)
_tables = st.fixed_dictionaries({state: st.frozensets(_states) for state in Lamp})


@given(_tables, _states, st.lists(st.tuples(_states, st.booleans())))
def test_whatever_comes_the_state_moves_only_along_the_table(
    table: dict[Lamp, frozenset[Lamp]], initial: Lamp, steps: list[tuple[Lamp, bool]]
) -> None:
    told: list[tuple[Lamp, Lamp]] = []
    machine = Machine("any", table, initial, told=lambda old, new: told.append((old, new)))
    for new, is_command in steps:
        before = machine.state
        allowed = new == before or new in table[before]
        assert machine.may(new) == (new in table[before])
        if is_command and not allowed:
            with pytest.raises(Conflict):
                machine.to(new)
        else:
            assert (machine.to(new) if is_command else machine.report(new)) == (
                allowed and new != before
            )
        assert machine.state == (new if allowed else before)
    assert all(new in table[old] and new != old for old, new in told)
    assert [old for old, _ in told[1:]] == [new for _, new in told[:-1]]
