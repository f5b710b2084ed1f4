"""The way in: a link, the seat's clean address, and the button that takes the seat.

GET and HEAD never admit, bind or consume anything; only the button's POST does (`docs/architecture.md`).
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from infra.clock import to_ms
from infra.errors import BadInput, LampioError, TooLarge, Unauthorised, Unknown
from infra.logs import get_logger
from rooms.messages import Bye, MediaView
from rooms.permissions import check
from rooms.phases import Phase, Role
from rooms.seats import Seat, refuse_if_over
from rooms.shows import Show
from rooms.state import accepted
from rooms.tickets import digest
from web.guesses import typed, wrong_secret
from web.language import language_of, words
from web.look import told_at_the_desk
from web.parts import PARTS, Parts
from web.render import moments_of, render
from web.room_media import AUDIENCE_PHASES
from web.views import ShowView, in_language

log = get_logger("entry")

LARGEST_BODY = 1024

PAGES = {
    Role.GUEST: ("hall.html", ("hall",)),
    Role.COMPANION: ("companion.html", ("hall", "companion")),
    Role.ARTIST: ("desk.html", ("staff", "desk")),
    Role.HOST: ("host.html", ("staff", "host")),
}
PRIVATE = {
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}


async def link(request: web.Request) -> web.StreamResponse:
    """`/t/{secret}`: 303 to the seat's clean address; the browser remembers that it was opened."""
    parts = request.app[PARTS]
    secret = typed(request.match_info["secret"])
    seat = await parts.seats.find(secret, "link", device=await parts.access.device(request))
    if seat is None:
        await wrong_secret(request)
        raise Unknown("no_such_link", sentence="err_link")
    response = web.Response(status=303, headers={"Location": f"/r/{seat.id}", **PRIVATE})
    now_s = parts.clock.now().timestamp()
    parts.cookies.add_link(request, response, seat.id, digest(secret), now_s)
    return response


async def room(request: web.Request) -> web.StreamResponse:
    """`/r/{seat}`: the page of the seat's role; without the cookie it offers the phone and tells no name."""
    parts = request.app[PARTS]
    seat_id = request.match_info["seat"]
    held = await parts.access.holds(request, seat_id)
    if not held and not await _opened(request, seat_id):
        if _wants_json(request):
            raise Unauthorised("no_seat", sentence="err_no_seat")
        return render(request, "no_seat.html", headers=PRIVATE)
    seat = await parts.seats.seat(seat_id)
    refuse_if_over(seat)
    show = await parts.shows.get(seat.show)
    data = await _page_data(request, parts, seat, show, entered=held)
    if _wants_json(request):
        return web.json_response(data, headers=PRIVATE)
    template, _ = PAGES[seat.role]
    return render(request, template, headers=PRIVATE, page_data=data, show=show)


async def enter(request: web.Request) -> web.StreamResponse:
    """`POST /r/{seat}/enter`: the button. Takes the seat for this browser; may be repeated."""
    parts = request.app[PARTS]
    parts.access.same_origin(request)
    move = await _wants_move(request)
    seat_id = request.match_info["seat"]
    presented = parts.cookies.device(request)
    may = await _opened(request, seat_id) or await parts.access.holds(request, seat_id)
    if presented is None or not may:
        raise Unauthorised("no_seat", sentence="err_no_seat")
    seat = await parts.seats.seat(seat_id)
    refuse_if_over(seat)
    show = await parts.shows.get(seat.show)
    check("enter", seat.role, show.phase)
    await parts.reactions.ready(seat.show)
    browser = parts.cookies.browser(request)
    device = await parts.seats.pressing(seat_id, presented, browser)
    moved = move and not await parts.seats.holds(seat_id, device)
    seat = await parts.seats.enter(seat_id, device, move=move)
    await parts.seats.claim(device, presented, browser)
    if moved:
        await _end_here(parts, seat)
    offer = await _offer(parts, seat, device) if seat.id == seat_id else None
    response = web.json_response({"ok": True, "seat": seat.id, "offer": offer}, headers=PRIVATE)
    secret = await parts.seats.renew(device, browser)  # last: answers come in the order of secrets
    if secret is not None:
        parts.cookies.set_device(response, secret)
    return response


async def _opened(request: web.Request, seat: str) -> bool:
    """Whether this browser opened a link to the seat lately that still leads there."""
    parts = request.app[PARTS]
    handle = parts.cookies.opened(request, seat, parts.clock.now().timestamp())
    return handle is not None and await parts.seats.leads(handle, seat)


