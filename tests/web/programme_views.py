"""Shows as the programme's pages see them, for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from rooms.phases import Phase
from rooms.shows import Organisation, Show
from web.language import words
from web.moments import Moments
from web.views import ShowView

HELSINKI = ZoneInfo("Europe/Helsinki")
NOW = datetime(2026, 11, 24, 11, 30, tzinfo=UTC)
"""Tuesday 24 November 2026, half past one in the afternoon in Helsinki."""

TURKU = Organisation(
    id="turku",
    name={"fi": "Turun kaupunki", "sv": "Åbo stad", "en": "City of Turku"},
    city={"fi": "Turku", "sv": "Åbo", "en": "Turku"},
    city_in={"fi": "Turussa", "sv": "i Åbo", "en": "in Turku"},
)


def local(*parts: int) -> datetime:
    """A moment by Helsinki's clock."""
    year, month, day, hour, minute = parts
    return datetime(year, month, day, hour, minute, tzinfo=HELSINKI).astimezone(UTC)


def a_show(show_id: str = "viulu", **other: Any) -> Show:
    """A show this afternoon at two; `other` replaces fields."""
    fields: dict[str, Any] = {
        "id": show_id,
        "organisation": "turku",
        "city": "turku",
        "title": {"fi": "Viulu ja vanha piano", "sv": "Fiol och piano", "en": "Violin and piano"},
        "description": {"fi": "Salonkimusiikkia.", "sv": "Salongsmusik.", "en": "Salon music."},
        "art_form": "chamber_music",
        "artists": ("Elle-Máret Skábma",),
        "languages": ("fi", "sv"),
        "accessibility": ("calm", "captions", "nobody_wrote_this"),
        "price": {"kind": "free"},
        "starts_at": local(2026, 11, 24, 14, 0),
        "doors_at": None,
        "duration_min": 45,
        "has_interval": False,
        "capacity_screens": 100,
        "recording_policy": "at_once",
        "series": None,
        "phase": Phase.SCHEDULED,
    }
    return Show(**{**fields, **other})


def a_view(
    show_id: str = "viulu", *, lang: str = "fi", recording: str | None = None, **other: Any
) -> ShowView:
    """The same as one reader is told of it at `NOW`."""
    moments = Moments(lang, HELSINKI, NOW)
    return ShowView(a_show(show_id, **other), TURKU, words(lang), moments, recording)
