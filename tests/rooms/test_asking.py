"""What the owner does with a command that comes over the seam, whoever put it there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.errors import Unauthorised, Unavailable
from rooms.actors import Actor
from rooms.messages import WriteLine
from rooms.phases import Phase, Role
from rooms.replies import Refusal, Reply
from rooms.store import Owners
from tests.rooms.conftest import ROOM, Evening

LINE = {"type": "line.write", "id": 1, "key": "key-of-nobody", "text": "Hei"}


async def raw(evening: Evening, **asked: Any) -> Refusal | None:
    """What comes of words that somebody put on the seam."""
    said = await evening.commands.call(ROOM, json.dumps(asked), key=None, timeout_s=5)
    return Reply.model_validate_json(said).refusal


@pytest.mark.parametrize("device", [{}, {"device": None}, {"device": ""}, {"device": ["one"]}])
async def test_a_command_on_the_seam_without_a_device_is_none(
    evening: Evening, device: dict[str, Any]
) -> None:
    await evening.phase(Phase.DOORS)
    host = await evening.ticket(Role.HOST)
    phase = {"type": "phase.set", "id": 1, "key": "key-of-nobody", "phase": "live"}
    refusal = await raw(evening, seat=host.seat, command=phase, **device)
    assert refusal is not None
    assert refusal.code == "bad_command"
    assert evening.state().phase is Phase.DOORS


async def test_a_command_on_the_seam_names_the_device_that_holds_the_seat(evening: Evening) -> None:
    await evening.phase(Phase.DOORS)
    guest = await evening.ticket(Role.GUEST, name="Aune")
    mine, _ = await evening.seats.new_device()
    other, _ = await evening.seats.new_device()
    await evening.seats.enter(guest.seat, mine)
    refusal = await raw(evening, seat=guest.seat, device=other, command=LINE)
    assert refusal is not None
    assert refusal.code == "no_seat"
    assert await raw(evening, seat=guest.seat, device=mine, command=LINE) is None
    assert [line.text for line in evening.state().lines] == ["Hei"]


async def test_a_device_that_the_seat_left_acts_no_more(evening: Evening) -> None:
    await evening.phase(Phase.DOORS)
    guest = await evening.ticket(Role.GUEST, name="Aune")
    first, _ = await evening.seats.new_device()
    second, _ = await evening.seats.new_device()
    await evening.seats.enter(guest.seat, first)
    await evening.seats.enter(guest.seat, second, move=True)
    for device in (first, second):
        actor = Actor(guest.seat, Role.GUEST, device=device)
        written = evening.house.submit(
            actor, ROOM, WriteLine(id=1, key=f"key-{device}"[:20], text="Hei")
        )
        if device == first:
            with pytest.raises(Unauthorised):
                await written
        else:
            assert await written is not None


async def test_what_the_house_does_for_a_seat_itself_never_goes_over_the_seam(
    evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    await evening.phase(Phase.DOORS)
    guest = await evening.ticket(Role.GUEST, name="Aune")
    monkeypatch.setattr(evening.house, "_adopt", False)
    await Owners(evening.database).beat("two")
    await evening.house.close_room(ROOM)
    await Owners(evening.database).claim(ROOM, "two")
    called: list[str] = []
    evening.commands.serve(ROOM, 99, lambda body, key: _note(called, body))
    with pytest.raises(Unavailable) as refused:
        await evening.do(guest.seat, WriteLine, text="Hei")
    assert refused.value.code == "no_owner"
    assert called == []


async def _note(called: list[str], body: str) -> str:
    called.append(body)
    return Reply(seq=1).model_dump_json()
