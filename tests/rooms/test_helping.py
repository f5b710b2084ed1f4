"""Help is asked once, seen until it is handled, and never handled by a number of yesterday's."""

from __future__ import annotations

from rooms import helping
from rooms.messages import AskHelp, HandleHelp, HelpAsked, HelpHandled
from rooms.state import empty, reduce
from tests.rooms.evenings import AUNE, HELENA, KEY, VEIKKO

EMPTY = empty("viulu")
ASK = AskHelp(id=1, key=KEY)


def test_another_press_while_help_is_on_its_way_changes_nothing() -> None:
    (asked,) = helping.ask(EMPTY, AUNE, ASK, 1000)
    assert helping.ask(reduce(EMPTY, asked), AUNE, ASK, 2000) == ()


def test_two_who_ask_in_one_moment_get_two_numbers() -> None:
    (first,) = helping.ask(EMPTY, AUNE, ASK, 1000)
    (second,) = helping.ask(reduce(EMPTY, first), VEIKKO, ASK, 1000)
    assert isinstance(first, HelpAsked)
    assert isinstance(second, HelpAsked)
    assert (first.request, second.request) == (1000, 1001)
    assert (first.name, second.name) == ("Aune", "")


def test_handled_tells_whose_request_it_was_and_only_once() -> None:
    (asked,) = helping.ask(EMPTY, AUNE, ASK, 1000)
    state = reduce(EMPTY, asked)
    handle = HandleHelp(id=1, key=KEY, request=1000)
    (handled,) = helping.handle(state, HELENA, handle, 2000)
    assert handled == HelpHandled(request=1000, seat="aune")
    assert helping.handle(reduce(state, handled), HELENA, handle, 3000) == ()


def test_a_late_handled_does_not_meet_a_new_request() -> None:
    (asked,) = helping.ask(EMPTY, AUNE, ASK, 5000)
    late = HandleHelp(id=1, key=KEY, request=1000)
    assert helping.handle(reduce(EMPTY, asked), HELENA, late, 6000) == ()
