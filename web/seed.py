"""The demo's programme put into the catalogue: five cities, 24 shows, dates relative to the day.

It may be repeated: shows that people have touched, and those that are over, stay as they are; all
others get new dates and their first phase again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from datetime import time as local_time
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from infra.errors import Unknown
from rooms.phases import Phase
from rooms.scope import Scope
from rooms.shows import Organisation, ShowPlan, Shows

PROGRAMME = Path(__file__).with_name("programme.json")
ZONE = ZoneInfo("Europe/Helsinki")
DOORS_BEFORE = timedelta(minutes=15)
"""How long before the start the doors open."""

MAIN_SHOW = "viulu-ja-vanha-piano"
"""The show that the demo's own links lead to."""

LIVE_SHOWS = ("perjantain-yhteislaulu", MAIN_SHOW)
"""Shows that are live when the demo starts."""

_OVER = (Phase.ENDED, Phase.ARCHIVED, Phase.CANCELLED)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(_Entry):
    """A text in the three languages."""

    fi: str = Field(min_length=1)
    sv: str = Field(min_length=1)
    en: str = Field(min_length=1)


class City(_Entry):
    """An organisation of the programme."""

    id: str
    name: Text
    city: Text
    city_in: Text


class Series(_Entry):
    """Shows that belong together."""

    id: str
    title: Text
    rhythm: str


class Starts(_Entry):
    """When a show starts: minutes from now, or a local time some days from today."""

    minutes_from_now: int | None = None
    day: int | None = None
    time: local_time | None = None

    def at(self, now: datetime) -> datetime:
        """The moment in UTC."""
        if self.minutes_from_now is not None:
            return now.replace(second=0, microsecond=0) + timedelta(minutes=self.minutes_from_now)
        if self.day is None or self.time is None:
            raise ValueError("a start needs minutes_from_now, or day and time")
        day: date = now.astimezone(ZONE).date() + timedelta(days=self.day)
        return datetime.combine(day, self.time, ZONE).astimezone(UTC)


class Entry(_Entry):
    """A show of the programme."""

    id: str = Field(pattern=r"^[a-z0-9-]{3,64}$")
    organisation: str
    phase: Phase
    starts: Starts
    duration_min: int = Field(gt=0, le=240)
    art_form: str
    languages: tuple[str, ...] = Field(min_length=1)
    languages_note: str | None = None
    title: Text
    description: Text
    artists: tuple[str, ...] = Field(min_length=1)
    accessibility: tuple[str, ...]
    price: Mapping[str, Any]
    kaikukortti: bool
    audience: tuple[Literal["home", "care_home"], ...]
    series: str | None
    has_interval: bool
    capacity_screens: int = Field(gt=0)
    recording_policy: Literal["none", "ticket_holders", "after_look", "at_once"]

    def plan(self, now: datetime) -> ShowPlan:
        """The show as a plan for its next date."""
        starts_at = self.starts.at(now)
        return ShowPlan(
            id=self.id,
            organisation=self.organisation,
            city=self.organisation,
            title=self.title.model_dump(),
            description=self.description.model_dump(),
            art_form=self.art_form,
            artists=self.artists,
            languages=self.languages,
            accessibility=self.accessibility,
            price=self.price,
            starts_at=starts_at,
            doors_at=starts_at - DOORS_BEFORE,
            duration_min=self.duration_min,
            has_interval=self.has_interval,
            capacity_screens=self.capacity_screens,
            recording_policy=self.recording_policy,
            series=self.series,
        )


class Programme(_Entry):
    """The whole file."""

    organisations: tuple[City, ...]
    series: tuple[Series, ...]
    shows: tuple[Entry, ...]


def read_programme(path: Path = PROGRAMME) -> Programme:
    """The programme of the file, checked."""
    return Programme.model_validate_json(path.read_bytes())


async def seed(shows: Shows, programme: Programme | None = None) -> int:
    """Put the programme into the catalogue; how many shows were added or moved to new dates."""
    programme, now = programme or read_programme(), shows.now()
    for city in programme.organisations:
        await shows.add_organisation(Organisation(**city.model_dump()))
    changed = 0
    for entry in programme.shows:
        scope, plan = Scope(entry.organisation), entry.plan(now)
        try:
            present = await shows.get(entry.id)
        except Unknown:
            await shows.plan(scope, plan, phase=entry.phase)
            changed += 1
            continue
        if present.touched or present.phase in _OVER:
            continue
        changed += await shows.redate(
            scope,
            entry.id,
            starts_at=plan.starts_at,
            doors_at=plan.doors_at,
            phase=entry.phase,
        )
    return changed
