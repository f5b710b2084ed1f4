"""Days and times as people say them, in the time zone of the shows.

Finnish: *tänään klo 14*, *tiistaina 1.12. klo 14.30*; Swedish: *i dag kl. 14*, *på tisdag 1.12
kl. 14.30*; English: *today at 2 pm*, *on Tuesday 1 December at 2.30 pm*. Within *klo 14* stands a
no-break space.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date

NBSP = "\u00a0"
NEAR_DAYS = {
    "fi": {-1: "eilen", 0: "tänään", 1: "huomenna"},
    "sv": {-1: "i går", 0: "i dag", 1: "i morgon"},
    "en": {-1: "yesterday", 0: "today", 1: "tomorrow"},
}
# The Finnish ones are inflected (*on Sunday*), which locale data does not do for every day.
WEEKDAYS = {
    "fi": "maanantaina tiistaina keskiviikkona torstaina perjantaina lauantaina sunnuntaina".split(),
    "sv": "måndag tisdag onsdag torsdag fredag lördag söndag".split(),
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
}
# A date this far away is said with its year.
FAR_DAYS = 180
AN_HOUR_MIN = 60


def time_of(local: datetime, lang: str) -> str:
    """The time alone: *14*, *14.30*; in English *2 pm*, *2.30 pm*, *12 noon*."""
    if lang != "en":
        return f"{local.hour}.{local.minute:02}" if local.minute else str(local.hour)
    if local.hour == 12 and not local.minute:
        return f"12{NBSP}noon"
    hour = local.hour % 12 or 12
    minute = f".{local.minute:02}" if local.minute else ""
    return f"{hour}{minute}{NBSP}{'am' if local.hour < 12 else 'pm'}"


def clock_of(local: datetime, lang: str) -> str:
    """The time with its word: *klo 14*, *kl. 14*, *at 2 pm*."""
    word = {"fi": f"klo{NBSP}", "sv": f"kl.{NBSP}"}.get(lang, "at ")
    return word + time_of(local, lang)


def date_of(day: date, lang: str, *, year: bool = False) -> str:
    """The date in figures: *1.12.*, *1.12*, *1 December*."""
    if lang == "en":
        return format_date(day, "d MMMM y" if year else "d MMMM", locale="en").replace(" ", NBSP)
    short = f"{day.day}.{day.month}"
    if year:
        return f"{short}.{day.year}"
    return f"{short}." if lang == "fi" else short


def day_of(day: date, today: date, lang: str, *, alone: bool = False) -> str:
    """The day as it stands in a sentence: *tänään*, *på tisdag 1.12*, *on Tuesday 1 December*.

    `alone`: as it stands on a card, without the preposition.
    """
    away = (day - today).days
    near = NEAR_DAYS[lang].get(away)
    if near is not None:
        return near.replace(" ", NBSP)
    weekday = WEEKDAYS[lang][day.weekday()]
    figures = date_of(day, lang, year=abs(away) > FAR_DAYS)
    if alone or (lang == "sv" and away < 0):
        return f"{weekday} {figures}"
    before = {"sv": "på ", "en": "on "}.get(lang, "")
    return f"{before}{weekday} {figures}"


def first_large(text: str) -> str:
    """The sentence with a capital at its head."""
    return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class Moments:
    """Times told to one reader: language, time zone, and what time it is now (UTC)."""

    lang: str
    zone: ZoneInfo
    now: datetime

    def local(self, when: datetime) -> datetime:
        """The moment in the shows' time zone."""
        return when.astimezone(self.zone)

    def time(self, when: datetime) -> str:
        """*14.30*, for a text that has the word for "at" itself."""
        return time_of(self.local(when), self.lang)

    def clock(self, when: datetime) -> str:
        """*klo 14.30*."""
        return clock_of(self.local(when), self.lang)

    def day(self, when: datetime) -> str:
        """*tänään*."""
        return day_of(self.local(when).date(), self.local(self.now).date(), self.lang)

    def date(self, when: datetime) -> str:
        """*28.11.*."""
        return date_of(self.local(when).date(), self.lang)

    def moment(self, when: datetime) -> str:
        """*tänään klo 14.30*."""
        return f"{self.day(when)} {self.clock(when)}"

    def label(self, when: datetime) -> str:
        """*Tänään klo 14.30*, as it stands on a card."""
        today = self.local(self.now).date()
        day = day_of(self.local(when).date(), today, self.lang, alone=True)
        return first_large(f"{day} {self.clock(when)}")

    def is_today(self, when: datetime) -> bool:
        """Whether it is the same day there."""
        return self.local(when).date() == self.local(self.now).date()

    def days_away(self, when: datetime) -> int:
        """Whole days of the calendar from today."""
        return (self.local(when).date() - self.local(self.now).date()).days

    def minutes_away(self, when: datetime) -> int | None:
        """Minutes until then, at least 1, when that is less than an hour; else None."""
        minutes = (when - self.now).total_seconds() / 60
        return max(1, round(minutes)) if 0 < minutes < AN_HOUR_MIN else None
