"""A device is known by a secret that changes; two tabs that change it at once both stay."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from infra.errors import Unknown
from infra.whose import HOUSE
from rooms.devices import DEVICE_MS, ROTATED_MS
from rooms.phases import Role
from rooms.tables import DeviceSecretRow
from rooms.tickets import new_secret
from tests.rooms.conftest import ROOM, Evening, until


async def test_a_device_is_found_by_its_secret_alone(evening: Evening) -> None:
    device, secret = await evening.seats.new_device()
    assert await evening.seats.device(secret) == device
    assert await evening.seats.device(secret + "x") is None
    assert await evening.seats.device(device) is None
    async with evening.database.reading(HOUSE) as session:
        assert secret not in (await session.scalars(select(DeviceSecretRow.digest))).all()


async def test_two_that_adopt_one_secret_at_once_get_one_device(evening: Evening) -> None:
    secret = new_secret()
    found = await asyncio.gather(*(evening.seats.adopt_device(secret) for _ in range(5)))
    assert len(set(found)) == 1


async def test_a_rotated_secret_holds_two_minutes_more(evening: Evening) -> None:
    device, old = await evening.seats.new_device()
    new = await evening.seats.rotate(device, old)
    evening.clock.advance(ROTATED_MS - 1)
    assert await evening.seats.device(old) == device
    evening.clock.advance(1)
    assert await evening.seats.device(old) is None
    assert await evening.seats.device(new) == device
    assert ROTATED_MS == 120_000


async def test_two_tabs_that_rotate_at_once_both_stay(evening: Evening) -> None:
    device, old = await evening.seats.new_device()
    first, second = [await evening.seats.rotate(device, old) for _ in range(2)]
    evening.clock.advance(ROTATED_MS)
    assert await evening.seats.device(first) == device
    assert await evening.seats.device(second) == device


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
    with pytest.raises(Unknown):
        await evening.seats.rotate("nothing")
