"""The command line: what it writes is its user's alone."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.clock import SystemClock
from infra.database import Database
from infra.settings import load_settings
from infra.storage import open_storage
from infra.whose import HOUSE
from recordings.catalogue import Recordings
from recordings.tables import RecordingRow
from web.cli import app


def test_what_is_written_is_for_our_own_user_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "var"))
    before = os.umask(0o022)
    try:
        assert CliRunner().invoke(app, ["migrate"]).exit_code == 0
    finally:
        os.umask(before)
    made = [tmp_path / "var", *(tmp_path / "var").rglob("*")]
    assert len(made) > 1
    assert [path for path in made if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


def test_hide_now_ends_a_publication_and_publish_begins_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setattr(os, "umask", lambda mask: mask)  # it is the test run's own

    def say(*words: str) -> tuple[int, str]:
        said = CliRunner().invoke(app, words)
        return said.exit_code, said.stdout.strip()

    assert say("migrate")[0] == 0
    url = load_settings().database_url
    asyncio.run(_recording(url))
    public = '{"show": "hall", "published": true}'
    assert say("show", "publish", "hall", "--json") == (0, public)
    first = asyncio.run(_prefix(url))
    assert first is not None
    for _ in range(2):
        assert say("show", "hide", "hall") == (0, "The recording of hall is hidden.")
        assert asyncio.run(_prefix(url)) is None
    assert say("show", "publish", "hall", "--json") == (0, public)
    assert asyncio.run(_prefix(url)) not in (None, first)
    assert say("show", "hide", "another")[0] == 2


async def _recording(url: str) -> None:
    database = Database(url)
    async with database.unit_of_work(HOUSE) as session:
        row = RecordingRow(
            id="hall",
            organisation="turku",
            room="hall",
            policy="after_look",
            status="ready",
            created_ms=1,
            ready_ms=1,
        )
        session.add(row)
    await database.close()


async def _prefix(url: str) -> str | None:
    database = Database(url)
    try:
        recordings = Recordings(database, open_storage("memory:///"), SystemClock())
        return (await recordings.get("hall")).prefix
    finally:
        await database.close()
