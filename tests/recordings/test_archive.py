"""Takes become a recording, once, whatever happens in between."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import av
import pytest
from sqlalchemy import select

from infra.clock import SystemClock
from infra.database import Database
from infra.errors import Conflict, Unknown
from infra.storage import Storage, open_storage
from infra.whose import HOUSE
from recordings.archive import Archive
from recordings.capture import Captures
from recordings.catalogue import Recordings
from recordings.manifest import manifest_key, poster_key
from recordings.tables import ArchiveStepRow, PublicationRow, RecordingRow, TakeRow
from tests.recordings.flashbeep import source
from tests.recordings.taking import FEED, captures

ROOT = Path(__file__).parents[2]
STEPS = ["takes", "join", "poster", "duration", "publish"]


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return open_storage(str(tmp_path / "media"))


@pytest.fixture
async def taking(database: Database, tmp_path: Path) -> AsyncIterator[Captures]:
    made = captures(tmp_path, database)
    yield made
    await made.close()


@pytest.fixture
def archive(taking: Captures, database: Database, storage: Storage) -> Archive:
    return Archive(captures=taking, database=database, storage=storage, clock=SystemClock())


@pytest.fixture
def recordings(database: Database, storage: Storage) -> Recordings:
    return Recordings(database, storage, SystemClock())


async def take(taking: Captures, seconds: int = 4, start_ms: float = 1_000) -> None:
    items = await asyncio.to_thread(list, source(seconds, start_ms=start_ms))
    await taking.record("hall", "helsinki", FEED, 1, items)


async def test_two_stretches_become_one_recording(
    taking: Captures, archive: Archive, recordings: Recordings, storage: Storage
) -> None:
    await take(taking, 6)
    await take(taking, 4, start_ms=60_000)
    made = await archive.run("hall", "helsinki", "at_once")
    assert made is not None
    assert (made.id, made.status, made.audience) == ("hall", "ready", "public")
    assert made.duration_ms == pytest.approx(10_000, abs=200)
    assert made.codecs.startswith("avc1.42")
    assert made.codecs.endswith(",mp4a.40.2")
    assert [one.id for one in await recordings.public()] == ["hall"]
    text = (await recordings.manifest("hall")).text()
    assert text.count("#EXT-X-DISCONTINUITY\n") == 1
    assert text.endswith("#EXT-X-ENDLIST\n")
    poster = await storage.get(poster_key("hall"))
    with av.open(BytesIO(poster), mode="r") as image:
        assert next(image.decode(video=0)).width == 320


async def test_a_second_run_changes_nothing(
    taking: Captures, archive: Archive, database: Database
) -> None:
    await take(taking)
    first = await archive.run("hall", "helsinki", "at_once")
    assert await archive.run("hall", "helsinki", "none-of-this-matters-now") == first
    async with database.reading(HOUSE) as session:
        assert len(list(await session.scalars(select(PublicationRow)))) == 1


once = pytest.mark.one_database  # 1.5 s each, and what differs is the first step and the last


@pytest.mark.parametrize(
    "step",
    ["takes-", *(pytest.param(f"{step}-", marks=once) for step in STEPS[1:]), "publish"],
)
async def test_a_run_killed_at_any_step_is_resumed(
    step: str,
    taking: Captures,
    database: Database,
    database_url: str,
    storage: Storage,
    tmp_path: Path,
) -> None:
    await take(taking)
    await taking.settle("hall")
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.recordings.archiving", str(tmp_path), database_url, step),
        cwd=ROOT,
    )
    assert await child.wait() == -signal.SIGKILL
    done: list[str] = []
    archive = Archive(
        captures=taking, database=database, storage=storage, clock=SystemClock(), told=done.append
    )
    await archive.resume()
    found = await Recordings(database, storage, SystemClock()).get("hall")
    assert found.status == "ready"
    assert found.published_at is not None
    assert found.duration_ms == pytest.approx(4_000, abs=200)
    position = STEPS.index(step.removesuffix("-"))
    assert done == STEPS[position if step.endswith("-") else position + 1 :], "no step twice"
    async with database.reading(HOUSE) as session:
        rows = list(await session.scalars(select(ArchiveStepRow.step)))
        assert sorted(rows) == sorted(STEPS)
        assert len(list(await session.scalars(select(PublicationRow)))) == 1


@pytest.mark.parametrize(
    ("policy", "published", "listed"),
    [("at_once", True, True), ("ticket_holders", True, False), ("after_look", False, False)],
)
async def test_the_policy_agreed_before_the_doors_decides_who_sees_it(
    policy: str,
    published: bool,
    listed: bool,
    taking: Captures,
    archive: Archive,
    recordings: Recordings,
) -> None:
    await take(taking)
    made = await archive.run("hall", "helsinki", policy)
    assert made is not None
    assert (made.published_at is not None) == published
    assert bool(await recordings.public()) == listed


async def test_where_nothing_was_agreed_nothing_stays(
    taking: Captures, archive: Archive, database: Database, storage: Storage
) -> None:
    await take(taking)
    assert await archive.run("hall", "helsinki", "none") is None
    assert await storage.list("takes") == []
    async with database.reading(HOUSE) as session:
        assert list(await session.scalars(select(TakeRow))) == []


async def test_a_yes_publishes_and_hiding_ends_the_address_for_good(
    taking: Captures, archive: Archive, recordings: Recordings
) -> None:
    await take(taking)
    await archive.run("hall", "helsinki", "after_look")
    first = (await recordings.publish("hall")).prefix
    assert first is not None
    assert (await recordings.publish("hall")).prefix == first, "a second yes changes nothing"
    assert (await recordings.under(first)).id == "hall"
    await recordings.hide("hall")
    with pytest.raises(Unknown):
        await recordings.under(first)
    assert (await recordings.publish("hall")).prefix not in (None, first)


async def test_what_was_hidden_while_it_was_made_is_not_published_once_it_is_ready(
    taking: Captures, archive: Archive, recordings: Recordings, database: Database
) -> None:
    await take(taking)
    half = RecordingRow(
        id="hall",
        organisation="helsinki",
        room="hall",
        policy="at_once",
        status="making",
        created_ms=1,
    )
    async with database.unit_of_work(HOUSE) as session:
        session.add(half)
    await recordings.hide("hall")
    made = await archive.run("hall", "helsinki", "at_once")
    assert made is not None
    assert (made.status, made.prefix) == ("ready", None)
    with pytest.raises(Unknown):
        await recordings.hide("another")


async def test_what_is_not_ready_cannot_be_published(
    archive: Archive, recordings: Recordings
) -> None:
    made = await archive.run("hall", "helsinki", "after_look")
    assert made is not None
    assert made.status == "failed", "nothing was captured"
    with pytest.raises(Conflict):
        await recordings.publish("hall")
    with pytest.raises(Unknown):
        await recordings.publish("another")


async def test_a_recording_whose_poster_cannot_be_made_is_ready_all_the_same(
    taking: Captures, archive: Archive, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recordings.archive.first_picture", lambda init, segment: None)
    await take(taking)
    made = await archive.run("hall", "helsinki", "at_once")
    assert made is not None
    assert made.status == "ready"
    assert await storage.exists(manifest_key("hall"))
    assert not await storage.exists(poster_key("hall"))


async def test_a_take_sealed_just_before_a_crash_is_found_again(
    taking: Captures, database: Database, tmp_path: Path
) -> None:
    await take(taking)
    await taking.settle("hall")
    async with database.unit_of_work(HOUSE) as session:
        (row,) = await session.scalars(select(TakeRow))
        row.state, row.duration_ms = "finalising", 0
    shutil.rmtree(tmp_path / "spool", ignore_errors=True)
    await taking.recover()
    await taking.settle("hall")
    async with database.reading(HOUSE) as session:
        (row,) = await session.scalars(select(TakeRow))
    assert row.state == "stored"
    assert row.duration_ms == pytest.approx(4_000, abs=100)
