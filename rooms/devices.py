"""Devices: browsers that hold seats, named by a cookie's secret that is kept hashed."""

from __future__ import annotations

from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from infra.clock import Clock, to_ms
from infra.database import Database
from infra.errors import Unknown
from infra.whose import HOUSE, NONE
from rooms.effects import tell
from rooms.tables import DeviceRow, DeviceSecretRow, SeatRow
from rooms.tickets import digest, new_id, new_secret, same

DEVICE_MS = 200 * 24 * 3600 * 1000
"""How long a device is known: a care home's screen signs in once."""

ROTATED_MS = 120_000
"""How long a rotated secret still holds, for the tabs and answers that are under way."""

DOOR_MS = 60_000
"""How long presses of one browser with one set of cookies are one device's. Shorter than any secret of a
cookie lives: by that the rows are told apart."""


class Devices:
    """Devices as rows; a device by itself has no right to anything."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def new_device(self) -> tuple[str, str]:
        """A device that nobody knew yet, and the secret for its cookie."""
        device, secret = new_id(), new_secret()
        async with self._database.unit_of_work(NONE) as session:
            session.add(DeviceRow(id=device, issued_at_ms=self._now()))
            await session.flush()
            session.add(self._device_secret(device, secret))
        return device, secret

    async def pressing(self, seat_id: str, presented: str, browser: str) -> str:
        """The device that presses the button of the seat: the one whose lasting secret is presented, if it
        sits anywhere; with an ending secret only where it sits already. Else a new one.

        `browser` is what only this browser can show (`Cookies.browser`); it is kept as a secret that no
        cookie may bear.
        """
        async with self._database.reading(HOUSE) as session:
            row = await session.get(DeviceSecretRow, digest(presented))
            if row is not None and same(row.digest, presented) and row.ends_at_ms > self._now():
                sits = select(SeatRow.id).where(SeatRow.device == row.device)
                if not self._lasting(row):
                    sits = sits.where(SeatRow.id == seat_id)
                if await session.scalar(sits.limit(1)) is not None:
                    return row.device
        return await self.at_the_door(browser)

    async def at_the_door(self, browser: str) -> str:
        """The device that this browser pressed with within a minute, else a new one; the same for two
        presses at once."""
        device = new_id()
        try:
            async with self._database.unit_of_work(NONE) as session:
                row = await session.get(DeviceSecretRow, digest(browser), with_for_update=True)
                if row is not None and row.ends_at_ms > self._now():
                    return row.device
                if row is not None:
                    await session.delete(row)
                    await session.flush()
                session.add(DeviceRow(id=device, issued_at_ms=self._now()))
                await session.flush()
                session.add(self._device_secret(device, browser, DOOR_MS))
        except IntegrityError:
            known = await self.device(browser)
            if known is None:
                raise
            return known
        return device

    async def device(self, secret: str) -> str | None:
        """The device that a cookie names, None for an unknown or ended secret."""
        async with self._database.reading(NONE) as session:
            row = await session.get(DeviceSecretRow, digest(secret))
        if row is None or not same(row.digest, secret) or row.ends_at_ms <= self._now():
            return None
        return row.device

    async def rotate(self, device_id: str) -> str:
        """A new secret for the device; all others end in two minutes."""
        secret = new_secret()
        async with self._database.unit_of_work(NONE) as session:
            await self._end_all(session, device_id)
            session.add(self._device_secret(device_id, secret))
        return secret

    async def claim(self, device_id: str, presented: str, browser: str) -> None:
        """A lasting secret was pressed with: it and all others end in two minutes, and of all browsers
        this one alone gets the next (`renew`). An ending one changes nothing."""
        async with self._database.unit_of_work(NONE) as session:
            await self._lock(session, device_id)
            row = await session.get(DeviceSecretRow, digest(presented))
            if row is None or row.device != device_id or not self._lasting(row):
                return
            await self._end_all(session, device_id)
            await session.merge(self._device_secret(device_id, browser, DOOR_MS))

    async def renew(self, device_id: str, browser: str) -> str | None:
        """A new secret for the browser that made or claimed the device, None for any other."""
        secret = new_secret()
        async with self._database.unit_of_work(NONE) as session:
            await self._lock(session, device_id)
            row = await session.get(DeviceSecretRow, digest(browser))
            if row is None or row.device != device_id:
                return None
            session.add(self._device_secret(device_id, secret))
        return secret

    async def leave_device(self, device_id: str) -> None:
        """Forget the device: its seats are free, its secrets end at once."""
        async with self._database.unit_of_work(HOUSE) as session:
            # Whoever is about to sit down with it waits, and then finds it gone.
            await session.get(DeviceRow, device_id, with_for_update=True)
            held = await session.scalars(select(SeatRow).where(SeatRow.device == device_id))
            for row in held.all():
                await tell(session, row, "moved", self._now())
                row.device = None
            await session.flush()
            of_device = DeviceSecretRow.device == device_id
            await session.execute(delete(DeviceSecretRow).where(of_device))
            await session.execute(delete(DeviceRow).where(DeviceRow.id == device_id))

    def _now(self) -> int:
        return to_ms(self._clock.now())

    async def _lock(self, session: AsyncSession, device_id: str) -> None:
        """One after another; who sits down with it meanwhile is not hindered."""
        if await session.get(DeviceRow, device_id, with_for_update={"key_share": True}) is None:
            raise Unknown("no_device", "no such device", sentence="err_no_seat")

    async def _end_all(self, session: AsyncSession, device_id: str) -> None:
        """End the device's secrets in two minutes, and at once what browsers pressed with."""
        await self._lock(session, device_id)
        until, row = self._now() + ROTATED_MS, DeviceSecretRow
        gone = or_(row.ends_at_ms <= self._now(), row.ends_at_ms - row.issued_at_ms < ROTATED_MS)
        await session.execute(delete(row).where(row.device == device_id, gone))
        await session.execute(
            update(row)
            .where(row.device == device_id, row.ends_at_ms > until)
            .values(ends_at_ms=until)
        )

    def _lasting(self, row: DeviceSecretRow) -> bool:
        return row.ends_at_ms > self._now() + ROTATED_MS

    def _device_secret(self, device: str, secret: str, life_ms: int = DEVICE_MS) -> DeviceSecretRow:
        now = self._now()
        return DeviceSecretRow(
            digest=digest(secret), device=device, issued_at_ms=now, ends_at_ms=now + life_ms
        )
