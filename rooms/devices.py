"""Devices: browsers that hold seats, named by a cookie's secret that is kept hashed."""

from __future__ import annotations

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from infra.clock import Clock, to_ms
from infra.database import Database
from infra.errors import Forbidden, Unknown
from infra.whose import HOUSE, NONE
from rooms.effects import tell
from rooms.tables import DeviceRow, DeviceSecretRow, SeatRow
from rooms.tickets import digest, new_id, new_secret, same

DEVICE_MS = 200 * 24 * 3600 * 1000
"""How long a device is known: a care home's screen signs in once."""

ROTATED_MS = 120_000
"""How long a rotated secret still holds, for the tabs and answers that are under way."""


class Devices:
    """Devices as rows; a device by itself has no right to anything."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def new_device(self) -> tuple[str, str]:
        """A device that nobody knew yet, and the secret for its cookie."""
        secret = new_secret()
        return await self.adopt_device(secret), secret

    async def adopt_device(self, secret: str) -> str:
        """The device with this secret, made if it is new; the same for two that ask at once."""
        known = await self.device(secret)
        if known is not None:
            return known
        device = new_id()
        try:
            async with self._database.unit_of_work(NONE) as session:
                row = await session.get(DeviceSecretRow, digest(secret))
                if row is not None:
                    if row.ends_at_ms <= self._now():
                        raise Forbidden("expired", "this secret has ended", sentence="err_no_seat")
                    return row.device
                session.add(DeviceRow(id=device, issued_at_ms=self._now()))
                await session.flush()
                session.add(self._device_secret(device, secret))
        except IntegrityError:
            known = await self.device(secret)
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

    async def rotate(self, device_id: str, presented: str | None = None) -> str:
        """A new secret for the device. The presented one (None: all others) ends in two minutes."""
        secret, until = new_secret(), self._now() + ROTATED_MS
        async with self._database.unit_of_work(NONE) as session:
            if await session.get(DeviceRow, device_id) is None:
                raise Unknown("no_device", "no such device", sentence="err_no_seat")
            ending = (
                update(DeviceSecretRow)
                .where(DeviceSecretRow.device == device_id, DeviceSecretRow.ends_at_ms > until)
                .values(ends_at_ms=until)
            )
            if presented is not None:
                ending = ending.where(DeviceSecretRow.digest == digest(presented))
            await session.execute(ending)
            await session.execute(
                delete(DeviceSecretRow).where(
                    DeviceSecretRow.device == device_id, DeviceSecretRow.ends_at_ms <= self._now()
                )
            )
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

    def _device_secret(self, device: str, secret: str) -> DeviceSecretRow:
        now = self._now()
        return DeviceSecretRow(
            digest=digest(secret), device=device, issued_at_ms=now, ends_at_ms=now + DEVICE_MS
        )
