"""The catalogue's entries: plan, re-date, find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from infra.broken import BROKEN
from infra.clock import Clock, from_ms, to_ms
from infra.database import Database
from infra.errors import Conflict, Unknown
from infra.whose import PUBLIC
from infra.whose import organisation as whose
from rooms.effects import set_doors
from rooms.messages import PhaseChanged
from rooms.phases import Phase
from rooms.scope import Scope, of_show, owned, seen_by, within, writing
from rooms.store import append_in, claim_in, release_in
from rooms.tables import OrganisationRow, RoomRow, ShowRow

Words = Mapping[str, str]
"""A text by language code."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """A municipality or house that arranges shows; `city_in` is "in the city" as the language has it."""

    id: str
    name: Words
    city: Words
    city_in: Words


@dataclass(frozen=True, slots=True)
class ShowPlan:
    """A show as an organiser plans it. `duration_min` in minutes; `doors_at` None: a host opens them."""

    id: str
    organisation: str
    city: str
    title: Words
    description: Words
    art_form: str
    artists: tuple[str, ...]
    languages: tuple[str, ...]
    accessibility: tuple[str, ...]
    price: Mapping[str, Any]
    starts_at: datetime
    doors_at: datetime | None
    duration_min: int
    has_interval: bool
    capacity_screens: int
    recording_policy: str
    series: str | None = None


@dataclass(frozen=True, slots=True)
class Show(ShowPlan):
    """A show as it stands: `touched` once people have changed its phase."""

    phase: Phase = Phase.DRAFT
    epoch: int = 0
    touched: bool = False


class Shows:
    """Shows and organisations, as rows."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def now(self) -> datetime:
        """The present moment, in UTC."""
        return self._clock.now()

    async def catalogue(
        self, scope: Scope, *, organisation: str | None = None, phase: Phase | None = None
    ) -> list[Show]:
        """Published shows of the scope by their start; only this organisation's, only in this phase."""
        query = _SHOW.where(RoomRow.phase != Phase.DRAFT).order_by(ShowRow.starts_at_ms, ShowRow.id)
        query = within(scope, query, ShowRow.organisation)
        if organisation is not None:
            query = query.where(ShowRow.organisation == organisation)
        if phase is not None:
            query = query.where(RoomRow.phase == phase)
        async with self._database.reading(seen_by(scope)) as session:
            rows = (await session.execute(query)).all()
        return [found for show, room in rows if (found := _readable(show, room)) is not None]

    async def get(self, show_id: str) -> Show:
        """The show. Raises `Unknown` (`no_show`), also for one whose row cannot be read."""
        async with self._database.reading(of_show(show_id)) as session:
            row = (await session.execute(_SHOW.where(ShowRow.id == show_id))).first()
        found = None if row is None else _readable(*row)
        if found is None:
            raise Unknown("no_show", "no such show", sentence="err_not_found")
        return found

    async def plan(self, scope: Scope, plan: ShowPlan, *, phase: Phase = Phase.SCHEDULED) -> None:
        """Put the plan into the catalogue, or change what stands there; `phase` is a new show's first.

        Raises `Unknown` for a show or organisation outside the scope.
        """
        try:
            async with self._database.unit_of_work(writing(scope)) as session:
                if plan.organisation != scope.writes:
                    raise Unknown("no_organisation", "a plan stays in its organisation's scope")
                # The room before the show, as an event that changes both does.
                room = await session.get(RoomRow, plan.id, with_for_update=True)
                present = await session.get(ShowRow, plan.id)
                if present is not None and present.organisation != scope.writes:
                    raise Unknown("no_show", "no such show")
                await session.merge(ShowRow(**_columns(plan)))
                await session.flush()
                if room is None:
                    await self._open_room(session, plan, phase)
                else:
                    await self._doors(session, plan.id, plan.organisation, Phase(room.phase), plan)
        except IntegrityError:
            # Where another organisation's rows are not even seen, its ids are still taken.
            raise Unknown("no_show", "no such show") from None

    async def redate(
        self,
        scope: Scope,
        show_id: str,
        *,
        starts_at: datetime,
        doors_at: datetime | None,
        phase: Phase,
    ) -> bool:
        """Move a show that nobody touched to another date and phase; whether it was moved.

        A show that people have touched, or whose room another process runs right now, stays.
        """
        async with self._database.unit_of_work(writing(scope)) as session:
            query = select(ShowRow).where(ShowRow.id == show_id)
            query = owned(scope, query, ShowRow.organisation)
            if await session.scalar(query) is None:
                raise Unknown("no_show", "no such show")
            node = f"redate-{show_id}"[:64]
            try:
                fence = await claim_in(session, show_id, node)
            except Conflict:
                return False
            # Read once the room is ours: nobody touches the show any more.
            show = await session.scalar(query.execution_options(populate_existing=True))
            if show is None or show.touched:
                await release_in(session, show_id, node, fence)
                return False
            show.starts_at_ms = to_ms(starts_at)
            show.doors_at_ms = None if doors_at is None else to_ms(doors_at)
            await session.flush()
            room = await session.get_one(RoomRow, show_id, populate_existing=True)
            if room.phase != phase:
                await self._enter(session, show_id, fence, phase, room.epoch + 1)
            await set_doors(session, show_id, show.organisation, phase, show.doors_at_ms)
            await release_in(session, show_id, node, fence)
        return True

    async def organisations(self) -> list[Organisation]:
        """All organisations, by id."""
        async with self._database.reading(PUBLIC) as session:
            rows = await session.scalars(select(OrganisationRow).order_by(OrganisationRow.id))
            return [_organisation(row) for row in rows.all()]

    async def organisation(self, organisation: str) -> Organisation:
        """One organisation. Raises `Unknown`."""
        async with self._database.reading(PUBLIC) as session:
            row = await session.get(OrganisationRow, organisation)
        if row is None:
            raise Unknown("no_organisation", "no such organisation")
        return _organisation(row)

    async def add_organisation(self, organisation: Organisation) -> None:
        """Add an organisation, or change its words."""
        async with self._database.unit_of_work(whose(organisation.id)) as session:
            await session.merge(
                OrganisationRow(
                    id=organisation.id,
                    name=dict(organisation.name),
                    city=dict(organisation.city),
                    city_in=dict(organisation.city_in),
                )
            )

    async def _open_room(self, session: AsyncSession, plan: ShowPlan, phase: Phase) -> None:
        session.add(RoomRow(id=plan.id, organisation=plan.organisation, phase=Phase.DRAFT))
        await session.flush()
        await self._doors(session, plan.id, plan.organisation, phase, plan)
        if phase is not Phase.DRAFT:
            await self._enter(session, plan.id, 0, phase, 1)

    async def _enter(
        self, session: AsyncSession, room: str, fence: int, phase: Phase, epoch: int
    ) -> None:
        now = to_ms(self._clock.now())
        event = PhaseChanged(phase=phase, epoch=epoch, at=now)
        await append_in(session, room, fence, [event.model_dump_json()], now)

    async def _doors(
        self, session: AsyncSession, room: str, organisation: str, phase: Phase, plan: ShowPlan
    ) -> None:
        at_ms = None if plan.doors_at is None else to_ms(plan.doors_at)
        await set_doors(session, room, organisation, phase, at_ms)


