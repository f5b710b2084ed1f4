"""What templates see of a show: words in the reader's language, times and prices as people say them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from babel import Locale

from rooms.phases import Phase
from rooms.shows import Organisation, Show
from web.language import Words
from web.moments import Moments, first_large

NOT_YET = frozenset({"captions", "large_buttons"})
"""Aids that shows are planned with and the hall does not have yet."""

ON_AIR = frozenset({Phase.LIVE, Phase.INTERVAL})
OVER = frozenset({Phase.ENDED, Phase.ARCHIVED})
UPCOMING = frozenset({Phase.SCHEDULED, Phase.REHEARSAL, Phase.DOORS})
LAMPS = {Phase.LIVE: "live_now", Phase.INTERVAL: "interval_now", Phase.DOORS: "doors_open"}
NBSP = "\u00a0"


def in_language(texts: Mapping[str, str], lang: str) -> str:
    """The text in `lang`, else in Finnish, else in whatever there is."""
    return texts.get(lang) or texts.get("fi") or next(iter(texts.values()), "")


def euros(cents: int, lang: str) -> str:
    """An amount: *5 €*, *1,50 €*; in English *€1.50*."""
    whole, part = divmod(cents, 100)
    number = f"{whole}" if not part else f"{whole}.{part:02}"
    return f"€{number}" if lang == "en" else f"{number.replace('.', ',')}{NBSP}€"


def price_line(price: Mapping[str, Any], words: Words) -> str:
    """The price in a few words."""
    match price.get("kind"):
        case "fixed":
            return euros(int(price["cents"]), words.lang)
        case "pay_what_you_can":
            return words.text("pay_yourself")
        case "institution":
            return words.text("price_a_head", price=euros(int(price["cents_per_head"]), words.lang))
        case _:
            return words.text("free")


def price_detail(price: Mapping[str, Any], words: Words) -> str:
    """What else there is to know about the price, or nothing."""
    match price.get("kind"):
        case "pay_what_you_can" if price.get("floor_cents"):
            return words.text("price_floor", price=euros(int(price["floor_cents"]), words.lang))
        case "pay_what_you_can" if price.get("suggested_cents"):
            return words.text(
                "price_for_example", price=euros(int(price["suggested_cents"]), words.lang)
            )
        case "institution" if price.get("minimum_cents"):
            return words.text("price_minimum", price=euros(int(price["minimum_cents"]), words.lang))
        case _:
            return ""


def language_name(code: str, words: Words) -> str:
    """The name of a language spoken in a show, in the reader's language."""
    key = f"speech_{code}"
    if key in words.entries:
        return words.text(key)
    return str(Locale(words.lang).languages.get(code, code))


