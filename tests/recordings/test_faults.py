"""A disk that is full, a storage that is gone or silent, a thread that dies: the show's recording goes on."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra.clock import SystemClock
from infra.database import Database
from infra.storage import Storage, open_storage
from recordings.archive import Archive
from recordings.capture import Captures
from recordings.catalogue import Recordings
from recordings.disk import Disk
from recordings.recorder import MOST_WAITING, Recorder, Subject
from recordings.spool import TakeFolder
from streaming.ports import Batch, FeedId, RoomId, SeatId, Track
from tests.conftest import free_port
from tests.full import Full, full_disk
from tests.recordings.flashbeep import source
from tests.recordings.measure import look
from tests.recordings.taking import FEED
from tests.recordings.test_capture import Feeds, takes, whole_take
from tests.s3 import S3

pytestmark = pytest.mark.one_database  # what is tried here lies beside the database


@dataclass
class Follower:
    """A `Live` that keeps what it was told."""

    told: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def init(self, index: int, data: bytes) -> None:
        self.told.append(f"init {index}")

    def open(self, index: int, init: int, wall_s: float) -> None:
        self.told.append(f"open {index}")
        self.sizes.append(0)

    def append(self, data: bytes) -> None:
        self.sizes[-1] += len(data)

    def close(self) -> None:
        self.told.append("close")

    def ended(self) -> None:
        self.told.append("ended")


@pytest.fixture
def feeds() -> Feeds:
    return Feeds()


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Full]:
    with full_disk(tmp_path / "disk", size_kb=4096) as disk:
        yield disk


@pytest.fixture
def s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    server = S3(tmp_path / "s3", free_port())
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    server.start()
    yield server
    server.kill()


Make = Callable[..., Captures]


@pytest.fixture
async def make(feeds: Feeds, database: Database) -> AsyncIterator[Make]:
    made: list[Captures] = []

    def make(storage: Storage, disk: Path | Disk, **other: object) -> Captures:
        clock = SystemClock()
        parts = {"attach": feeds.attach, "storage": storage, "database": database, "clock": clock}
        where = disk if isinstance(disk, Disk) else Disk(disk)
        made.append(Captures(disk=where, **(parts | other)))  # type: ignore[arg-type]  # by name
        return made[-1]

    yield make
    for one in made:
        await one.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.02)


def archive_of(taking: Captures, database: Database, storage: Storage) -> Archive:
    return Archive(captures=taking, database=database, storage=storage, clock=SystemClock())


async def parts_of(seconds: int, *cuts: int) -> list[list[tuple[Track, Batch]]]:
    items = await asyncio.to_thread(list, source(seconds))
    parts: list[list[tuple[Track, Batch]]] = [[] for _ in range(len(cuts) + 1)]
    for track, batch in items:
        if batch.packets:
            second = (batch.packets[0].arrival_ms - 1_000) / 1000
        parts[sum(second >= cut for cut in cuts)].append((track, batch))
    return parts


async def test_a_disk_that_is_really_full_ends_a_take_and_nothing_else(
    full: Full, feeds: Feeds, make: Make, database: Database
) -> None:
    """Spool and storage on one small disk, as in a house without settings."""
    storage, follower, told = open_storage(str(full.folder / "media")), Follower(), []
    disk = Disk(full.folder / "spool", low=0, reserve=0)
    taking = make(storage, disk, live=lambda subject: follower)
    taking.subscribe(lambda room: told.append((room, taking.trouble(room))))
    before, during, after = await parts_of(18, 6, 12)
    await taking.start("hall", "helsinki", FEED, 1)
    for track, batch in before:
        feeds.send(track, batch)
    await until(lambda: len(follower.sizes) >= 3)
    full.fill()
    for track, batch in during:
        feeds.send(track, batch)
    await until(lambda: told == [("hall", "disk_full")])
    await until(lambda: len(follower.sizes) >= 6)
    full.empty()
    for track, batch in after:
        feeds.send(track, batch)
    await until(lambda: told[1:] == [("hall", None)])
    await taking.settle("hall")
    found = await takes(database)
    assert [take.state for take in found] == ["stored", "stored"]
    assert [take.trouble for take in found] == ["disk_full", None]
    assert found[0].duration_ms >= 4_000
    assert found[1].duration_ms >= 4_000
    for take in found:
        seen = await asyncio.to_thread(look, await whole_take(taking, take.id))
        assert len(seen.pictures) == pytest.approx(take.duration_ms / 50, abs=2)
    made = await archive_of(taking, database, storage).run("hall", "helsinki", "at_once")
    assert made is not None
    assert made.duration_ms == sum(take.duration_ms for take in found)
    # Those who watch live have seen all of it, on one timeline.
    assert follower.told.count("close") == len(follower.sizes) == 9
    assert follower.told.count("ended") == 1
    assert min(follower.sizes) > 0


async def test_little_room_is_told_before_there_is_none_and_a_part_is_left_to_the_house(
    full: Full, feeds: Feeds, make: Make, database: Database
) -> None:
    disk = Disk(full.folder / "spool", low=3 << 20, reserve=1 << 20)
    taking = make(open_storage("memory:///"), disk)
    await taking.start("hall", "helsinki", FEED, 1)
    full.fill(leaving_kb=2048)
    await until(lambda: taking.trouble("hall") == "disk_low")
    assert taking.troubles() == {"disk_low": 1}
    full.fill(leaving_kb=512)
    await feeds.play(4)
    await until(lambda: taking.trouble("hall") == "disk_full")
    assert full.free_kb >= 500, "not recorded into"
    full.empty()
    await feeds.play(6, start_ms=9_000)
    await until(lambda: taking.trouble("hall") is None)
    await taking.settle("hall")
    assert [take.state for take in await takes(database)] == ["stored"]


async def test_a_policy_of_none_never_touches_the_disk(
    feeds: Feeds, make: Make, database: Database, tmp_path: Path
) -> None:
    follower = Follower()
    storage = open_storage("memory:///")
    taking = make(storage, tmp_path / "spool", live=lambda subject: follower)
    await taking.start("hall", "helsinki", FEED, 1, keep=False)
    await feeds.play(6)
    await taking.settle("hall")
    assert len(follower.sizes) == 3
    assert follower.told[-1] == "ended"
    assert await takes(database) == []
    assert not (tmp_path / "spool").exists()
    assert await storage.list("takes") == []


async def test_a_follower_that_fails_costs_the_recording_nothing(
    feeds: Feeds, make: Make, database: Database, tmp_path: Path
) -> None:
    class Failing(Follower):
        def append(self, data: bytes) -> None:
            raise RuntimeError("no more")

    taking = make(open_storage("memory:///"), tmp_path / "spool", live=lambda subject: Failing())
    await taking.start("hall", "helsinki", FEED, 1)
    await feeds.play(6)
    await taking.settle("hall")
    (take,) = await takes(database)
    assert (take.state, take.trouble) == ("stored", None)
    assert take.duration_ms == pytest.approx(6_000, abs=100)


@pytest.mark.parametrize("how", ["killed", "silent"])
async def test_a_storage_that_goes_away_and_comes_back_loses_nothing_and_holds_nobody_up(
    how: str,
    s3: S3,
    feeds: Feeds,
    make: Make,
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("recordings.store.AWAY_S", 0.5)
    monkeypatch.setattr("recordings.store.RETRY_TO_S", 1.0)
    storage = open_storage(s3.url, read_s=5, write_s=3)
    taking = make(storage, tmp_path / "spool")
    archive = archive_of(taking, database, storage)
    before, after = await parts_of(10, 5)
    await taking.start("hall", "helsinki", FEED, 1)
    for track, batch in before:
        feeds.send(track, batch)
    async with asyncio.timeout(20):
        while not await storage.list("takes"):
            await asyncio.sleep(0.05)
    s3.kill() if how == "killed" else s3.stop_answering()
    for track, batch in after:
        feeds.send(track, batch)
    await until(lambda: taking.trouble("hall") == "storage_away")
    await asyncio.wait_for(taking.stop("hall"), 5)  # the show ends all the same
    run = asyncio.create_task(archive.run("hall", "helsinki", "at_once"))
    await until(lambda: taking.waiting == 1)
    assert taking.trouble("hall") == "storage_away", "the host goes on knowing"
    assert not run.done()
    assert list((tmp_path / "spool").iterdir()), "the spool keeps it"
    await asyncio.to_thread(s3.start) if how == "killed" else s3.answer_again()
    made = await asyncio.wait_for(run, 40)
    assert made is not None
    assert made.duration_ms == pytest.approx(10_000, abs=200)
    assert not list((tmp_path / "spool").iterdir())
    await until(lambda: taking.trouble("hall") is None)
    await archive.close()


async def test_a_room_whose_archive_fails_is_no_harm_to_the_others(
    feeds: Feeds, make: Make, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage("memory:///")
    taking = make(storage, tmp_path / "spool")
    archive = archive_of(taking, database, storage)
    items = await asyncio.to_thread(list, source(4))
    for room in ("broken", "hanging", "well"):
        await taking.record(room, "helsinki", FeedId(RoomId(room), SeatId("a")), 1, items)
        await taking.settle(room)
        await archive._begin(room, "helsinki", "at_once")  # as a crash leaves it
    true_settle, never = taking.settle, asyncio.Event()

    async def settle(room: str) -> None:
        if room == "broken":
            raise RuntimeError("this one is broken")
        if room == "hanging":
            await never.wait()
        await true_settle(room)

    monkeypatch.setattr(taking, "settle", settle)
    resuming = asyncio.create_task(archive.resume())
    recordings = Recordings(database, storage, SystemClock())
    async with asyncio.timeout(20):
        while (await recordings.get("well")).status != "ready":
            await asyncio.sleep(0.02)
    assert (await recordings.get("broken")).status == "making"
    await archive.close()
    await resuming
    assert (await recordings.get("hanging")).status == "making"


async def test_a_recorder_that_died_begins_anew_and_the_other_room_notices_nothing(
    make: Make, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = FeedId(RoomId("other"), SeatId("b"))
    sinks = {FEED: Feeds(), other: Feeds()}
    taking = make(
        open_storage("memory:///"),
        tmp_path / "spool",
        attach=lambda feed, sink: Feeds.attach(sinks[feed], FEED, sink),
    )
    monkeypatch.setattr(threading, "excepthook", lambda args: None)
    true_take = Recorder._take

    def dying(self: Recorder, track: Track, batch: Batch) -> None:
        if self.subject.room == "hall" and not died.is_set():
            died.set()
            raise SystemExit  # past every `except Exception`
        true_take(self, track, batch)

    died = threading.Event()
    monkeypatch.setattr(Recorder, "_take", dying)
    await taking.start("hall", "helsinki", FEED, 1)
    await taking.start("other", "helsinki", other, 1)
    await asyncio.gather(*(one.play(4) for one in sinks.values()))
    dead = sinks[FEED].sinks[0]
    await until(lambda: bool(sinks[FEED].sinks) and sinks[FEED].sinks[0] is not dead)
    await sinks[FEED].play(4, start_ms=9_000)
    await asyncio.gather(taking.settle("hall"), taking.settle("other"))
    found = {take.room: take for take in await takes(database)}
    assert found["other"].duration_ms == pytest.approx(4_000, abs=100)
    assert found["hall"].duration_ms == pytest.approx(4_000, abs=100)


def test_stopping_a_recorder_whose_thread_died_with_a_full_queue_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Recorder, "_run", lambda self: None)
    subject = Subject("hall", "helsinki", FEED, 1, 1)
    recorder = Recorder(subject, Disk(tmp_path), 0.0, lambda told: None)
    recorder.start()
    for track, batch in source(4):
        for _ in range(MOST_WAITING // 100):
            recorder.on_packets(track, None, batch)
    with pytest.raises(queue.Full):
        recorder._queue.put_nowait(None)  # what `stop` would put
    recorder.stop()


async def test_news_that_nobody_works_off_are_bounded_and_the_rows_come_at_the_end(
    feeds: Feeds, make: Make, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recordings.capture.MOST_NEWS", 1)
    taking = make(open_storage("memory:///"), tmp_path / "spool")
    items = await asyncio.to_thread(list, source(4))
    row, away = taking._homing.row, True  # the database stays away at first

    async def late(folder: TakeFolder) -> None:
        if away:
            raise OSError("no database")
        await row(folder)

    monkeypatch.setattr(taking._homing, "row", late)
    for epoch in range(1, 6):
        await taking.record("hall", "helsinki", FEED, epoch, items)
    away = False
    await taking.settle("hall")
    assert sorted(take.epoch for take in await takes(database)) == [1, 2, 3, 4, 5]
