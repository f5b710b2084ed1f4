"""A line of conversation: whose name it bears, its number, and how it is hidden."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from infra.errors import Conflict, Unknown
from rooms import chat
from rooms.messages import HideLine, Line, LineHidden, LineWritten, Named, SetName, WriteLine
from rooms.phases import Role
from rooms.state import empty, reduce
from tests.rooms.evenings import AUNE, HELENA, KEY, ONNI, VEIKKO

EMPTY = empty("viulu")
WRITE = WriteLine(id=1, key=KEY, text="Hei")


def test_a_guest_without_a_name_is_asked_for_one_first() -> None:
    with pytest.raises(Conflict) as refused:
        chat.write(EMPTY, VEIKKO, WRITE, 5)
    assert (refused.value.code, refused.value.sentence) == ("no_name", "your_name")


def test_the_name_chosen_in_the_hall_goes_before_the_tickets() -> None:
    (named,) = chat.set_name(EMPTY, AUNE, SetName(id=1, key=KEY, name=" Aune K "), 1)
    assert named == Named(seat="aune", name="Aune K")
    (line,) = chat.write(reduce(EMPTY, named), AUNE, WRITE, 5)
    assert isinstance(line, LineWritten)
    assert line.name == "Aune K"


def test_staff_without_a_name_write_under_their_role() -> None:
    (line,) = chat.write(EMPTY, ONNI, WRITE, 5)
    assert isinstance(line, LineWritten)
    assert (line.name, line.role) == ("", Role.ARTIST)


def test_lines_are_numbered_without_a_gap() -> None:
    state = EMPTY
    for _ in range(3):
        (line,) = chat.write(state, AUNE, WRITE, 5)
        state = reduce(state, line)
    assert [line.line for line in state.lines] == [1, 2, 3]


def test_the_same_name_again_changes_nothing() -> None:
    state = reduce(EMPTY, Named(seat="aune", name="Aune"))
    assert chat.set_name(state, AUNE, SetName(id=1, key=KEY, name="Aune"), 1) == ()


def test_a_line_is_hidden_once() -> None:
    line = Line(line=7, seat="aune", role=Role.GUEST, name="A", text="x", at=1)
    state = EMPTY.model_copy(update={"lines": (line,)})
    hide = HideLine(id=1, key=KEY, line=7)
    assert chat.hide(state, HELENA, hide, 2) == (LineHidden(line=7),)
    assert chat.hide(reduce(state, LineHidden(line=7)), HELENA, hide, 2) == ()


def test_a_line_that_is_not_there_cannot_be_hidden() -> None:
    with pytest.raises(Unknown):
        chat.hide(EMPTY, HELENA, HideLine(id=1, key=KEY, line=7), 2)


def test_what_has_no_picture_is_taken_out_of_names_and_lines() -> None:
    named = SetName(id=1, key=KEY, name="\u202eAune\n\x07\u200b K\ufeff")
    assert named.name == "Aune K"
    family = "\U0001f469\u200d\U0001f467"
    line = WriteLine(id=1, key=KEY, text=f"\x00Hei\u2066\nkaikille {family}\u200b ")
    assert line.text == f"Hei\nkaikille {family}"
    for nothing in ("\u200b", "\x00 \u2060", "\n"):
        with pytest.raises(ValidationError):
            SetName(id=1, key=KEY, name=nothing)
        with pytest.raises(ValidationError):
            WriteLine(id=1, key=KEY, text=nothing)
