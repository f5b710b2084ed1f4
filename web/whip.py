"""WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep-03) in HTTP dress; `streaming/whip.py` has the matter.

The credential is a bearer token: the show's broadcast key for WHIP, a seat's viewing key for WHEP.
CORS is open without credentials, refusals too, so that a page elsewhere can publish or watch with a key it
was given, and learn why not.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from infra.errors import Forbidden, LampioError, TooLarge, TooMany, Unauthorised, Unknown
from rooms.seats import refuse_if_over
from streaming.fragment import CONTENT_TYPE as FRAGMENT_TYPE
from streaming.fragment import MAX_BYTES as LARGEST_FRAGMENT
from streaming.ports import Action, Elsewhere, RoomId, SessionId
from streaming.sdp import SENTENCE
from streaming.whip import Protocol
from web.access import KIND_OF, bearer
from web.guesses import wrong_secret
from web.parts import PARTS

LARGEST_OFFER = 64 * 1024
MADE, PATCHED, PER_S = 30, 120, 60.0
"""How many sessions one key may begin, and how many fragments it may send, within so many seconds. Keys are
counted, not addresses: many residents stand behind one."""
MADE_A_VIEWER = 6
"""As many more for each session that a viewing key may have at once: all come back after a restart."""

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Location, ETag, Link, Retry-After, Allow, Accept-Post, Accept-Patch",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "no-store",
}


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Endpoint:
    """One of the two protocols: its resources under `/{protocol}/{show}`."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol: Protocol = protocol

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the endpoint's and its sessions' routes."""
        root, session = f"/{self.protocol}/{{show}}", f"/{self.protocol}/{{show}}/{{session}}"
        for method, path, name, handler in (
            ("POST", root, self.protocol, self.create),
            ("OPTIONS", root, self.protocol, self.describe),
            ("PATCH", session, f"{self.protocol}_session", self.patch),
            ("DELETE", session, f"{self.protocol}_session", self.delete),
            ("OPTIONS", session, f"{self.protocol}_session", self.describe_session),
        ):
            router.add_route(method, path, _redirecting(_counting(handler)), name=name)

    async def create(self, request: web.Request) -> web.StreamResponse:
        """201 with our answer, the session's address and entity tag."""
        show = request.match_info["show"]
        parts = request.app[PARTS]
        if bearer(request):
            most = parts.settings.viewing_sessions * MADE_A_VIEWER
            made_most = MADE if self.protocol == "whip" else max(MADE, most)
            await _allow(request, f"{self.protocol}_made", made_most)
            await self._known(request, Forbidden("forbidden"))
            await _of_this_node(request)
            await parts.reactions.ready(show)
        made = await parts.whip.post(
            self.protocol,
            RoomId(show),
            bearer(request),
            request.content_type,
            await _body(request, LARGEST_OFFER),
            if_none_match=request.headers.get("If-None-Match"),
        )
        headers = {
            "Location": f"/{self.protocol}/{show}/{made.resource}",
            "ETag": made.etag,
        }
        return web.Response(
            status=201, text=made.sdp, content_type="application/sdp", headers=headers
        )

    async def patch(self, request: web.Request) -> web.StreamResponse:
        """204 for trickled candidates; 200 with our new names and a new entity tag for an ICE restart."""
        if bearer(request):
            await _allow(request, f"{self.protocol}_patched", PATCHED)
        async with self._known_first(request):
            made = await request.app[PARTS].whip.patch(
                self.protocol,
                RoomId(request.match_info["show"]),
                SessionId(request.match_info["session"]),
                bearer(request),
                request.content_type,
                await _body(request, LARGEST_FRAGMENT),
                if_match=request.headers.get("If-Match"),
            )
        if made is None:
            return web.Response(status=204)
        return web.Response(
            status=200,
            text=made.fragment,
            content_type=FRAGMENT_TYPE,
            headers={"ETag": made.etag},
        )

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """End the session."""
        async with self._known_first(request):
            await request.app[PARTS].whip.delete(
                self.protocol,
                RoomId(request.match_info["show"]),
                SessionId(request.match_info["session"]),
                bearer(request),
            )
        return web.Response(status=200)

    async def describe(self, request: web.Request) -> web.StreamResponse:
        """What the endpoint takes (RFC 9725 4.2 and 4.5; preflight of CORS)."""
        return _options("POST, OPTIONS", {"Accept-Post": "application/sdp"})

    async def describe_session(self, request: web.Request) -> web.StreamResponse:
        """What a session takes."""
        return _options("PATCH, DELETE, OPTIONS", {"Accept-Patch": FRAGMENT_TYPE})

    async def _known(self, request: web.Request, foreign: LampioError) -> None:
        """Look at the key before anything is done or told of the room: a wrong one learns not even whether
        there is such a room. Raises `Unauthorised`, `foreign` for a key of another show, `Forbidden` for
        one that has ended."""
        action = Action.PUBLISH if self.protocol == "whip" else Action.VIEW
        seat = await request.app[PARTS].seats.find(bearer(request), KIND_OF[action])
        if seat is None:
            raise Unauthorised()
        if seat.show != request.match_info["show"]:
            raise foreign
        refuse_if_over(seat)

    @asynccontextmanager
    async def _known_first(self, request: web.Request) -> AsyncIterator[None]:
        """Around what is done to a session. Who holds one of this node is known by it, though the database
        is away; of all others the key is looked at."""
        here = request.app[PARTS].house.has(request.match_info["show"])
        if bearer(request) and not here:
            await self._known(request, Unknown("session"))
            await _of_this_node(request)
        try:
            yield
        except Unknown:
            if bearer(request) and here:
                await self._known(request, Unknown("session"))
            raise