async def leave(request: web.Request) -> web.StreamResponse:
    """`POST /leave`: *Poistun tältä laitteelta*; every seat of this browser is given up here."""
    parts = request.app[PARTS]
    parts.access.same_origin(request)
    device = await parts.access.device(request)
    if device is not None:
        left = await parts.seats.of_device(device)
        await parts.seats.leave_device(device)
        for seat in left:
            await _end_here(parts, seat)
    response = web.Response(
        status=204, headers={"Clear-Site-Data": '"cookies", "storage"', **PRIVATE}
    )
    parts.cookies.drop_device(response)
    return response


async def _end_here(parts: Parts, seat: Seat) -> None:
    """What ran for the seat on the device that it leaves."""
    hub = parts.hubs.known(seat.show)
    if hub is not None:
        await hub.make_way(seat.id, Bye(reason="moved"))
    try:
        await parts.desk.end_seat(seat, "replaced")
    except LampioError as error:  # between two owners: what ran at the first is gone with it
        log.warning("sessions not ended", seat=seat.id, code=error.code)


async def _offer(parts: Parts, seat: Seat, device: str) -> dict[str, str] | None:
    """The first media offer, a round trip earlier; None where there is nothing to receive yet."""
    if seat.role not in (Role.GUEST, Role.COMPANION):
        return None
    _, state = await parts.house.whole(seat.show)
    may_see = seat.role is Role.GUEST or accepted(state, seat.id)
    if state.phase not in AUDIENCE_PHASES or not may_see:
        return None
    try:
        offer = await parts.desk.ask(seat, device, MediaView(id=0))
    except LampioError as error:
        # The way in never depends on the picture: the page asks for it again by itself.
        log.warning("no offer at the door", seat=seat.id, code=error.code)
        return None
    except Exception:
        log.exception("no offer at the door", seat=seat.id)
        return None
    return offer.model_dump(include={"session", "etag", "sdp"})


async def _wants_move(request: web.Request) -> bool:
    if request.content_type != "application/json":
        raise BadInput("json_expected", status=415)
    if (request.content_length or 0) > LARGEST_BODY:
        raise TooLarge()
    try:
        body = json.loads(await request.text() or "{}")
    except (ValueError, RecursionError, LookupError):  # the last: a charset that there is not
        raise BadInput("bad_json") from None
    if not isinstance(body, dict) or not isinstance(body.get("move", False), bool):
        raise BadInput("bad_json")
    return bool(body.get("move", False))


def _wants_json(request: web.Request) -> bool:
    return "application/json" in request.headers.get("Accept", "")


async def _page_data(
    request: web.Request, parts: Parts, seat: Seat, show: Show, *, entered: bool
) -> dict[str, Any]:
    lang = language_of(request)
    organisation = await parts.shows.organisation(show.organisation)
    guest_name = None
    if seat.companion_of_seat is not None:
        guest_name = (await parts.seats.seat(seat.companion_of_seat)).name
    recording = await parts.recordings.of_room(show.id) if show.phase in PAST else None
    public = recording is not None and recording.published_at is not None
    look, look_words = await told_at_the_desk(request, parts, seat) if recording else (None, None)
    return {
        "seat": seat.id,
        "role": seat.role.value,
        "entered": entered,
        "lang": lang,
        "phone": parts.settings.help_phone,
        "now_ms": to_ms(parts.clock.now()),
        "name": seat.name,
        "guest_name": guest_name,
        "show": {
            "id": show.id,
            "title": in_language(show.title, lang),
            "artists": list(show.artists),
            "starts_at_ms": to_ms(show.starts_at),
            "starts_line": ShowView(
                show, organisation, words(lang), moments_of(request)
            ).starts_line,
            "doors_at_ms": None if show.doors_at is None else to_ms(show.doors_at),
            "phase": show.phase.value,
            "art_form": show.art_form,
            "has_interval": show.has_interval,
            "organisation_name": in_language(organisation.name, lang),
            "city_in": in_language(organisation.city_in, lang),
        },
        "urls": {
            "enter": f"/r/{seat.id}/enter",
            "ws": f"/r/{seat.id}/ws",
            "show": f"/shows/{show.id}",
            "recording": f"/recordings/{recording.id}" if recording and public else None,
            "look": look,
        },
        "look": look_words,
        "texts": words(lang).texts("common", "errors", *PAGES[seat.role][1]),
    }


PAST = frozenset({Phase.ENDED, Phase.ARCHIVED})
