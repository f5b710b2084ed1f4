"""The JSON API for others: catalogue and recordings, as anybody may read them.

Read only, without credentials, and open to pages elsewhere (CORS). Lists are cut into pages. What a query
may hold is a model, and what is asked for beyond it is refused: a typing error is told, not passed over.
`web/openapi.py` describes all of it from the same models.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, Self, TypeVar

from aiohttp import web
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from infra.errors import BadInput, Unknown
from recordings.catalogue import Recording
from rooms.phases import Phase
from rooms.scope import Scope
from rooms.shows import Show
from web.pages import known_recording, known_show
from web.parts import PARTS
from web.programme import LONGEST_TEXT, plain

MOST_PAGES = 10_000
LARGEST_PAGE = 100
FRESH_S = 30
PREFIX = "/api/"

Words = dict[str, str]
Text = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9_-]+$")]
T = TypeVar("T")


def _written_out(value: Any) -> Any:
    """A moment as RFC 3339 writes it, not as a number of seconds."""
    if isinstance(value, str) and not _MOMENT.match(value):
        raise ValueError("a date, a time and its zone")
    return value


_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d")
Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(_Model):
    """Which page of a list."""

    page: int = Field(1, ge=1, le=MOST_PAGES, description="the page, from 1")
    size: int = Field(20, ge=1, le=LARGEST_PAGE, description="entries a page")


class ShowQuery(PageQuery):
    """Which shows; what is left out asks for nothing."""

    organisation: Text | None = Field(None, description="id of who arranges it")
    art_form: Text | None = Field(None, description="code of the art form")
    phase: Phase | None = Field(None, description="where the show is in its life")
    q: str | None = Field(
        None, min_length=1, max_length=LONGEST_TEXT, description="words in title, artists or text"
    )
    starts_from: Moment | None = Field(None, description="earliest start")
    starts_before: Moment | None = Field(None, description="starts before this")


class RecordingQuery(PageQuery):
    """Which recordings."""

    organisation: Text | None = Field(None, description="id of who arranged the show")


class ShowEntry(_Model):
    """One show of the catalogue. Texts are by language (fi, sv, en); times are UTC."""

    id: str
    url: str = Field(description="its page")
    organisation: str
    city: str
    title: Words
    description: Words
    art_form: str
    artists: tuple[str, ...]
    languages: tuple[str, ...]
    accessibility: tuple[str, ...]
    price: dict[str, Any]
    starts_at: datetime
    doors_at: datetime | None
    duration_min: int
    has_interval: bool
    series: str | None
    phase: Phase
    recording_url: str | None = Field(description="page of its public recording, if there is one")

    @classmethod
    def of(cls, show: Show, public_url: str, recording: Recording | None) -> Self:
        """The entry of a published show."""
        return cls(
            **{name: getattr(show, name) for name in cls.model_fields if hasattr(show, name)},
            url=f"{public_url}/shows/{show.id}",
            recording_url=recording and f"{public_url}/recordings/{recording.id}",
        )


class RecordingEntry(_Model):
    """One public recording."""

    id: str
    url: str = Field(description="its page")
    show: str
    organisation: str
    title: Words
    artists: tuple[str, ...]
    published_at: datetime | None
    duration_ms: int
    codecs: str = Field(description="RFC 6381")
    playlist_url: str | None = Field(description="HLS (RFC 8216), as long as it is public")
    poster_url: str | None

    @classmethod
    def of(cls, recording: Recording, show: Show, public_url: str) -> Self:
        """The entry of a public recording."""
        playlist, poster = recording.playlist_url, recording.poster_url
        return cls(
            id=recording.id,
            url=f"{public_url}/recordings/{recording.id}",
            show=show.id,
            organisation=recording.organisation,
            title=dict(show.title),
            artists=show.artists,
            published_at=recording.published_at,
            duration_ms=recording.duration_ms,
            codecs=recording.codecs,
            playlist_url=playlist and public_url + playlist,
            poster_url=poster and public_url + poster,
        )


class Listed(_Model, Generic[T]):
    """One page of a list; `total` counts all that was asked for."""

    items: tuple[T, ...]
    page: int
    size: int
    total: int


class ShowList(Listed[ShowEntry]):
    """Shows by their start."""


class RecordingList(Listed[RecordingEntry]):
    """Recordings, newest first."""


async def shows(request: web.Request) -> web.Response:
    """`/api/shows`."""
    asked = _asked(ShowQuery, request)
    parts = request.app[PARTS]
    # What the database can narrow it does; words and moments are compared here.
    listed = await parts.shows.catalogue(
        Scope.public(), organisation=asked.organisation, phase=asked.phase
    )
    found = [show for show in listed if _fits(asked, show)]
    recordings = {recording.room: recording for recording in await parts.recordings.public()}
    url = parts.settings.public_url
    page = _page(asked, found)
    items = tuple(ShowEntry.of(show, url, recordings.get(show.id)) for show in page)
    return _json(ShowList(items=items, page=asked.page, size=asked.size, total=len(found)))


async def show(request: web.Request) -> web.Response:
    """`/api/shows/{show}`."""
    parts = request.app[PARTS]
    found = await known_show(request, request.match_info["show"])
    recording = await parts.recordings.of_room(found.id)
    public = recording if recording is not None and recording.audience == "public" else None
    return _json(ShowEntry.of(found, parts.settings.public_url, public))


async def recordings(request: web.Request) -> web.Response:
    """`/api/recordings`."""
    asked = _asked(RecordingQuery, request)
    parts = request.app[PARTS]
    listed = await parts.shows.catalogue(Scope.public(), organisation=asked.organisation)
    known = {show.id: show for show in listed}
    found = [recording for recording in await parts.recordings.public() if recording.room in known]
    url = parts.settings.public_url
    page = _page(asked, found)
    items = tuple(RecordingEntry.of(one, known[one.room], url) for one in page)
    return _json(RecordingList(items=items, page=asked.page, size=asked.size, total=len(found)))


async def recording(request: web.Request) -> web.Response:
    """`/api/recordings/{recording}`."""
    parts = request.app[PARTS]
    found = await known_recording(request, request.match_info["recording"])
    if found.audience != "public":
        raise Unknown(sentence="err_not_found")
    show = await known_show(request, found.room)
    return _json(RecordingEntry.of(found, show, parts.settings.public_url))


async def open_to_all(request: web.Request, response: web.StreamResponse) -> None:
    """Every answer of the API may be read by pages elsewhere, a refusal too (a signal)."""
    if request.path.startswith(PREFIX):
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"


Q = TypeVar("Q", bound=PageQuery)


def _asked(model: type[Q], request: web.Request) -> Q:
    query = request.query
    if len(query) != len(set(query)):
        raise BadInput("bad_query", "a parameter is given twice")
    try:
        return model.model_validate_strings(dict(query))
    except ValidationError as error:
        raise BadInput("bad_query", f"{error.error_count()} parameters") from None


def _fits(asked: ShowQuery, show: Show) -> bool:
    return (
        asked.art_form in (None, show.art_form)
        and (asked.starts_from is None or show.starts_at >= asked.starts_from)
        and (asked.starts_before is None or show.starts_at < asked.starts_before)
        and _has_words(asked.q or "", show)
    )


def _has_words(text: str, show: Show) -> bool:
    words = plain(" ".join((*show.title.values(), *show.description.values(), *show.artists)))
    return all(word in words for word in plain(text).split())


def _page(asked: PageQuery, found: Sequence[T]) -> Sequence[T]:
    start = (asked.page - 1) * asked.size
    return found[start : start + asked.size]


def _json(model: BaseModel) -> web.Response:
    response = web.Response(text=model.model_dump_json(), content_type="application/json")
    response.headers["Cache-Control"] = f"public, max-age={FRESH_S}"
    return response
