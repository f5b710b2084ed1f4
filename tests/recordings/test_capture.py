"""What a take survives: kill -9, a disk that fails, a publisher who comes back."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from infra.clock import SystemClock
from infra.database import Database
from infra.storage import Storage, open_storage
from infra.whose import HOUSE
from recordings.boxes import whole
from recordings.capture import Captures
from recordings.disk import Disk
from recordings.spool import TakeFolder
from recordings.tables import TakeRow
from streaming.ports import Batch, FeedId, FeedInfo, FeedState, PacketSink, Track
from tests.recordings.flashbeep import AUDIO, VIDEO, source
from tests.recordings.measure import look
from tests.recordings.taking import FEED, captures

ROOT = Path(__file__).parents[2]


class Feeds:
    """A relay's `attach`: what is sent reaches who is attached."""

    def __init__(self) -> None:
        self.sinks: list[PacketSink] = []

    def attach(self, feed: FeedId, sink: PacketSink) -> Callable[[], None]:
        assert feed == FEED
        self.sinks.append(sink)
        return lambda: self.sinks.remove(sink)

    def info(self, state: FeedState, generation: int) -> None:
        for sink in self.sinks:
            sink.on_feed(FeedInfo(FEED, state, (AUDIO, VIDEO), generation))

    def send(self, track: Track, batch: Batch) -> None:
        for sink in self.sinks:
            sink.on_packets(track, None, batch)

    async def play(self, seconds: int, start_ms: float = 1_000.0) -> None:
        for track, batch in await asyncio.to_thread(list, source(seconds, start_ms=start_ms)):
            self.send(track, batch)


@pytest.fixture
def feeds() -> Feeds:
    return Feeds()


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return open_storage(str(tmp_path / "media"))


@pytest.fixture
async def taking(
    feeds: Feeds, storage: Storage, database: Database, tmp_path: Path
) -> AsyncIterator[Captures]:
    made = Captures(
        attach=feeds.attach,
        storage=storage,
        database=database,
        clock=SystemClock(),
        disk=Disk(tmp_path / "spool"),
    )
    yield made
    await made.close()


async def takes(database: Database) -> list[TakeRow]:
    async with database.reading(HOUSE) as session:
        return list(await session.scalars(select(TakeRow).order_by(TakeRow.number)))


async def whole_take(made: Captures, take: str) -> bytes:
    refs = await made.store.list(take, "program")
    parts = [await made.store.get(refs[0].init)]
    parts += [await made.store.get(ref.key) for ref in refs]
    return b"".join(parts)


async def test_a_take_goes_from_the_relay_to_storage(
    taking: Captures, feeds: Feeds, database: Database, storage: Storage, tmp_path: Path
) -> None:
    await taking.start("hall", "helsinki", FEED, 1)
    feeds.info(FeedState.LIVE, 1)
    await feeds.play(6)
    await taking.settle("hall")
    assert not feeds.sinks, "detached"
    (take,) = await takes(database)
    assert (take.state, take.has_picture, take.number) == ("stored", True, 1)
    assert take.duration_ms == pytest.approx(6_000, abs=100)
    assert not list((tmp_path / "spool").iterdir()), "the spool gave it up"
    keys = await storage.list(f"takes/{take.id}")
    assert f"takes/{take.id}/program/00000001-00000000.m4s" in keys
    seen = await asyncio.to_thread(look, await whole_take(taking, take.id))
    assert len(seen.pictures) == 6 * 20


async def test_starting_twice_is_one_capture_and_another_epoch_is_another_take(
    taking: Captures, feeds: Feeds, database: Database
) -> None:
    await taking.start("hall", "helsinki", FEED, 1)
    await taking.start("hall", "helsinki", FEED, 1)
    assert len(feeds.sinks) == 1
    await feeds.play(4)
    await taking.start("hall", "helsinki", FEED, 3)
    await feeds.play(4, start_ms=9_000)
    await taking.settle("hall")
    assert [(take.number, take.epoch) for take in await takes(database)] == [(1, 1), (2, 3)]


async def test_a_publisher_who_comes_back_begins_a_new_take(
    taking: Captures, feeds: Feeds, database: Database
) -> None:
    await taking.start("hall", "helsinki", FEED, 1)
    for generation in (1, 2):
        feeds.info(FeedState.LIVE, generation)
        await feeds.play(4, start_ms=generation * 10_000)
    feeds.info(FeedState.ENDED, 2)
    await taking.settle("hall")
    found = await takes(database)
    assert [take.state for take in found] == ["stored", "stored"]
    assert found[1].started_ms - found[0].started_ms == pytest.approx(10_000, abs=50)


