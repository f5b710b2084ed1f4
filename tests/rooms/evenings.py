"""Evenings made up by hypothesis: what people, time and orders may bring upon one room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

from infra.errors import LampioError
from rooms import hosting, together
from rooms.actors import Actor
from rooms.messages import (
    AnswerCompany,
    AskCompany,
    AskHelp,
    EndCompany,
    Event,
    HandleHelp,
    HideLine,
    LeaveAir,
    RemoveSeat,
    SetName,
    SetPhase,
    Snapshot,
    TakeAir,
    WriteLine,
)
from rooms.phases import Phase, Role
from rooms.room import HANDLERS
from rooms.state import empty, reduce

KEY = "key-of-the-test"

AUNE = Actor("aune", Role.GUEST, "Aune")
VEIKKO = Actor("veikko", Role.GUEST)
LIISA = Actor("liisa", Role.COMPANION, "Liisa", "aune")
MATTI = Actor("matti", Role.COMPANION, "Matti", "aune")
VIENA = Actor("viena", Role.ARTIST, "Viena")
ONNI = Actor("onni", Role.ARTIST)
HELENA = Actor("helena", Role.HOST, "Helena")
PEOPLE = (AUNE, VEIKKO, LIISA, MATTI, VIENA, ONNI, HELENA)

Step = tuple[str, Any, Any]
"""(what, who, command or argument)"""


def _by(role: Role) -> st.SearchStrategy[Actor]:
    return st.sampled_from([person for person in PEOPLE if person.role is role])


_companions = st.sampled_from(["liisa", "matti"])
_text = st.sampled_from(["Hei!", "Kaunista.", "Kuuluuko? 🎻"])


def _commands() -> st.SearchStrategy[Step]:
    def said(who: st.SearchStrategy[Actor], command: st.SearchStrategy[Any]) -> Any:
        return st.tuples(st.just("command"), who, command)

    fixed: dict[str, Any] = {"id": st.just(1), "key": st.just(KEY)}
    speakers = _by(Role.GUEST) | _by(Role.HOST) | _by(Role.ARTIST)
    return st.one_of(
        said(speakers, st.builds(SetName, name=st.sampled_from(["Aune K", "V"]), **fixed)),
        said(speakers, st.builds(WriteLine, text=_text, **fixed)),
        said(_by(Role.HOST), st.builds(HideLine, line=st.integers(1, 8), **fixed)),
        said(_by(Role.GUEST), st.builds(AskHelp, **fixed)),
        said(_by(Role.HOST), st.builds(HandleHelp, request=st.integers(0, 40), **fixed)),
        said(_by(Role.HOST), st.builds(SetPhase, phase=st.sampled_from(Phase), **fixed)),
        said(
            _by(Role.HOST),
            st.builds(RemoveSeat, seat=st.sampled_from(["aune", "liisa", "viena"]), **fixed),
        ),
        said(_by(Role.ARTIST), st.builds(TakeAir, **fixed)),
        said(_by(Role.ARTIST), st.builds(LeaveAir, **fixed)),
        said(_by(Role.COMPANION), st.builds(AskCompany, **fixed)),
        said(
            _by(Role.GUEST),
            st.builds(AnswerCompany, companion=_companions, yes=st.booleans(), **fixed),
        ),
        said(
            _by(Role.GUEST) | _by(Role.COMPANION),
            st.builds(EndCompany, companion=_companions, **fixed),
        ),
    )


def steps(most: int = 60) -> st.SearchStrategy[list[Step]]:
    """What happens in one evening. Answers and asks meet often enough to say yes."""
    asked = [
        ("command", LIISA, AskCompany(id=1, key=KEY)),
        ("command", AUNE, AnswerCompany(id=1, key=KEY, companion="liisa", yes=True)),
    ]
    time = st.tuples(
        st.sampled_from(["doors", "silence", "later", "moved"]), _by(Role.COMPANION), st.none()
    )
    return st.lists(_commands() | time | st.sampled_from(asked), min_size=1, max_size=most)


def play(evening: Sequence[Step]) -> Iterator[tuple[Snapshot, Event, Snapshot]]:
    """(state before, event, state after) for every event of the evening, in order."""
    state, now = empty("viulu"), 0
    for what, who, command in evening:
        now += 1
        try:
            events = _decide(state, what, who, command, now)
        except LampioError:
            continue
        if what == "later":
            now += 70_000
        for event in events:
            before, state = state, reduce(state, event)
            yield before, event, state


def _decide(state: Snapshot, what: str, who: Actor, command: Any, now: int) -> Sequence[Event]:
    if what == "command":
        return HANDLERS[type(command)](state, who, command, now)
    if what == "doors":
        return hosting.open_doors(state, now)
    if what == "silence":
        return together.silence(state, who.seat, now)
    if what == "moved":
        return together.passed_on(state, who.seat)
    return ()
