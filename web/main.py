"""The composition root: every part in order of need, closed in reverse (`docs/closing-order.md`)."""

from __future__ import annotations

import asyncio
import gc
import secrets
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from infra.carrier import carrying
from infra.clock import SystemClock, to_ms
from infra.database import Database, migrate
from infra.logs import get_logger
from infra.metrics import Metrics
from infra.scope import TaskScope
from infra.settings import Settings
from infra.storage import open_storage
from recordings.archive import Archive
from recordings.capture import Captures
from recordings.catalogue import Recordings
from recordings.disk import Disk
from recordings.live import LiveWindows
from recordings.retention import Retention
from rooms.erasure import erase_regularly
from rooms.house import House
from rooms.messages import Bye, Person
from rooms.scope import Scope
from rooms.seats import Seats
from rooms.shows import Shows
from rooms.store import Owners
from streaming.ports import FeedId, RoomId
from streaming.relay import EmbeddedRelay, RelayConfig
from streaming.whip import Whip
from web import entry, health, live, middleware, patience
from web.access import Access
from web.bare import answer_plainly
from web.closing import ALL_S, HOUSE_S, end_by, within
from web.cookies import Cookies
from web.figures import add_figures
from web.hub import RoomHub
from web.hubs import Hubs
from web.live import Live
from web.look import setup_look
from web.media import setup_media
from web.media_desk import MediaDesk
from web.openapi import setup_api
from web.pages import setup_pages
from web.parts import PARTS, Parts
from web.reactions import IDLE_S, Reactions
from web.render import setup_render
from web.room_media import RoomMedia, stage_want
from web.socket import room_socket
from web.sockets import SOCKETS, Sockets
from web.static_files import StaticFiles
from web.voice import Voice
from web.whip import ENDPOINTS, open_to_all

log = get_logger("main")

TABLES = ("rooms.tables", "recordings.tables")
COME_BACK_MS = 500
SHUTDOWN_S = 8.0


@asynccontextmanager
async def opened(settings: Settings, **replaced: Any) -> AsyncIterator[Parts]:
    """Make and start all parts; `replaced` gives parts by name in place of ours (tests: the clock).

    Reactions are closed first and the database last.
    """
    async with AsyncExitStack() as stack:
        clock = replaced.get("clock") or SystemClock()
        await migrate(settings.database_url, TABLES)
        database = Database(settings.database_url)
        stack.push_async_callback(database.close)
        storage = open_storage(settings.storage_url)
        carrier = await stack.enter_async_context(
            carrying(settings.redis_url, clock, Owners(database).claim, settings.signing_keys())
        )
        tasks = TaskScope("server")
        stack.push_async_callback(tasks.close)
        cookies = Cookies(settings.signing_keys(), secure=not settings.is_local)
        shows, seats = Shows(database, clock), Seats(database, clock)
        # The same after a restart, so that a killed server takes its rooms back at once.
        node = f"{socket.gethostname()}-{settings.port or secrets.token_hex(4)}"

        relay = EmbeddedRelay(
            RelayConfig(port=settings.media_port, public_addresses=settings.public_addresses), clock
        )
        await relay.start()
        stack.push_async_callback(relay.stop)
        house = House(
            database=database,
            clock=clock,
            bus=carrier.bus,
            commands=carrier.commands,
            leases=carrier.leases,
            node=node,
            url=settings.node_url,
        )
        await house.start()
        stack.push_async_callback(house.close)
        access = Access(seats, house, cookies, clock, settings)

        def program(room: RoomId) -> FeedId | None:
            feeds = stage_want(house.state(room)).feeds
            return feeds[0] if feeds else None

        whip = Whip(relay, access, program)
        recordings = Recordings(database, storage, clock)
        windows = LiveWindows()
        captures = Captures(
            attach=relay.attach,
            storage=storage,
            database=database,
            clock=clock,
            disk=Disk(settings.data_dir / "spool"),
            live=windows,
            node=node,
        )
        await captures.recover()
        stack.push_async_callback(captures.close)
        archive = Archive(captures=captures, database=database, storage=storage, clock=clock)
        stack.push_async_callback(archive.close)

        async def people(room: str, present: frozenset[str]) -> list[Person]:
            show = await shows.get(room)
            return [
                Person(seat=s.id, role=s.role, name=s.name or "", here=s.id in present)
                for s in await seats.of_show(Scope(show.organisation), room)
                if s.status in ("issued", "admitted")
            ]

        def make_hub(room: str) -> RoomHub:
            return RoomHub(
                room,
                house=house,
                bus=carrier.bus,
                presence=carrier.presence,
                people=people,
                connected=lambda room: {
                    *(grant.seat for grant in relay.grants(RoomId(room))),
                    *segments.watching(room),
                },
                standing=desk.standing,
                now_ms=lambda: to_ms(clock.now()),
                node=node,
            )

        hubs = Hubs(make_hub)
        segments = Live(windows, house, seats, access, hubs, clock)
        media = RoomMedia(relay, house, access)
        voice = Voice(carrier.bus, node)
        desk = MediaDesk(
            house=house,
            seats=seats,
            media=media,
            live=segments,
            commands=carrier.commands,
            voice=voice,
            ready=lambda room: reactions.ready(room),
            url=settings.node_url,
            public_url=settings.public_url,
        )
        reactions = Reactions(
            house=house,
            shows=shows,
            seats=seats,
            relay=relay,
            access=access,
            hubs=hubs,
            captures=captures,
            windows=windows,
            archive=archive,
            desk=desk,
            voice=voice,
            idle_s=replaced.get("idle_s", IDLE_S),
        )
        await reactions.start()
        stack.push_async_callback(reactions.close)
        stack.push_async_callback(hubs.close, goodbye())
        parts = Parts(
            settings=settings,
            clock=clock,
            metrics=Metrics(),
            cookies=cookies,
            tasks=tasks,
            database=database,
            storage=storage,
            carrier=carrier,
            limits=carrier.limits,
            shows=shows,
            seats=seats,
            house=house,
            access=access,
            relay=relay,
            whip=whip,
            media=media,
            desk=desk,
            hubs=hubs,
            live=segments,
            recordings=recordings,
            captures=captures,
            archive=archive,
            reactions=reactions,
        )
        add_figures(parts)
        tasks.spawn(archive.resume(house.here), name="archive")
        tasks.spawn(erase_regularly(database, clock), name="erasure")
        retention = Retention(database=database, storage=storage, store=captures.store, clock=clock)
        tasks.spawn(retention.sweep_regularly(), name="retention")
        yield parts