_SHOW: Select[ShowRow, RoomRow] = select(ShowRow, RoomRow).join(RoomRow, RoomRow.id == ShowRow.id)


def _columns(plan: ShowPlan) -> dict[str, Any]:
    return {
        "id": plan.id,
        "organisation": plan.organisation,
        "city": plan.city,
        "title": dict(plan.title),
        "description": dict(plan.description),
        "art_form": plan.art_form,
        "artists": list(plan.artists),
        "languages": list(plan.languages),
        "accessibility": list(plan.accessibility),
        "price": dict(plan.price),
        "starts_at_ms": to_ms(plan.starts_at),
        "doors_at_ms": None if plan.doors_at is None else to_ms(plan.doors_at),
        "duration_min": plan.duration_min,
        "has_interval": plan.has_interval,
        "capacity_screens": plan.capacity_screens,
        "recording_policy": plan.recording_policy,
        "series": plan.series,
    }


def _readable(show: ShowRow, room: RoomRow) -> Show | None:
    """The show as its row says; None for a row that cannot be read, which hides no other."""
    try:
        return _show(_sound(show), room)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        BROKEN.note("show", show.id, error)
        return None


def _sound(show: ShowRow) -> ShowRow:
    """The row, if its JSON has the form that pages count on. Raises `ValueError`."""
    words = isinstance(show.title, dict) and show.title and isinstance(show.description, dict)
    lists = (show.artists, show.languages, show.accessibility)
    if not words or not all(isinstance(one, list) for one in lists):
        raise ValueError("words or lists")
    texts = (*show.title.values(), *show.description.values(), *(t for one in lists for t in one))
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("text")
    amounts = {key: value for key, value in show.price.items() if "cents" in key}
    needed = _AMOUNT.get(show.price.get("kind", ""))
    if needed not in (None, *amounts) or not all(type(v) is int for v in amounts.values()):
        raise ValueError("price")
    return show


_AMOUNT = {"fixed": "cents", "institution": "cents_per_head"}
"""The amount that a kind of price cannot be told without."""


def _show(show: ShowRow, room: RoomRow) -> Show:
    return Show(
        id=show.id,
        organisation=show.organisation,
        city=show.city,
        title=show.title,
        description=show.description,
        art_form=show.art_form,
        artists=tuple(show.artists),
        languages=tuple(show.languages),
        accessibility=tuple(show.accessibility),
        price=show.price,
        starts_at=from_ms(show.starts_at_ms),
        doors_at=None if show.doors_at_ms is None else from_ms(show.doors_at_ms),
        duration_min=show.duration_min,
        has_interval=show.has_interval,
        capacity_screens=show.capacity_screens,
        recording_policy=show.recording_policy,
        series=show.series,
        phase=Phase(room.phase),
        epoch=room.epoch,
        touched=show.touched,
    )


def _organisation(row: OrganisationRow) -> Organisation:
    return Organisation(
        id=row.id, name=row.name or {}, city=row.city or {}, city_in=row.city_in or {}
    )
