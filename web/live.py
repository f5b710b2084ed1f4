"""The show by segments, live: for browsers that the relay's own way does not reach.

`/live/{token}/live.m3u8` and the segments that it names. A token is one seat's on one device, minted when
its page asks (`media.segments`) and kept in memory; it is asked about anew at every request, so that it
ends with the right. Whatever is wrong (no such token, no right any more, no such name) is one and the
same 404.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from aiohttp import web

from infra.clock import Clock
from infra.errors import LampioError, Unknown
from recordings.live import PLAYLIST, LiveWindow, LiveWindows
from recordings.playlists import TYPES
from rooms.house import House
from rooms.phases import Phase
from rooms.seats import Seat, Seats
from rooms.tickets import OVER
from streaming.ports import FeedId, May, RoomId, SeatId
from web.access import Access
from web.hubs import Hubs

TOKEN_BYTES = 24
MOST_A_SEAT = 3
"""Tokens of one seat: one that plays, one whose page was loaded anew, one to spare."""
WATCHING_MS = 12_000.0
"""So long after its last request a viewer counts as watching."""
FORGOTTEN_MS = 10 * 60_000.0

HEADERS = {
    "Cache-Control": "no-store",
    # The token is the right; no cookie is asked for, so any of the house's pages may come for it.
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")


@dataclass(slots=True)
class _Viewer:
    """Whose token it is; `asked_ms` is when it was used last, on the monotonic clock."""

    room: str
    seat: str
    device: str
    asked_ms: float
    used: bool = False


class Live:
    """Tokens, and what of the `windows` is given for them."""

    def __init__(
        self,
        windows: LiveWindows,
        house: House,
        seats: Seats,
        access: Access,
        hubs: Hubs,
        clock: Clock,
    ) -> None:
        self.windows = windows
        self._house = house
        self._seats = seats
        self._access = access
        self._hubs = hubs
        self._clock = clock
        self._viewers: dict[str, _Viewer] = {}

    def open(self, seat: Seat, device: str) -> str:
        """A new token for this seat on this device; the path of its playlist. The oldest give way."""
        now = self._clock.monotonic_ms()
        own = [t for t, viewer in self._viewers.items() if viewer.seat == seat.id]
        old = [t for t, viewer in self._viewers.items() if viewer.asked_ms < now - FORGOTTEN_MS]
        for token in [*own[: max(0, len(own) - MOST_A_SEAT + 1)], *old]:
            self._viewers.pop(token, None)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self._viewers[token] = _Viewer(seat.show, seat.id, device, now)
        return f"/live/{token}/{PLAYLIST}"

    def watching(self, room: str) -> Iterator[str]:
        """The seats of a room that come for segments now."""
        since = self._clock.monotonic_ms() - WATCHING_MS
        for viewer in list(self._viewers.values()):
            if viewer.room == room and viewer.used and viewer.asked_ms >= since:
                yield viewer.seat

    @property
    def viewers(self) -> int:
        """How many come for segments now."""
        since = self._clock.monotonic_ms() - WATCHING_MS
        return sum(v.used and v.asked_ms >= since for v in self._viewers.values())

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The handler. Raises `Unknown`."""
        token, name = request.match_info["token"], request.match_info["name"]
        viewer = self._viewers.get(token) if _TOKEN.fullmatch(token) else None
        if viewer is None:
            raise _nothing()
        window = await self._window(token, viewer)
        viewer.asked_ms, viewer.used = self._clock.monotonic_ms(), True
        headers = {**HEADERS, "Content-Type": TYPES.get(name.rpartition(".")[2], "")}
        if name == PLAYLIST:
            # Who comes for pictures is here, with or without a socket.
            await (await self._hubs.hub(viewer.room)).beat(viewer.seat)
            return web.Response(
                text="#EXTM3U\n" if window is None else window.text(), headers=headers
            )
        data = None if window is None else window.get(name)
        if data is None:
            raise _nothing()
        return web.Response(body=data, headers=headers)

    async def _window(self, token: str, viewer: _Viewer) -> LiveWindow | None:
        """What the viewer may see now; None while nobody is on the air. Raises `Unknown`."""
        seat = await self._seats.seat(viewer.seat)
        over = seat.status in OVER or seat.expires_at <= self._clock.now()
        if over or not await self._seats.holds(seat.id, viewer.device):
            self._viewers.pop(token, None)
            raise _nothing()
        _, state = await self._house.whole(viewer.room)
        if state.phase is not Phase.LIVE or May.VIEW not in self._access.grant_in(state, seat).may:
            raise _nothing()
        if state.on_air is None:
            return None
        feed = FeedId(RoomId(viewer.room), SeatId(state.on_air))
        return self.windows.of(feed, state.epoch)


def _nothing() -> LampioError:
    return Unknown(message="no such segments", sentence="err_not_found")


async def open_to_all(request: web.Request, response: web.StreamResponse) -> None:
    """A refusal may be read by our pages elsewhere too, and is kept by nobody (a signal)."""
    if request.match_info.route.name == "live":
        response.headers.update(HEADERS)