def goodbye() -> Bye:
    """What sockets are told when the server goes: come back soon."""
    return Bye(reason="restart", back_ms=COME_BACK_MS)


def make_app(parts: Parts) -> web.Application:
    """The public application over the parts."""
    app = web.Application(
        middlewares=[middleware.access_log, middleware.errors, patience.patience],
        client_max_size=256 * 1024,
    )
    app[PARTS] = parts
    app[patience.PATIENCE] = patience.Patience(parts.clock)
    app[middleware.SENDERS] = frozenset({"room"})
    setup_render(
        app,
        phone=parts.settings.help_phone,
        timezone=parts.settings.timezone,
        clock=parts.clock,
    )
    setup_pages(app)
    setup_media(app)
    setup_look(app)
    setup_api(app)
    router = app.router
    router.add_get(r"/t/{secret:[\s\S]+}", entry.link, name="link")
    router.add_get("/r/{seat}", entry.room, name="room")
    router.add_post("/r/{seat}/enter", entry.enter, name="enter")
    router.add_get("/r/{seat}/ws", room_socket, name="socket", allow_head=False)
    router.add_post("/leave", entry.leave, name="leave")
    router.add_get("/live/{token}/{name}", parts.live.serve, name="live")
    for endpoint in ENDPOINTS:
        endpoint.add_to(router)
    router.add_get("/static/{path:.+}", StaticFiles().serve, name="static")
    router.add_get("/healthz", health.healthz, name="healthz")
    app.on_response_prepare.append(middleware.set_headers)
    app.on_response_prepare.append(open_to_all)
    app.on_response_prepare.append(live.open_to_all)

    sockets = app[SOCKETS] = Sockets(parts.clock)

    async def say_goodbye(_: web.Application) -> None:
        sockets.close(goodbye())
        await within(HOUSE_S, "hubs", parts.hubs.close(goodbye()))
        # Another node takes the rooms while this one still finishes its takes.
        await within(HOUSE_S, "house", parts.house.close())

    app.on_shutdown.append(say_goodbye)
    return app


@dataclass(frozen=True)
class Running:
    """A server that answers: its parts and the port of HTTP."""

    parts: Parts
    port: int
    ops_port: int


@asynccontextmanager
async def serving(settings: Settings, **replaced: Any) -> AsyncIterator[Running]:
    """Serve HTTP, media and operations until the block ends; then close in order."""
    async with opened(settings, **replaced) as parts:
        app = make_app(parts)
        public = web.AppRunner(
            app,
            access_log=None,
            shutdown_timeout=SHUTDOWN_S,
            handle_signals=False,
            auto_decompress=False,
            keepalive_timeout=patience.IDLE_S,
            lingering_time=patience.LINGER_S,
        )
        operations = web.AppRunner(
            health.operations_app(parts.metrics, parts.database, parts.carrier), access_log=None
        )
        await public.setup()
        answer_plainly(public, settings.help_phone)
        await operations.setup()
        try:
            port = await _listen(public, settings.host, settings.port)
            ops_port = await _listen(operations, "127.0.0.1", settings.ops_port)
            assert public.server is not None
            parts.tasks.spawn(app[patience.PATIENCE].look_always(public.server), name="patience")
            log.info("serving", port=port)
            yield Running(parts, port, ops_port)
        finally:
            try:
                await public.cleanup()
            finally:
                await operations.cleanup()
                log.info("closed")


async def _listen(runner: web.AppRunner, host: str, port: int) -> int:
    site = web.TCPSite(runner, host, port)
    await site.start()
    return int(runner.addresses[0][1])


def stop_signal() -> asyncio.Event:
    """An event that Ctrl-C or SIGTERM sets."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


async def serve(settings: Settings) -> None:
    """Serve until Ctrl-C or SIGTERM."""
    stop = stop_signal()
    async with serving(settings):
        # What lives until the end is not looked through again: a full collection holds the loop.
        gc.collect()
        gc.freeze()
        await stop.wait()
        end_by(ALL_S)
