"""The artist's look: she hears and sees her recording before anybody else, and says yes or no.

`/r/{seat}/look` for the artist's own seat (and, to look only, the host's) of a show whose policy is
`after_look`; for everybody else there is no such page. Its media lie below it and are given by the same
right, asked at each request.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any, Literal

from aiohttp import web

from infra.clock import to_ms
from infra.errors import BadInput, TooLarge, Unknown
from recordings.catalogue import Recording
from recordings.look import AFTER_LOOK, Look, Looks
from recordings.manifest import PLAYLIST, POSTER
from rooms.effects import Act, Because, record
from rooms.phases import Role
from rooms.seats import Seat, refuse_if_over
from web.language import language_of, words
from web.media import Media
from web.pages import show_view
from web.parts import PARTS, Parts
from web.render import moments_of, render

LARGEST_BODY = 256
PRIVATE = {
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}
MEDIA = web.AppKey("look_media", Media)


async def page(request: web.Request) -> web.StreamResponse:
    """`GET /r/{seat}/look`."""
    seat, recording, look = await _looking(request)
    parts = request.app[PARTS]
    show = await parts.shows.get(seat.show)
    organisation = await parts.shows.organisation(show.organisation)
    view = show_view(request, show, {organisation.id: organisation})
    lang = language_of(request)
    texts = words(lang).texts("common", "errors", "recording", "look")
    # The player is the guests' own; only this one sentence says more than what a press does.
    texts["rec_trouble"] = texts["look_player_trouble"]
    folder = f"/r/{seat.id}/look"
    data = {
        "lang": lang,
        "phone": parts.settings.help_phone,
        "recording": {"id": recording.id, "duration_ms": recording.duration_ms},
        "urls": {"answer": folder, "desk": f"/r/{seat.id}"},
        "look": _told(request, seat, look),
        "texts": texts,
    }
    return render(
        request,
        "look.html",
        headers=PRIVATE,
        show=view,
        recording=recording,
        playlist=f"{folder}/{PLAYLIST}",
        picture=f"{folder}/{POSTER}",
        plays=look.state not in ("making", "gone"),
        look=data["look"],
        desk=f"/r/{seat.id}",
        page_data=data,
    )


async def answer(request: web.Request) -> web.StreamResponse:
    """`POST /r/{seat}/look` with {"answer": "yes" | "no"}; how the recording stands then."""
    parts = request.app[PARTS]
    parts.access.same_origin(request)
    said = await _wants(request)
    seat, recording, _ = await _looking(request)
    if seat.role is not Role.ARTIST:
        raise _nothing()
    because = Because((Act(seat.id, f"recording.{said}", recording.id),))
    audit = partial(
        record,
        room=seat.show,
        organisation=seat.organisation,
        because=because,
        now_ms=to_ms(parts.clock.now()),
    )
    look = await _looks(parts).answer(seat.show, seat.id, said, audit)
    return web.json_response(_told(request, seat, look), headers=PRIVATE)


async def media(request: web.Request) -> web.StreamResponse:
    """`GET /r/{seat}/look/{name}`: playlist, segments and poster for this seat alone."""
    _, recording, look = await _looking(request)
    if look.state in ("making", "gone"):
        raise _nothing()
    return await request.app[MEDIA].give(request, recording, request.match_info["name"])


async def told_at_the_desk(
    request: web.Request, parts: Parts, seat: Seat
) -> tuple[str | None, str | None]:
    """Address of the look and how it stands in words, for an artist whose recording asks for one."""
    look = await _looks(parts).of(seat.show, seat.id) if seat.role is Role.ARTIST else None
    if look is None:
        return None, None
    return f"/r/{seat.id}/look", _told(request, seat, look)["heading"]


def _looks(parts: Parts) -> Looks:
    return Looks(parts.database, parts.clock)


async def _looking(request: web.Request) -> tuple[Seat, Recording, Look]:
    """Who looks at what. Raises `Unknown` for everybody whom it does not concern."""
    parts = request.app[PARTS]
    seat_id = request.match_info["seat"]
    if not await parts.access.holds(request, seat_id):
        raise _nothing()
    seat = await parts.seats.seat(seat_id)
    refuse_if_over(seat)
    recording = await parts.recordings.of_room(seat.show)
    if recording is None or recording.policy != AFTER_LOOK:
        raise _nothing()
    look = await _looks(parts).of(seat.show, seat.id)
    if look is None or seat.role not in (Role.ARTIST, Role.HOST):
        raise _nothing()
    return seat, recording, look


def _told(request: web.Request, seat: Seat, look: Look) -> dict[str, Any]:
    """How the recording stands, in words, and what may be pressed."""
    text = words(language_of(request)).text
    date = "" if look.until is None else moments_of(request).date(look.until)
    artist = seat.role is Role.ARTIST
    key = f"look_{look.state}"
    if look.state == "no" and look.may_say_yes:
        key = "look_no_yet"
    elif look.state == "published" and look.final:
        key = "look_published_final"
    elif look.state == "asked" and not artist:
        key = "look_asked_host"
    yes = "look_say_yes_after_all" if look.state == "no" else "look_say_yes"
    unanswered = look.state == "asked" or (look.state == "hidden" and look.may_say_yes)
    no = "look_say_no" if unanswered else "look_withdraw"
    return {
        "state": look.state,
        "heading": text(f"look_{look.state}_heading"),
        "words": text(key, date=date),
        "yes": text(yes) if artist and look.may_say_yes else None,
        "no": text(no) if artist and look.may_say_no else None,
        "final": look.final,
    }


async def _wants(request: web.Request) -> Literal["yes", "no"]:
    if request.content_type != "application/json":
        raise BadInput("json_expected", status=415)
    if (request.content_length or 0) > LARGEST_BODY:
        raise TooLarge()
    try:
        body = json.loads(await request.text())
    except (ValueError, RecursionError, LookupError):  # the last: a charset that there is not
        raise BadInput("bad_json") from None
    said = body.get("answer") if isinstance(body, dict) else None
    if said == "yes":
        return "yes"
    if said == "no":
        return "no"
    raise BadInput("bad_answer")


def _nothing() -> Unknown:
    return Unknown("no_such_look", sentence="err_not_found")


def setup_look(app: web.Application) -> None:
    """Add the look's routes."""
    parts = app[PARTS]
    app[MEDIA] = Media(parts.recordings, parts.storage, parts.access.may_watch)
    app.router.add_get("/r/{seat}/look", page, name="look")
    app.router.add_post("/r/{seat}/look", answer, name="look_answer")
    app.router.add_get("/r/{seat}/look/{name}", media, name="look_media")
