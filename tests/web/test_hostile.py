"""Random evenings of people who mean harm: whatever they send, the room's promises hold."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from rooms.messages import EVENT, SERVER_MESSAGE, EventMessage, Snapshot, SnapshotMessage, Waiting
from rooms.permissions import MESSAGES
from rooms.phases import Role
from rooms.scope import Scope
from rooms.state import accepted, reduce
from tests.evening.house import ORGANISATION
from tests.web.conftest import Site
from tests.web.test_socket import Talker, talkers

pytestmark = pytest.mark.one_database  # nothing of it is about the database

ROLES = (Role.GUEST, Role.COMPANION, Role.GUEST, Role.ARTIST, Role.HOST)
OTHERS = ({"role": "host"}, {"seat": "x"}, {"as": "x"}, {"actor": "x"}, {"name": "x"}, {"id": -1})


class View:
    """What one page knows, from all it was ever told."""

    def __init__(self, talker: Talker) -> None:
        self.talker = talker
        self.seq = 0
        self.state: Snapshot | None = None
        self.events: list[str] = []

    def hear(self, message: dict[str, Any]) -> None:
        match SERVER_MESSAGE.validate_python(message):
            case SnapshotMessage() as told:
                assert told.you == self.talker.seat
                self.seq, self.state = told.seq, told.state
            case EventMessage() as told:
                assert self.state is not None, "an event before any snapshot"
                assert told.seq > self.seq, "numbers grow"
                self.seq, self.state = told.seq, reduce(self.state, told.event)
                self.events.append(told.event.model_dump_json())
            case Waiting():
                self.state = None


def hostile(
    wild: random.Random, seats: list[str], foreign: list[str], number: int
) -> dict[str, Any]:
    """A message: most are well formed and beyond the sender, some are spoilt."""
    kind = wild.choice([*MESSAGES, "line.write", "company.answer", "phase.set", "no.such"])
    anybody = wild.choice([*seats, *foreign, "nobody"])
    forms: dict[str, dict[str, Any]] = {
        "hello": {"after": wild.choice([None, 0, number, 10**6])},
        "name.set": {"name": wild.choice(["Aune", "\u202eenuA", " ", "N" * 41])},
        "line.write": {"text": wild.choice(["Hei", "<b>", "\x00", "x" * 1001])},
        "line.hide": {"line": wild.randrange(6)},
        "applaud": {"claps": wild.randrange(25)},
        "help.handle": {"request": wild.choice([0, 1, 2**53])},
        # the evening's end comes only after its messages
        "phase.set": {"phase": wild.choice(["doors", "live", "interval", "archived", "encore"])},
        "seat.remove": {"seat": wild.choice([*foreign, "nobody"])},
        "company.answer": {"companion": anybody, "yes": wild.choice([True, False, "yes"])},
        "company.end": {"companion": anybody},
        "media.answer": {"session": anybody, "etag": "e", "sdp": "v=0"},
        "media.publish": {"sdp": "v=0"},
        "media.restart": {"session": anybody},
        "media.stop": {"session": anybody},
        "media.keyframe": {"session": anybody},
    }
    fields = forms.get(kind, {})
    if "." in kind and not kind.startswith("media."):
        fields = {**fields, "key": f"key-{wild.randrange(60):05}"}
    if wild.random() < 0.15:
        fields = {**fields, **wild.choice(OTHERS)}
    return {"type": kind, "id": number, **fields}


async def evening(site: Site, seed: int, messages: int) -> None:
    """One evening of `messages`, and what must hold after it."""
    wild = random.Random(seed)
    async with talkers(site, *ROLES) as people:
        await site.show("other")
        foreign = [(await site.ticket("other", role)).seat for role in (Role.GUEST, Role.HOST)]
        seats = [person.seat for person in people]
        roles = dict(zip(seats, ROLES, strict=True))
        views = [View(person) for person in people]
        for view in views:
            for message in view.talker.heard:
                view.hear(message)
        rights, taken = await held(site), 0
        for number in range(2, messages + 2):
            view = wild.choice(views)
            sent = hostile(wild, seats, foreign, number)
            await view.talker.ws.send_json(sent)
            while True:
                message = await view.talker.ws.receive_json(timeout=15)
                view.hear(message)
                answers = message.get("id") in (number, None) and message["type"] != "media.offer"
                if (message["type"] in ("ack", "error") and answers) or message.get("id") == number:
                    break
            taken += message["type"] == "ack"
        assert taken > messages / 20, "hostile, but not deaf"
        _, state = await site.parts.house.whole("show")
        for view in views:
            await level(view, state)
        assert await held(site) == rights, "nobody has become anybody else"
        assert set(state.names) <= {seat for seat in seats if roles[seat] is not Role.COMPANION}
        assert {line.seat for line in state.lines} <= set(seats)
        assert all(line.role == roles[line.seat] for line in state.lines)
        assert state.on_air in {None, *(seat for seat in seats if roles[seat] is Role.ARTIST)}
        assert {(c.companion, c.guest) for c in state.company} <= {(seats[1], seats[0])}
        assert not state.removed
        for view in views:
            told = json.dumps(view.events)
            assert not [seat for seat in foreign if seat in told]
            mine = roles[view.talker.seat]
            for body in view.events:
                event = EVENT.validate_json(body)
                private = event.type in ("named", "help.asked", "help.handled")
                assert not private or mine is Role.HOST or event.seat == view.talker.seat  # type: ignore[union-attr]  # all three have one


async def level(view: View, state: Snapshot) -> None:
    """Hear on until a fresh snapshot says what snapshot and events had made of the room."""
    ws = view.talker.ws
    await ws.send_json({"type": "hello", "id": 2**53})
    before, fresh = None, None
    while True:
        message = await ws.receive_json(timeout=15)
        if message["type"] == "snapshot":
            before, fresh = view.state, message
        view.hear(message)
        if message.get("id") == 2**53:
            assert message["type"] == "ack"
            break
    if view.talker.seat in [c.companion for c in state.company if c.state != "accepted"]:
        assert fresh is None
    if fresh is None:
        assert not accepted(state, view.talker.seat)
        return
    assert view.state == before  # its number may be higher: the last events may be others' alone


async def held(site: Site) -> dict[str, tuple[str, ...]]:
    """Who is what, by the database."""
    found: dict[str, tuple[str, ...]] = {}
    for show in ("show", "other"):
        for seat in await site.parts.seats.of_show(Scope(ORGANISATION), show):
            found[seat.id] = (seat.show, seat.role, seat.ticket, seat.status)
    return found


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_hostile_evening_keeps_the_rooms_promises(
    site: Site, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    fast(monkeypatch)
    await evening(site, seed, 250)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 160))
async def test_many_hostile_evenings(
    site: Site, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    fast(monkeypatch)
    await evening(site, seed, 1500)


def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting for a seat's pace: what is tried is the room."""
    for name in ("MESSAGES_PER_S", "HELLOS", "WRITTEN"):
        monkeypatch.setattr(f"web.socket.{name}", 10_000)
