"""`lampio demo`: a whole house on this machine, with two evenings under way.

Migrates, seeds the programme, hands out tickets, serves, and starts two processes of their own: the demo
artist (an ordinary WHIP publisher) and the maker of the recorded shows. Links and keys are written to
`DATA_DIR/demo/links.json` (mode 0600): what the database keeps only hashed can be printed again at the
second start.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from infra.clock import SystemClock
from infra.database import Database, migrate
from infra.settings import Settings
from rooms.phases import Phase, Role
from rooms.scope import Scope
from rooms.seats import Seats
from rooms.shows import Show, Shows
from web.main import TABLES, serving, stop_signal
from web.seed import LIVE_SHOWS, MAIN_SHOW, seed

Tell = Callable[[str], None]
Links = dict[str, Any]

GUESTS = {"guest": "Aune", "guest2": "Toivo"}
COMPANION = "Liisa"
SCREEN = "WHEP"
VIEWING_SESSIONS = 500
STOP_WITHIN_S = 6.0
PLAYED = (
    f"The evening of these links has ended and its recording stands at /recordings/{MAIN_SHOW}:"
    " `make demo FRESH=1` gives a new one."
)

WHAT_FOR = (
    ("catalogue", "the programme, open to everybody"),
    ("guest", "a guest's ticket: press Astukaa saliin and you are in the hall"),
    ("guest2", "a second guest, for a second window"),
    ("caregiver", "Liisa, who asks to watch along: answer Kyllä in the guest's window"),
    ("artist", "the artist's desk: check camera and microphone, then go live"),
    ("host", "the host's desk: phases, help, conversation"),
)


async def demo(settings: Settings, tell: Tell, *, fresh: bool = False) -> None:
    """Run the demo until Ctrl-C or SIGTERM; `tell` gets a line of progress at a time."""
    settings = settings.for_this_machine()
    stop = stop_signal()
    if fresh:
        _forget(settings)
    tell("1/4  The database is brought up to date …")
    await migrate(settings.database_url, TABLES)
    tell("2/4  The programme is put in …")
    links = await prepare(settings)
    tell("3/4  The doors are opened …")
    async with AsyncExitStack() as stack:
        many = settings.model_copy(update={"viewing_sessions": VIEWING_SESSIONS})
        await stack.enter_async_context(serving(many))
        targets = [
            {"show": show, "url": own["whip"]["url"], "bearer": own["whip"]["bearer"]}
            for show, own in links["shows"].items()
        ]
        await stack.enter_async_context(child("web.demo_artist", json.dumps(targets)))
        await stack.enter_async_context(child("web.demo_recordings", ""))
        tell("4/4  The artists are on their way; the recorded shows are made in the background.")
        tell("")
        for line in described(links, settings):
            tell(line)
        if await _played(settings):
            tell(PLAYED)
        await stop.wait()
        tell("The house is closed. Thank you.")


def _forget(settings: Settings) -> None:
    """Delete what an earlier demo wrote; a folder without a demo's links is left alone."""
    if not links_path(settings).exists():
        return
    for name in ("demo", "media", "spool", "spool-demo"):
        shutil.rmtree(settings.data_dir / name, ignore_errors=True)
    for file in settings.data_dir.glob("lampio.sqlite3*"):
        file.unlink()


def links_path(settings: Settings) -> Path:
    """Where the demo's links are written."""
    return settings.data_dir / "demo" / "links.json"


async def prepare(settings: Settings) -> Links:
    """Seed the programme and hand out tickets; those of an earlier start that still hold are kept."""
    database, clock = Database(settings.database_url), SystemClock()
    try:
        shows, seats = Shows(database, clock), Seats(database, clock)
        await seed(shows)
        path = links_path(settings)
        old = _read(path)
        links: Links = {"shows": {}}
        for show_id in LIVE_SHOWS:
            kept = old.get("shows", {}).get(show_id)
            show = await shows.get(show_id)
            if kept is None or not await _holds(seats, kept):
                kept = await _tickets(seats, show, settings.public_url)
            links["shows"][show_id] = kept
        links = {**links["shows"][MAIN_SHOW], **links}
        _write(path, links)
        return links
    finally:
        await database.close()


async def _played(settings: Settings) -> bool:
    """Whether the evening of the links is over: a show that ended does not begin again."""
    database = Database(settings.database_url)
    try:
        show = await Shows(database, SystemClock()).get(MAIN_SHOW)
        return show.phase in (Phase.ENDED, Phase.ARCHIVED)
    finally:
        await database.close()


def described(links: Links, settings: Settings) -> list[str]:
    """The links as lines for people."""
    lines = []
    for key, what in WHAT_FOR:
        lines += [f"{what[0].upper()}{what[1:]}:", f"    {links[key]}"]
    lines += [
        "To publish with OBS or to watch with a WHEP player:",
        f"    {links['whip']['url']} and {links['whep']['url']}, keys in {links_path(settings)}",
        "Ctrl-C ends everything. `make demo FRESH=1` begins again from nothing.",
    ]
    return lines


async def _tickets(seats: Seats, show: Show, base: str) -> Links:
    scope = Scope(show.organisation)

    def link(secret: str) -> str:
        return f"{base}/t/{secret}"

    own: Links = {"catalogue": f"{base}/"}
    guests = {}
    for key, name in GUESTS.items():
        guests[key] = await seats.issue(scope, show.id, Role.GUEST, name=name)
        own[key] = link(guests[key].secret)
    companion = await seats.issue(
        scope,
        show.id,
        Role.COMPANION,
        name=COMPANION,
        companion_of=guests["guest"].ticket,
    )
    own["caregiver"] = link(companion.secret)
    stage_name = show.artists[0].partition(" (")[0]
    artist = await seats.issue(scope, show.id, Role.ARTIST, name=stage_name)
    own["artist"] = link(artist.secret)
    host = await seats.issue(scope, show.id, Role.HOST, name="Helena")
    own["host"] = link(host.secret)
    viewers = await seats.issue(scope, show.id, Role.GUEST, name=SCREEN)
    own["whip"] = {
        "url": f"{base}/whip/{show.id}",
        "bearer": await seats.add_secret(scope, artist.ticket, "broadcast"),
    }
    own["whep"] = {
        "url": f"{base}/whep/{show.id}",
        "bearer": await seats.add_secret(scope, viewers.ticket, "viewing"),
    }
    return own


async def _holds(seats: Seats, own: Links) -> bool:
    """Whether every secret of an earlier start still leads to a seat."""
    secrets = [(own[key].rsplit("/", 1)[-1], "link") for key, _ in WHAT_FOR if key != "catalogue"]
    secrets += [(own["whip"]["bearer"], "broadcast"), (own["whep"]["bearer"], "viewing")]
    for secret, kind in secrets:
        seat = await seats.find(secret, kind)
        if seat is None or seat.status not in ("issued", "admitted"):
            return False
    return True


def _read(path: Path) -> Links:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, links: Links) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(links, file, indent=1)
    fresh.replace(path)


@asynccontextmanager
async def child(module: str, wish: str) -> AsyncIterator[None]:
    """A process of its own that runs `module` and reads `wish` (keys never stand in a command line)."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        stdin=asyncio.subprocess.PIPE,
        env={**os.environ, "LOG_LEVEL": "warning", "LOG_FORMAT": "console"},
    )
    assert process.stdin is not None
    process.stdin.write(wish.encode())
    process.stdin.close()
    try:
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_WITHIN_S)
        except TimeoutError:
            process.kill()
            await process.wait()
