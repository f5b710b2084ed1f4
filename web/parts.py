"""Everything that is wired at start, in one frozen place, and the key under which handlers find it."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from infra.carrier import Carrier
from infra.clock import Clock
from infra.database import Database
from infra.metrics import Metrics
from infra.ports import Limits
from infra.scope import TaskScope
from infra.settings import Settings
from infra.storage import Storage
from recordings.archive import Archive
from recordings.capture import Captures
from recordings.catalogue import Recordings
from rooms.house import House
from rooms.seats import Seats
from rooms.shows import Shows
from streaming.relay import EmbeddedRelay
from streaming.whip import Whip
from web.access import Access
from web.cookies import Cookies
from web.hubs import Hubs
from web.live import Live
from web.media_desk import MediaDesk
from web.reactions import Reactions
from web.room_media import RoomMedia


@dataclass(frozen=True)
class Parts:
    """The parts of a running server, in the order in which they are made."""

    settings: Settings
    clock: Clock
    metrics: Metrics
    cookies: Cookies
    tasks: TaskScope
    database: Database
    storage: Storage
    carrier: Carrier
    limits: Limits
    shows: Shows
    seats: Seats
    house: House
    access: Access
    relay: EmbeddedRelay
    whip: Whip
    media: RoomMedia
    desk: MediaDesk
    hubs: Hubs
    live: Live
    recordings: Recordings
    captures: Captures
    archive: Archive
    reactions: Reactions


PARTS = web.AppKey("parts", Parts)
