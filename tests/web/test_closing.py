"""A part that fails or hangs while it closes takes no turn from those after it, and the process ends."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from infra.settings import Settings
from rooms.house import House
from tests.web.conftest import STARTING_MS
from web.main import serve, serving


@pytest.mark.one_database  # the database is what does not answer
@pytest.mark.blocking_ms(STARTING_MS)
@pytest.mark.parametrize("how", ["fails", "hangs"])
async def test_a_house_that_does_not_close_leaves_no_door_open(
    how: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = House.close
    asked: list[str] = []

    async def stuck(self: House) -> None:
        asked.append(how)
        if len(asked) > 1:
            await close(self)
        elif how == "fails":
            raise OSError("no database")
        else:
            await asyncio.Event().wait()

    monkeypatch.setattr(House, "close", stuck)
    monkeypatch.setattr("web.main.HOUSE_S", 0.05)
    async with asyncio.timeout(20):
        async with serving(settings) as running:
            ports = (running.port, running.ops_port)
    assert asked
    for port in ports:
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", port)


def test_a_process_that_does_not_end_by_itself_is_ended() -> None:
    hanging = "import time\nfrom web.closing import end_by\nend_by(0.05)\ntime.sleep(60)\n"
    ended = subprocess.run(
        [sys.executable, "-c", hanging], capture_output=True, text=True, timeout=20, check=False
    )
    assert ended.returncode == 1, ended.stderr


@pytest.mark.one_database  # what ends is the process
@pytest.mark.blocking_ms(STARTING_MS)
async def test_the_last_clock_runs_from_the_signal_on(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, clocks = asyncio.Event(), list[float]()
    serves = asyncio.Event()

    def frozen() -> None:
        serves.set()

    monkeypatch.setattr("web.main.stop_signal", lambda: stop)
    monkeypatch.setattr("web.main.end_by", clocks.append)
    monkeypatch.setattr("web.main.gc.freeze", frozen)
    running = asyncio.create_task(serve(settings))
    async with asyncio.timeout(20):
        await serves.wait()
        assert clocks == []
        stop.set()
        await running
    assert clocks and max(clocks) < 15
