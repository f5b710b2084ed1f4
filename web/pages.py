"""Pages that everybody may open: programme, show, recording, and the house's papers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from aiohttp import web

from infra.errors import Unknown
from recordings.catalogue import Recording
from rooms.phases import Phase
from rooms.scope import Scope
from rooms.shows import Organisation, Show
from web.language import language_of, words
from web.moments import date_of
from web.parts import PARTS
from web.programme import Programme, Search
from web.render import moments_of, render
from web.views import ShowView

# When the papers were last gone through; change it with their words.
PAPERS_UPDATED = date(2026, 11, 24)


def show_view(
    request: web.Request,
    show: Show,
    organisations: Mapping[str, Organisation],
    recording: str | None = None,
) -> ShowView:
    """The show as this reader is told of it."""
    return ShowView(
        show,
        organisations.get(show.organisation),
        words(language_of(request)),
        moments_of(request),
        recording,
    )


async def organisations_of(request: web.Request) -> dict[str, Organisation]:
    """All organisations by id."""
    return {one.id: one for one in await request.app[PARTS].shows.organisations()}


async def catalogue(request: web.Request) -> web.Response:
    """`/`: what is on air, today, coming and recorded; narrowed by the search in the query."""
    parts = request.app[PARTS]
    organisations = await organisations_of(request)
    recorded = {one.room: one.id for one in await parts.recordings.public()}
    views = [
        show_view(request, show, organisations, recorded.get(show.id))
        for show in await parts.shows.catalogue(Scope.public())
    ]
    search = Search.of(request.query)
    whole = Programme.of(views)
    listed = {
        view.id
        for part in (whole.on_air, whole.today, whole.coming, whole.recorded)
        for view in part
    }
    return render(
        request,
        "catalogue.html",
        search=search,
        programme=Programme.of(view for view in views if search.fits(view)),
        cities=sorted({(view.show.organisation, view.city) for view in views}, key=by_name),
        forms=sorted({(v.art_form, v.form) for v in views if v.id in listed}, key=by_name),
    )


def by_name(choice: tuple[str, str]) -> str:
    """Choices stand in the alphabet of their words."""
    return choice[1].casefold()


async def show(request: web.Request) -> web.Response:
    """`/shows/{show}`: one show, as its phase asks."""
    parts = request.app[PARTS]
    found = await known_show(request, request.match_info["show"])
    recording = await parts.recordings.of_room(found.id)
    public = recording is not None and recording.audience == "public"
    view = show_view(
        request,
        found,
        await organisations_of(request),
        recording.id if recording is not None and public else None,
    )
    return render(
        request, "show.html", show=view, event=event_data(view, parts.settings.public_url)
    )


async def known_show(request: web.Request, show_id: str) -> Show:
    """The published show. Raises `Unknown` for drafts too: nobody is told that they exist."""
    try:
        found = await request.app[PARTS].shows.get(show_id)
    except Unknown:
        raise Unknown("no_such_show", sentence="err_not_found") from None
    if found.phase is Phase.DRAFT:
        raise Unknown("no_such_show", sentence="err_not_found")
    return found


async def known_recording(request: web.Request, recording_id: str) -> Recording:
    """The recording, whoever may watch it. Raises `Unknown` with the sentence of a page that is not there."""
    try:
        return await request.app[PARTS].recordings.get(recording_id)
    except Unknown:
        raise Unknown("no_such_recording", sentence="err_not_found") from None


def event_data(view: ShowView, public_url: str) -> dict[str, Any]:
    """The show for search engines (schema.org/Event)."""
    status = "EventCancelled" if view.cancelled else "EventScheduled"
    return {
        "@context": "https://schema.org",
        "@type": "Event",
        "name": view.title,
        "description": view.description,
        "startDate": view.starts_iso,
        "endDate": view.ends_iso,
        "eventStatus": f"https://schema.org/{status}",
        "eventAttendanceMode": "https://schema.org/OnlineEventAttendanceMode",
        "inLanguage": list(view.show.languages),
        "isAccessibleForFree": view.is_free,
        "location": {"@type": "VirtualLocation", "url": f"{public_url}{view.url}"},
        "organizer": {"@type": "Organization", "name": view.organiser},
        "performer": [{"@type": "PerformingGroup", "name": name} for name in view.show.artists],
    }


def paper(template: str) -> Any:
    """A handler for one of the house's papers."""

    async def handler(request: web.Request) -> web.Response:
        lang = language_of(request)
        return render(request, template, updated=date_of(PAPERS_UPDATED, lang, year=True))

    return handler


async def recording(request: web.Request) -> web.Response:
    """`/recordings/{recording}`: the player; who may watch is the recording's policy."""
    parts = request.app[PARTS]
    found = await known_recording(request, request.match_info["recording"])
    if not await parts.access.may_watch(request, found):
        raise Unknown("no_such_recording", sentence="err_not_found")
    of_show = await known_show(request, found.room)
    view = show_view(request, of_show, await organisations_of(request), found.id)
    return render(
        request,
        "recording.html",
        recording=found,
        show=view,
        page_data=recording_data(request, found, view),
    )


def recording_data(request: web.Request, found: Recording, view: ShowView) -> dict[str, Any]:
    """What the player's script needs."""
    lang = language_of(request)
    return {
        "lang": lang,
        "phone": request.app[PARTS].settings.help_phone,
        "recording": {"id": found.id, "duration_ms": found.duration_ms},
        "urls": {"playlist": found.playlist_url, "poster": found.poster_url, "show": view.url},
        "texts": words(lang).texts("common", "errors", "recording"),
    }


def setup_pages(app: web.Application) -> None:
    """Add the public pages' routes."""
    router = app.router
    router.add_get("/", catalogue, name="catalogue")
    router.add_get("/shows/{show}", show, name="show")
    router.add_get("/recordings/{recording}", recording, name="recording")
    router.add_get("/accessibility", paper("accessibility.html"), name="accessibility")
    router.add_get("/privacy", paper("privacy.html"), name="privacy")
