"""Fixtures of whole evenings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.evening.browser import People, opened_people
from tests.evening.house import TestHouse, opened_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[TestHouse]:
    """A server that runs, with an organisation and no show yet."""
    async with opened_house(tmp_path) as house:
        await house.start()
        yield house


@pytest.fixture
async def people() -> AsyncIterator[People]:
    """A real Chromium, and the people who come with it."""
    async with opened_people() as people:
        yield people
