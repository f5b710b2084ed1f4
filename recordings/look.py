"""The artist's look: who is in a recording hears it first and says whether it may be published.

Only the policy `after_look` asks. A recording is published once everybody whose feed is in it has said
yes and no artist's last word is no. A no ends a publication at once; seven days of silence are a no.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from infra.clock import Clock, from_ms, to_ms
from infra.database import Database
from infra.errors import Conflict, Unknown
from infra.whose import Whose
from recordings.catalogue import latest_answers, publish_row, withdraw_rows
from recordings.tables import AnswerRow, PublicationRow, RecordingRow, TakeRow
from recordings.takes import TakeState

LOOK = timedelta(days=7)
"""How long a yes is waited for, from the moment the recording was ready."""

AFTER_LOOK = "after_look"
Answer = Literal["yes", "no"]
State = Literal["making", "asked", "others", "published", "hidden", "no", "silent", "gone"]


@dataclass(frozen=True, slots=True)
class Look:
    """How a recording stands with its artists, for one of them. `until` is when silence becomes a no.

    `making`: not ready yet; `asked`: her answer is waited for; `others`: she said yes, another has not
    answered; `published`; `hidden`: somebody of the house hid it, and no yes shows it again; `no`: she or
    another artist said no; `silent`: nobody said yes in time; `gone`: there is nothing any more.
    """

    recording: str
    state: State
    until: datetime | None
    may_say_yes: bool
    may_say_no: bool
    final: bool
    """A no cannot be taken back any more."""


class Looks:
    """Asks and remembers."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def of(self, room: str, seat: str) -> Look | None:
        """How the room's recording stands for this artist; None where nobody asks for a look."""
        async with self._database.reading(Whose("recording", room)) as session:
            row = await session.scalar(select(RecordingRow).where(RecordingRow.room == room))
            if row is None or row.policy != AFTER_LOOK:
                return None
            return await self._look(session, row, seat)

    async def answer(
        self,
        room: str,
        seat: str,
        answer: Answer,
        also: Callable[[AsyncSession], Awaitable[None]],
    ) -> Look:
        """Take an artist's answer; publish or withdraw as it says. The same answer again changes nothing.

        `also` is written in the same transaction, with an answer that is new. Raises `Unknown` where
        nobody asks, `Conflict` with code `look_not_yet` or, after a no by silence, `look_over`.
        """
        async with self._database.unit_of_work(Whose("recording", room)) as session:
            query = select(RecordingRow).where(RecordingRow.room == room).with_for_update()
            row = await session.scalar(query)
            if row is None or row.policy != AFTER_LOOK:
                raise Unknown("no_such_look", sentence="err_not_found")
            look = await self._look(session, row, seat)
            if look.state == "making":
                raise Conflict("look_not_yet", sentence="err_not_now")
            said = await latest_answers(session, row.id)
            if said.get(seat) == answer:
                return look
            if not (look.may_say_yes if answer == "yes" else look.may_say_no):
                raise Conflict("look_over", sentence="err_look_over")
            await self._say(session, row, seat, answer)
            await also(session)
            said[seat] = answer
            if answer == "no":
                await withdraw_rows(session, row.id, to_ms(self._clock.now()))
            elif await everybody_said_yes(session, row, said):
                await publish_row(session, row, to_ms(self._clock.now()))
            await session.flush()
            return await self._look(session, row, seat)

    async def _say(
        self, session: AsyncSession, row: RecordingRow, seat: str, answer: Answer
    ) -> None:
        newest = select(func.coalesce(func.max(AnswerRow.number), 0))
        number = await session.scalar(newest.where(AnswerRow.recording == row.id))
        session.add(
            AnswerRow(
                recording=row.id,
                number=(number or 0) + 1,
                organisation=row.organisation,
                seat=seat,
                answer=answer,
                at_ms=to_ms(self._clock.now()),
            )
        )
        await session.flush()

    async def _look(self, session: AsyncSession, row: RecordingRow, seat: str) -> Look:
        if row.status != "ready" or row.ready_ms is None:
            return Look(
                row.id, "making" if row.status == "making" else "gone", None, False, False, True
            )
        until = from_ms(row.ready_ms) + LOOK
        in_time = self._clock.now() < until
        said = await latest_answers(session, row.id)
        standing = select(PublicationRow.prefix).where(
            PublicationRow.recording == row.id, PublicationRow.withdrawn_ms.is_(None)
        )
        state: State
        if (await session.scalars(standing)).first() is not None:
            state = "published"
        elif "no" in said.values():
            state = "no"
        elif await everybody_said_yes(session, row, said):
            state = "hidden"
        elif not in_time:
            state = "silent"
        elif row.hidden_ms is not None:
            state = "hidden"
        else:
            state = "others" if said.get(seat) == "yes" else "asked"
        own = said.get(seat)
        return Look(
            row.id,
            state,
            until,
            may_say_yes=in_time and own != "yes" and state != "published",
            may_say_no=own != "no" and (in_time or state in ("published", "hidden")),
            final=not in_time,
        )


async def everybody_said_yes(
    session: AsyncSession, row: RecordingRow, said: dict[str, str]
) -> bool:
    """Whether all who are in the recording said yes, and no artist no."""
    query = select(TakeRow.participant).where(
        TakeRow.room == row.room, TakeRow.state == TakeState.STORED
    )
    heard = set(await session.scalars(query))
    return bool(heard) and "no" not in said.values() and all(said.get(s) == "yes" for s in heard)
