"""`kill -9` where nobody looks for it: while the process closes, and while it takes up what another left."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.database import Database
from recordings.boxes import whole
from tests.recordings.measure import look
from tests.recordings.taking import captures
from tests.recordings.test_capture import ROOT, takes, whole_take

pytestmark = pytest.mark.one_database  # what is tried lies on the disk

DYING = [sys.executable, "-m", "tests.recordings.dying"]


def killed_while_closing(folder: Path, url: str, after_s: float) -> float:
    """Capture seven seconds, SIGTERM, and kill so long after it began to close; how much was fed."""
    fed_s = 0.0
    arguments = [*DYING, str(folder), url, "close"]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == "closing\n":
                break
            fed_s = float(line)
            if fed_s >= 7:
                process.send_signal(signal.SIGTERM)
        time.sleep(after_s)
        process.kill()
    return fed_s


def killed_recovering(folder: Path, url: str, *step: str) -> int:
    return subprocess.run([*DYING, str(folder), url, *step], cwd=ROOT, check=False).returncode


async def kept(folder: Path, url: str) -> float:
    """Take up what lies there to the end; how long the one take's pictures last."""
    database = Database(url)
    made = captures(folder, database)
    await made.recover()
    await made.settle("hall")
    (take,) = await takes(database)
    assert take.state == "stored"
    data = await whole_take(made, take.id)
    assert whole(data) == len(data)
    seen = await asyncio.to_thread(look, data)
    assert not list((folder / "spool").iterdir())
    await made.close()
    await database.close()
    return seen.pictures[-1] - seen.pictures[0]


async def test_killed_while_it_closes_and_again_while_it_is_taken_up_a_take_comes_home_whole(
    database_url: str, tmp_path: Path
) -> None:
    fed_s = await asyncio.to_thread(killed_while_closing, tmp_path, database_url, 0)
    assert fed_s >= 7
    for step in (("put", "0"), ("note",)):
        code = await asyncio.to_thread(killed_recovering, tmp_path, database_url, *step)
        assert code == -signal.SIGKILL, step
    kept_s = await kept(tmp_path, database_url)
    assert fed_s - kept_s <= 1.0, f"fed {fed_s:.2f} s, kept {kept_s:.2f} s"