ENDPOINTS = (Endpoint("whip"), Endpoint("whep"))
PATHS = tuple(f"/{e.protocol}/" for e in ENDPOINTS)
NAMES = frozenset(f"{e.protocol}{end}" for e in ENDPOINTS for end in ("", "_session"))


async def open_to_all(request: web.Request, response: web.StreamResponse) -> None:
    """What every answer of both protocols carries, a refusal too (a signal)."""
    name = request.match_info.route.name
    # a method that is not there has no route, and a page elsewhere shall learn of that, too
    if name not in NAMES and not (response.status == 405 and request.path.startswith(PATHS)):
        return
    response.headers.update(CORS)
    if response.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    elif response.status == 415:
        patch = request.method == "PATCH"
        response.headers["Accept-Patch" if patch else "Accept-Post"] = (
            FRAGMENT_TYPE if patch else "application/sdp"
        )


async def _of_this_node(request: web.Request) -> None:
    """Send who comes to another node than the room's to its owner: 307, the same path there.

    Raises `Elsewhere`; `Unknown` without such a room.
    """
    owner = await request.app[PARTS].house.elsewhere(request.match_info["show"])
    if owner is not None:
        raise Elsewhere(f"{owner.url}{request.path}")


def _counting(handler: Handler) -> Handler:
    """Wrong keys are counted by address and by show, and too many are told to wait."""

    async def counted(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Unauthorised:
            if bearer(request):
                await wrong_secret(request, request.match_info["show"])
            raise

    return counted


def _redirecting(handler: Handler) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Elsewhere as elsewhere:
            return web.Response(status=307, headers={"Location": elsewhere.url})

    return answer


def _options(methods: str, more: dict[str, str]) -> web.Response:
    return web.Response(
        status=204,
        headers={
            "Allow": methods,
            "Access-Control-Allow-Methods": methods,
            "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match, If-None-Match",
            "Access-Control-Max-Age": "86400",
            **more,
        },
    )


async def _allow(request: web.Request, what: str, amount: int) -> None:
    key = hashlib.sha256(bearer(request).encode()).hexdigest()[:32]
    if not await request.app[PARTS].limits.hit(what, key, amount=amount, per_s=PER_S):
        raise TooMany("too_many_sessions", sentence="err_not_now", retry_after_s=10)


async def _body(request: web.Request, largest: int) -> bytes:
    if (request.content_length or 0) > largest:
        raise TooLarge("offer_too_large", sentence=SENTENCE)
    body = await request.content.read(largest + 1)
    while len(body) <= largest and not request.content.at_eof():
        body += await request.content.read(largest + 1 - len(body))
    if len(body) > largest:
        raise TooLarge("offer_too_large", sentence=SENTENCE)
    return body
