"""The programme as pages list it: what is on air, today, coming and recorded; and searching in it.

Pure: shows in, lists out. A search is the query of a GET form, so that it works without scripts and can
be sent to a friend as an address.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rooms.phases import Phase
from web.views import UPCOMING, ShowView

TODAY, WEEK, RECORDINGS = "today", "week", "recordings"
TIMES = (TODAY, WEEK, RECORDINGS)
WEEK_DAYS = 7
LONGEST_TEXT = 80


def plain(text: str) -> str:
    """Small letters without accents: *Máret* is found as *maret*, *Ääni* as *aani*."""
    apart = unicodedata.normalize("NFD", text.casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody looks for; empty fields ask for nothing."""

    text: str = ""
    city: str = ""
    form: str = ""
    when: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Search:
        """The search in a page's query; what is not understood counts as not asked."""
        when = query.get("when", "")
        return cls(
            text=query.get("q", "").strip()[:LONGEST_TEXT],
            city=query.get("city", ""),
            form=query.get("form", ""),
            when=when if when in TIMES else "",
        )

    @property
    def asks(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.text or self.city or self.form or self.when)

    @property
    def only_recordings(self) -> bool:
        """Whether the page is the list of recordings and nothing else is asked."""
        return self == Search(when=RECORDINGS)

    def fits(self, view: ShowView) -> bool:
        """Whether the show is one of those looked for: every word of the text occurs in it."""
        if self.city and view.show.organisation != self.city:
            return False
        if self.form and view.art_form != self.form:
            return False
        if not self._fits_time(view):
            return False
        words = plain(" ".join((view.title, view.artists, view.description, view.form, view.city)))
        return all(word in words for word in plain(self.text).split())

    def _fits_time(self, view: ShowView) -> bool:
        if self.when == RECORDINGS:
            return view.recording is not None
        if not self.when:
            return True
        if view.over:
            return False
        days = view.moments.days_away(view.show.starts_at)
        return days <= (0 if self.when == TODAY else WEEK_DAYS)


@dataclass(frozen=True, slots=True)
class Programme:
    """Shows in the order in which somebody at the door asks for them."""

    on_air: tuple[ShowView, ...]
    today: tuple[ShowView, ...]
    coming: tuple[ShowView, ...]
    recorded: tuple[ShowView, ...]

    @property
    def count(self) -> int:
        """How many shows stand in it."""
        return sum(map(len, (self.on_air, self.today, self.coming, self.recorded)))

    @classmethod
    def of(cls, views: Iterable[ShowView]) -> Programme:
        """Sort shows into the lists; drafts, and past ones without a public recording, are left out."""
        by_start = sorted(views, key=lambda view: (view.show.starts_at, view.id))
        upcoming = [v for v in by_start if v.show.phase in UPCOMING]
        today = [v for v in upcoming if v.show.phase is Phase.DOORS or v.is_today]
        return cls(
            on_air=tuple(v for v in by_start if v.on_air),
            today=tuple(today),
            coming=tuple(v for v in upcoming if v not in today),
            recorded=tuple(v for v in reversed(by_start) if v.over and v.recording),
        )