async def test_nothing_is_kept_of_what_is_sent_after_stop(
    taking: Captures, feeds: Feeds, database: Database
) -> None:
    await taking.start("hall", "helsinki", FEED, 1)
    sent = await asyncio.to_thread(list, source(6))
    for track, batch in sent[: len(sent) // 2]:
        feeds.send(track, batch)
    await taking.stop("hall")
    for track, batch in sent[len(sent) // 2 :]:
        feeds.send(track, batch)
    await taking.settle("hall")
    (take,) = await takes(database)
    assert take.duration_ms <= 3_200


async def test_a_failing_disk_ends_a_take_and_the_next_one_begins(
    taking: Captures, feeds: Feeds, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_append, calls = TakeFolder.append, 0

    def full_for_a_while(self: TakeFolder, data: bytes) -> None:
        nonlocal calls
        calls += 1
        if 8 <= calls < 10:
            raise OSError(28, "No space left on device")
        true_append(self, data)

    monkeypatch.setattr(TakeFolder, "append", full_for_a_while)
    await taking.start("hall", "helsinki", FEED, 1)
    await feeds.play(20)
    await taking.settle("hall")
    found = await takes(database)
    assert len(found) >= 2
    # The one that met the full disk at its first chunk left nothing.
    kept = [take for take in found if take.state == "stored"]
    assert {take.trouble for take in found if take not in kept} <= {"no_media"}
    assert found[0].trouble == "disk_full"
    assert found[0].duration_ms == pytest.approx(3_500, abs=600)
    assert sum(take.duration_ms for take in found) > 11_000
    for take in kept:
        await asyncio.to_thread(look, await whole_take(taking, take.id))


async def test_storage_that_is_away_does_not_stop_the_take(
    taking: Captures,
    feeds: Feeds,
    database: Database,
    storage: Storage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    true_put, refused = storage.put, 0

    async def away_at_first(key: str, data: bytes) -> None:
        nonlocal refused
        if refused < 2 or (key.endswith("manifest.json") and refused < 4):
            refused += 1
            raise OSError("storage is away")
        await true_put(key, data)

    monkeypatch.setattr(storage, "put", away_at_first)
    await taking.start("hall", "helsinki", FEED, 1)
    await feeds.play(4)
    await taking.settle("hall")
    (take,) = await takes(database)
    assert (take.state, refused) == ("stored", 4)


async def test_a_take_of_nothing_leaves_nothing(
    taking: Captures, feeds: Feeds, database: Database, tmp_path: Path
) -> None:
    await taking.start("hall", "helsinki", FEED, 1)
    feeds.info(FeedState.LIVE, 1)
    await taking.settle("hall")
    assert await takes(database) == []
    assert not (tmp_path / "spool").exists()


def killed_after(folder: Path, url: str, after_s: float) -> float:
    """Capture in a process that is killed once so much was fed; how much it was in the end."""
    arguments = [sys.executable, "-m", "tests.recordings.taking", str(folder), url, "60", "8"]
    fed_s = 0.0
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            fed_s = float(line)
            if fed_s >= after_s:
                break
        process.kill()
        for line in process.stdout:
            fed_s = float(line)
    return fed_s


once = pytest.mark.one_database  # up to 10 s each; what lies on the disk is the same


@pytest.mark.parametrize(
    "after_s", [7.3, pytest.param(21.9, marks=once), pytest.param(58.6, marks=once)]
)
async def test_a_capture_killed_at_any_moment_plays_and_loses_at_most_a_second(
    after_s: float, database_url: str, tmp_path: Path
) -> None:
    """A minute of capture, killed; the next start takes up what lies on the disk."""
    fed_s = await asyncio.to_thread(killed_after, tmp_path, database_url, after_s)
    assert fed_s >= after_s
    database = Database(database_url)
    made = captures(tmp_path, database)
    await made.recover()
    await made.settle("hall")
    (take,) = await takes(database)
    assert take.state == "stored"
    data = await whole_take(made, take.id)
    assert whole(data) == len(data)
    seen = await asyncio.to_thread(look, data)
    kept_s = seen.pictures[-1] - seen.pictures[0]
    assert fed_s - kept_s <= 1.0, f"fed {fed_s:.2f} s, kept {kept_s:.2f} s"
    assert seen.sound_s >= fed_s - 1.0
    assert take.duration_ms / 1000 == pytest.approx(kept_s, abs=0.2)
    await made.close()
    await database.close()