@dataclass(frozen=True, slots=True)
class ShowView:
    """One show as a page tells of it."""

    show: Show
    organisation: Organisation | None
    words: Words
    moments: Moments
    recording: str | None = None

    @property
    def id(self) -> str:
        """The show's id, as in its address."""
        return self.show.id

    @property
    def url(self) -> str:
        """Where its page is; its recording once that is what one comes for."""
        return f"/shows/{self.show.id}"

    @property
    def recording_url(self) -> str | None:
        """Where its public recording is."""
        return f"/recordings/{self.recording}" if self.recording else None

    @property
    def art_form(self) -> str:
        """The code of the art form: chooses the poster's motif."""
        return self.show.art_form

    @property
    def form(self) -> str:
        """The art form in words."""
        key = f"form_{self.show.art_form}"
        return self.words.text(key if key in self.words.entries else "form_other")

    @property
    def phase(self) -> str:
        """The code of its phase."""
        return self.show.phase.value

    @property
    def title(self) -> str:
        """Its name."""
        return in_language(self.show.title, self.words.lang)

    @property
    def description(self) -> str:
        """A sentence or two about it."""
        return in_language(self.show.description, self.words.lang)

    @property
    def artists(self) -> str:
        """Who performs, by commas."""
        return ", ".join(self.show.artists)

    @property
    def city(self) -> str:
        """The city it comes from."""
        if self.organisation is None:
            return ""
        return in_language(self.organisation.city, self.words.lang)

    @property
    def city_in(self) -> str:
        """*Turussa*, *i Åbo*, *in Turku*."""
        if self.organisation is None:
            return ""
        return in_language(self.organisation.city_in, self.words.lang)

    @property
    def organiser(self) -> str:
        """Who arranges it."""
        if self.organisation is None:
            return ""
        return in_language(self.organisation.name, self.words.lang)

    @property
    def lamp(self) -> str | None:
        """The words beside the lamp, when one is lit."""
        key = LAMPS.get(self.show.phase)
        return self.words.text(key) if key else None

    @property
    def on_air(self) -> bool:
        """Whether the hall is full of it now."""
        return self.show.phase in ON_AIR

    @property
    def over(self) -> bool:
        """Whether it has been."""
        return self.show.phase in OVER

    @property
    def cancelled(self) -> bool:
        """Whether it will not be."""
        return self.show.phase is Phase.CANCELLED

    @property
    def is_today(self) -> bool:
        """Whether it starts on this day."""
        return self.moments.is_today(self.show.starts_at)

    @property
    def when(self) -> str:
        """When: *Alkoi klo 13.48*, *Tänään klo 14.14*, *Esitettiin tiistaina 18.11.*"""
        starts = self.show.starts_at
        if self.on_air:
            if not self.is_today or starts > self.moments.now:  # begun at another time than planned
                return self.words.text("has_begun")
            return self.words.text("started_at", time=self.moments.time(starts))
        if self.over:
            return self.words.text("was_shown", day=self.moments.day(starts))
        if self.is_late:
            return self.words.text("starting_soon")
        return self.moments.label(starts)

    @property
    def is_late(self) -> bool:
        """Whether its time has come today and nothing has begun, or its doors are open on another day."""
        if not self.is_today:
            return self.show.phase is Phase.DOORS
        return self.show.phase in UPCOMING and self.show.starts_at <= self.moments.now

    @property
    def soon(self) -> str | None:
        """*noin 14 minuutin kuluttua*, when it is less than an hour."""
        minutes = self.moments.minutes_away(self.show.starts_at)
        if minutes is None or self.show.phase not in UPCOMING:
            return None
        return self.words.plural("in_minutes", minutes)

    @property
    def starts_sentence(self) -> str:
        """*Esitys alkaa tänään klo 14.*, or *pian* when that time is past."""
        starts = self.show.starts_at
        if self.is_late:
            return self.words.text("starts_soon")
        return self.words.text(
            "starts_at", day=self.moments.day(starts), time=self.moments.time(starts)
        )

    @property
    def starts_line(self) -> str:
        """What the door says of its time: when it starts, that it has begun, or when it was."""
        if not (self.on_air or self.over):
            return self.starts_sentence
        return self.when.removesuffix(".") + "."

    @property
    def starts_iso(self) -> str:
        """The start for machines."""
        return self.moments.local(self.show.starts_at).isoformat(timespec="minutes")

    @property
    def ends_iso(self) -> str:
        """The planned end for machines."""
        end = self.show.starts_at + timedelta(minutes=self.show.duration_min)
        return self.moments.local(end).isoformat(timespec="minutes")

    @property
    def duration(self) -> str:
        """How long it takes, and whether there is an interval."""
        minutes = self.words.plural("minutes", self.show.duration_min)
        key = "duration_with_interval"
        return self.words.text(key, minutes=minutes) if self.show.has_interval else minutes

    @property
    def price(self) -> str:
        """The price in a few words."""
        return price_line(self.show.price, self.words)

    @property
    def price_detail(self) -> str:
        """What else there is to know about it, or nothing."""
        return price_detail(self.show.price, self.words)

    @property
    def is_free(self) -> bool:
        """Whether nothing is paid."""
        return self.show.price.get("kind") == "free"

    @property
    def languages(self) -> str:
        """The languages spoken or sung."""
        return first_large(", ".join(language_name(c, self.words) for c in self.show.languages))

    @property
    def aids(self) -> list[str]:
        """What makes it easier to follow, in words; what the hall cannot give yet is not promised."""
        keys = [f"aid_{code}" for code in self.show.accessibility if code not in NOT_YET]
        return [self.words.text(key) for key in keys if key in self.words.entries]

    @property
    def recording_line(self) -> str:
        """What becomes of the recording, by the show's policy."""
        return self.words.text(f"policy_{self.show.recording_policy}")
