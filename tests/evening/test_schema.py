"""Schemathesis finds nothing: what the API answers is what its description says, whatever is asked."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from rooms.phases import Phase
from tests.evening.house import TestHouse

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")


@pytest.mark.timeout(180)
async def test_the_api_answers_as_its_description_says(house: TestHouse, tmp_path: Path) -> None:
    for show, phase in (("one", Phase.LIVE), ("two", Phase.SCHEDULED), ("over", Phase.ENDED)):
        await house.show(show, phase)
    process = await asyncio.create_subprocess_exec(
        SCHEMATHESIS,
        "run",
        f"{house.url}/api/openapi.json",
        "--checks=all",
        "--mode=all",
        f"--max-examples={os.environ.get('SCHEMA_EXAMPLES', '20')}",
        "--seed=1918",
        "--generation-deterministic",
        "--no-color",
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()
