"""The demo's recorded shows go through the real capture and archive, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.clock import SystemClock
from infra.database import Database, migrate
from infra.settings import Settings
from infra.storage import open_storage
from recordings.catalogue import Recording, Recordings
from rooms.phases import Phase
from rooms.scope import Scope
from rooms.shows import Shows
from web import demo_recordings
from web.demo_recordings import make_all
from web.main import TABLES
from web.seed import seed


async def _all(settings: Settings) -> dict[str, Recording]:
    database = Database(settings.database_url)
    try:
        found = Recordings(database, open_storage(settings.storage_url), SystemClock())
        return {recording.room: recording for recording in await found.public()}
    finally:
        await database.close()


async def _seeded(settings: Settings) -> list[str]:
    await migrate(settings.database_url, TABLES)
    database = Database(settings.database_url)
    try:
        shows = Shows(database, SystemClock())
        await seed(shows)
        return [
            show.id
            for show in await shows.catalogue(Scope.public())
            if show.phase is Phase.ARCHIVED
        ]
    finally:
        await database.close()


@pytest.mark.blocking_ms(2000)
async def test_every_archived_show_gets_a_public_recording_and_a_second_run_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_recordings, "LEAST", 4)
    monkeypatch.setattr(demo_recordings, "STEPS_S", 1)
    settings = Settings(data_dir=tmp_path, _env_file=None)
    archived = await _seeded(settings)
    await make_all(settings)
    made = await _all(settings)
    assert sorted(made) == sorted(archived)
    for recording in made.values():
        assert recording.status == "ready"
        assert abs((recording.duration_ms or 0) - 4000) < 500
    await make_all(settings)
    assert await _all(settings) == made
