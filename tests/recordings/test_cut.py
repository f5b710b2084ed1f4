"""A take that a hanging disk does not finish holds up nobody: the next one collects meanwhile."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from infra.database import Database
from recordings.capture import Captures
from recordings.recorder import Recorder
from tests.recordings.taking import FEED, captures

pytestmark = pytest.mark.one_database  # no row is made


async def test_a_take_begins_to_collect_at_once_and_to_be_written_after_the_one_before(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    stop, start = Recorder.stop, Recorder.start
    asked, goes_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def stopping(self: Recorder) -> None:
        loop.call_soon_threadsafe(asked.set)
        goes_on.wait(20)
        stop(self)
        order.append(f"finished {self.subject.epoch}")

    def starting(self: Recorder) -> None:
        order.append(f"started {self.subject.epoch}")
        start(self)

    monkeypatch.setattr(Recorder, "stop", stopping)
    monkeypatch.setattr(Recorder, "start", starting)
    made: Captures = captures(tmp_path, database)
    attached: list[int] = []

    def attach(_: object, sink: object) -> object:
        assert isinstance(sink, Recorder)
        attached.append(sink.subject.epoch)
        return lambda: attached.remove(sink.subject.epoch)

    monkeypatch.setattr(made, "_attach", attach)
    await made.start("hall", "helsinki", FEED, 1)
    made.cut("hall")
    assert attached == []
    await made.start("hall", "helsinki", FEED, 2)
    assert attached == [2], "its first frame is not lost"
    await asked.wait()
    assert order == ["started 1"]
    goes_on.set()
    await made.stop("hall")
    assert order == ["started 1", "finished 1", "started 2", "finished 2"]
    assert attached == []
    await made.close()
