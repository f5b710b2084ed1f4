"""A device is known by a secret that changes; two tabs that change it at once both stay."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from infra.errors import Unknown
from infra.whose import HOUSE
from rooms.devices import DEVICE_MS, DOOR_MS, ROTATED_MS
from rooms.phases import Role
from rooms.tables import DeviceSecretRow
from tests.rooms.conftest import ROOM, Evening, until


async def test_a_device_is_found_by_its_secret_alone(evening: Evening) -> None:
    device, secret = await evening.seats.new_device()
    assert await evening.seats.device(secret) == device
    assert await evening.seats.device(secret + "x") is None
    assert await evening.seats.device(device) is None
    async with evening.database.reading(HOUSE) as session:
        assert secret not in (await session.scalars(select(DeviceSecretRow.digest))).all()


async def test_two_presses_of_one_browser_at_once_are_one_device(evening: Evening) -> None:
    found = await asyncio.gather(
        *(evening.seats.pressing("seat", "unused", "browser") for _ in range(5))
    )
    assert len(set(found)) == 1
    secrets = [await evening.seats.renew(found[0], "browser") for _ in range(2)]
    evening.clock.advance(ROTATED_MS)
    assert [await evening.seats.device(secret or "") for secret in secrets] == [found[0]] * 2


async def test_the_secret_from_before_the_press_names_nobody(evening: Evening) -> None:
    device = await evening.seats.pressing("seat", "unused", "browser")
    await evening.seats.claim(device, "unused", "browser")
    assert await evening.seats.device("unused") is None
    assert await evening.seats.pressing("seat", "unused", "another browser") != device


async def test_after_a_minute_a_browser_that_lost_the_answer_is_a_new_one(evening: Evening) -> None:
    device = await evening.seats.pressing("seat", "unused", "browser")
    evening.clock.advance(DOOR_MS - 1)
    assert await evening.seats.pressing("seat", "unused", "browser") == device
    evening.clock.advance(1)
    again = await asyncio.gather(
        *(evening.seats.pressing("seat", "unused", "browser") for _ in range(3))
    )
    assert len({device, *again}) == 2
    assert DOOR_MS < ROTATED_MS


async def sitting(evening: Evening) -> tuple[str, str, str]:
    """A device that sits in a seat: the seat, the device and its secret."""
    guest = await evening.ticket(Role.GUEST)
    device, secret = await evening.seats.new_device()
    await evening.seats.enter(guest.seat, device)
    return guest.seat, device, secret


async def test_a_rotated_secret_holds_two_minutes_more(evening: Evening) -> None:
    _, device, old = await sitting(evening)
    assert await evening.seats.pressing("elsewhere", old, "browser") == device
    await evening.seats.claim(device, old, "browser")
    new = await evening.seats.renew(device, "browser") or ""
    evening.clock.advance(ROTATED_MS - 1)
    assert await evening.seats.device(old) == device
    evening.clock.advance(1)
    assert await evening.seats.device(old) is None
    assert await evening.seats.device(new) == device
    assert ROTATED_MS == 120_000


async def test_an_ending_secret_gets_no_lasting_one_and_no_other_seat(evening: Evening) -> None:
    seat, device, old = await sitting(evening)
    await evening.seats.claim(device, old, "browser")
    # its seat still works for another that knows it; nothing new comes of it
    assert await evening.seats.pressing(seat, old, "thief") == device
    await evening.seats.claim(device, old, "thief")
    assert await evening.seats.renew(device, "thief") is None
    assert await evening.seats.pressing("elsewhere", old, "thief") != device
    # the browser itself may press in its other tabs, and again when the answer was lost
    assert await evening.seats.pressing("elsewhere", old, "browser") == device
    assert await evening.seats.renew(device, "browser") is not None


async def test_a_press_with_a_lasting_secret_ends_all_that_others_got(evening: Evening) -> None:
    """Somebody gets two secrets for one device and plants one of them."""
    planter = await evening.seats.pressing("seat", "unused", "planter")
    guest = await evening.ticket(Role.GUEST)
    await evening.seats.enter(guest.seat, planter)
    first, second = [await evening.seats.renew(planter, "planter") or "" for _ in range(2)]
    await evening.seats.claim(planter, second, "victim")
    assert await evening.seats.renew(planter, "planter") is None
    assert await evening.seats.pressing("seat", "unused", "planter") != planter
    newest = await evening.seats.renew(planter, "victim") or ""
    evening.clock.advance(ROTATED_MS)
    known = [await evening.seats.device(secret) for secret in (first, second, newest)]
    assert known == [None, None, planter]


async def test_a_device_without_a_seat_is_replaced(evening: Evening) -> None:
    device, secret = await evening.seats.new_device()
    assert await evening.seats.pressing("seat", secret, "browser") != device


async def test_rotating_without_naming_one_ends_all_others(evening: Evening) -> None:
    device, old = await evening.seats.new_device()
    new = await evening.seats.rotate(device)
    evening.clock.advance(ROTATED_MS)
    assert await evening.seats.device(old) is None
    assert await evening.seats.device(new) == device


async def test_a_device_is_known_for_two_hundred_days(evening: Evening) -> None:
    device, secret = await evening.seats.new_device()
    evening.clock.advance(DEVICE_MS - 1)
    assert await evening.seats.device(secret) == device
    evening.clock.advance(1)
    assert await evening.seats.device(secret) is None
    assert DEVICE_MS == 200 * 24 * 3600 * 1000


async def test_a_device_that_leaves_frees_its_seats_and_is_forgotten(evening: Evening) -> None:
    guest = await evening.ticket(Role.GUEST)
    device, secret = await evening.seats.new_device()
    await evening.seats.enter(guest.seat, device)
    await evening.seats.leave_device(device)
    assert await evening.seats.device(secret) is None
    assert not await evening.seats.holds(guest.seat, device)
    await until(lambda: evening.revoked == [(ROOM, guest.seat, "moved")])
    other, _ = await evening.seats.new_device()
    assert (await evening.seats.enter(guest.seat, other)).id == guest.seat


async def test_a_device_that_is_not_there_has_no_new_secret(evening: Evening) -> None:
    for asked in (
        evening.seats.rotate("nothing"),
        evening.seats.claim("nothing", "secret", "browser"),
        evening.seats.renew("nothing", "browser"),
    ):
        with pytest.raises(Unknown):
            await asked
