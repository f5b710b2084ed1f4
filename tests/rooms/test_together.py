"""Company: asked from the companion's seat, answered from the guest's, ended by either; silence is a no."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.errors import Conflict, Forbidden, Unknown
from rooms import together
from rooms.actors import Actor
from rooms.companions import ANSWER_WITHIN_MS, COMPANY, MAX_ASKS, CompanyState, asks_left
from rooms.messages import (
    AnswerCompany,
    AskCompany,
    CompanyAnswered,
    CompanyAsked,
    CompanyEnded,
    EndCompany,
    SeatRemoved,
    Snapshot,
)
from rooms.state import accepted, company_of, empty, reduce, waiting
from tests.rooms.evenings import AUNE, KEY, LIISA, MATTI, VEIKKO

EMPTY = empty("viulu")
ASK = AskCompany(id=1, key=KEY)
YES = AnswerCompany(id=1, key=KEY, companion="liisa", yes=True)
NO = AnswerCompany(id=1, key=KEY, companion="liisa", yes=False)
END = EndCompany(id=1, key=KEY, companion="liisa")


def asked(state: Snapshot = EMPTY, now: int = 1000) -> Snapshot:
    (event,) = together.ask(state, LIISA, ASK, now)
    return reduce(state, event)


def silent(state: Snapshot) -> Snapshot:
    company = company_of(state, "liisa")
    assert company is not None
    (event,) = together.silence(state, "liisa", company.until)
    return reduce(state, event)


def together_now() -> Snapshot:
    state = asked()
    (event,) = together.answer(state, AUNE, YES, 2000)
    return reduce(state, event)


def test_an_ask_carries_the_inviters_name_and_the_time_to_answer() -> None:
    (event,) = together.ask(EMPTY, LIISA, ASK, 1000)
    until = 1000 + ANSWER_WITHIN_MS
    assert event == CompanyAsked(
        companion="liisa", guest="aune", name="Liisa", at=1000, until=until
    )
    assert ANSWER_WITHIN_MS == 60_000


def test_a_second_press_while_asked_or_accepted_changes_nothing() -> None:
    assert together.ask(asked(), LIISA, ASK, 2000) == ()
    assert together.ask(together_now(), LIISA, ASK, 3000) == ()


def test_only_the_guest_of_the_companion_answers() -> None:
    with pytest.raises(Unknown):
        together.answer(asked(), VEIKKO, YES, 2000)


def test_an_answer_needs_an_open_ask() -> None:
    with pytest.raises(Unknown):
        together.answer(EMPTY, AUNE, YES, 2000)
    with pytest.raises(Conflict):
        together.answer(asked(), AUNE, YES, 1001 + ANSWER_WITHIN_MS)
    with pytest.raises(Conflict):
        together.answer(silent(asked()), AUNE, YES, 2000)


def test_the_same_answer_again_changes_nothing() -> None:
    assert together.answer(together_now(), AUNE, YES, 3000) == ()


def test_after_not_now_the_companion_asks_no_more() -> None:
    state = asked()
    (event,) = together.answer(state, AUNE, NO, 2000)
    state = reduce(state, event)
    assert waiting(state, "liisa", 3000).asks_left == 0
    with pytest.raises(Conflict) as refused:
        together.ask(state, LIISA, ASK, 3000)
    assert refused.value.code == "no_more_asks"


def test_silence_is_a_no_and_may_be_asked_again_up_to_three_times_in_all() -> None:
    state = EMPTY
    for number in range(1, MAX_ASKS + 1):
        state = silent(asked(state, number * 100_000))
        assert waiting(state, "liisa", 0).asks_left == MAX_ASKS - number
        assert not accepted(state, "liisa")
    with pytest.raises(Conflict):
        together.ask(state, LIISA, ASK, 900_000)


def test_silence_comes_not_before_its_time_and_not_after_an_answer() -> None:
    assert together.silence(asked(), "liisa", 1000 + ANSWER_WITHIN_MS - 1) == ()
    assert together.silence(together_now(), "liisa", 10**9) == ()
    assert together.silence(EMPTY, "liisa", 10**9) == ()


@pytest.mark.parametrize("actor", [AUNE, LIISA], ids=lambda actor: actor.role)
def test_either_of_the_two_ends_it(actor: Actor) -> None:
    (event,) = together.end(together_now(), actor, END, 3000)
    assert event == CompanyEnded(companion="liisa", guest="aune")
    assert together.end(reduce(together_now(), event), actor, END, 4000) == ()


def test_nobody_else_ends_it() -> None:
    with pytest.raises(Unknown):
        together.end(together_now(), VEIKKO, END, 3000)
    with pytest.raises(Forbidden):
        together.end(together_now(), MATTI, END, 3000)


def test_a_companion_may_take_an_open_ask_back() -> None:
    (event,) = together.end(asked(), LIISA, END, 2000)
    assert waiting(reduce(asked(), event), "liisa", 2000).state == "ended"


def test_a_companion_without_a_guest_asks_nobody() -> None:
    with pytest.raises(Unknown):
        together.ask(EMPTY, replace(LIISA, guest=None), ASK, 1000)


def test_a_guest_who_was_taken_out_is_asked_no_more() -> None:
    state = reduce(EMPTY, SeatRemoved(seat="aune"))
    with pytest.raises(Conflict) as refused:
        together.ask(state, LIISA, ASK, 1000)
    assert refused.value.code == "guest_gone"


def test_whoever_uses_the_link_on_another_device_needs_a_new_yes() -> None:
    ended = CompanyEnded(companion="liisa", guest="aune")
    assert together.passed_on(together_now(), "liisa") == (ended,)
    assert together.passed_on(EMPTY, "liisa") == ()
    assert together.passed_on(together_now(), "aune") == ()


def test_a_seat_that_ends_ends_its_company_from_either_side() -> None:
    ended = CompanyEnded(companion="liisa", guest="aune")
    assert together.part(together_now(), "aune") == (ended,)
    assert together.part(together_now(), "liisa") == (ended,)
    assert together.part(together_now(), "veikko") == ()


def test_the_table_of_the_companion_knows_every_state_and_no_yes_without_an_ask() -> None:
    assert set(COMPANY) == set(CompanyState)
    leads_to_yes = [state for state, after in COMPANY.items() if CompanyState.ACCEPTED in after]
    assert leads_to_yes == [CompanyState.ASKED]
    assert asks_left(CompanyState.INVITED, 0) == MAX_ASKS


def test_an_answer_on_the_wire_is_one_of_the_tables_states() -> None:
    answered = CompanyAnswered(companion="liisa", guest="aune", answer="declined")
    assert CompanyState(answered.answer) in COMPANY[CompanyState.ASKED]
