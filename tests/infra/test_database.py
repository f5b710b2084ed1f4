"""One writer at a time, whole or not at all; models and migrations agree; every row has an end."""

from __future__ import annotations

import asyncio
import importlib
import random

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from infra import database as module
from infra.database import Base, Database
from infra.errors import Unavailable
from infra.whose import NONE
from tests.conftest import TABLES

NUMBERS = Table("numbers", MetaData(), Column("number", Integer, primary_key=True))


@pytest.fixture
async def numbers(database: Database, database_url: str) -> Database:
    """A table made as migrations make theirs: what serves people may make none."""
    await made(database_url, "CREATE TABLE numbers (number INTEGER PRIMARY KEY)")
    return database


async def made(url: str, statement: str) -> None:
    """Carry out a statement with the rights of the URL's own role."""
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


async def _count(database: Database) -> int:
    async with database.reading(NONE) as session:
        return (await session.execute(select(func.count()).select_from(NUMBERS))).scalar_one()


async def test_a_unit_of_work_is_kept_whole_or_not_at_all(numbers: Database) -> None:
    async with numbers.unit_of_work(NONE) as session:
        await session.execute(NUMBERS.insert(), {"number": 1})
    with pytest.raises(ZeroDivisionError):
        async with numbers.unit_of_work(NONE) as session:
            await session.execute(NUMBERS.insert(), {"number": 2})
            raise ZeroDivisionError
    with pytest.raises(IntegrityError):
        async with numbers.unit_of_work(NONE) as session:
            await session.execute(NUMBERS.insert(), {"number": 3})
            await session.execute(NUMBERS.insert(), {"number": 1})
    assert await _count(numbers) == 1


@pytest.mark.one_database  # PostgreSQL has many writers: they lock the rows they decide on
async def test_what_is_read_in_a_unit_of_work_stays_true_until_its_end(numbers: Database) -> None:
    """Twenty writers that each read the highest number and write the next never meet."""

    async def next_number() -> None:
        async with numbers.unit_of_work(NONE) as session:
            highest = (await session.execute(select(func.max(NUMBERS.c.number)))).scalar() or 0
            await asyncio.sleep(0)
            await session.execute(NUMBERS.insert(), {"number": highest + 1})

    await asyncio.gather(*(next_number() for _ in range(20)))
    assert await _count(numbers) == 20


@pytest.mark.one_database  # PostgreSQL has many writers: they lock the rows they decide on
async def test_two_processes_do_not_meet_either(numbers: Database, database_url: str) -> None:
    other = Database(database_url)

    async def next_number(database: Database) -> None:
        async with database.unit_of_work(NONE) as session:
            highest = (await session.execute(select(func.max(NUMBERS.c.number)))).scalar() or 0
            await session.execute(NUMBERS.insert(), {"number": highest + 1})

    try:
        await asyncio.gather(*(next_number(one) for one in [numbers, other] * 10))
    finally:
        await other.close()
    assert await _count(numbers) == 20


async def test_readers_do_not_wait_for_a_writer(numbers: Database) -> None:
    async with numbers.unit_of_work(NONE) as session:
        await session.execute(NUMBERS.insert(), {"number": 1})
        assert await _count(numbers) == 0
    assert await _count(numbers) == 1


async def test_what_a_reader_writes_is_not_kept(numbers: Database) -> None:
    async with numbers.reading(NONE) as session:
        await session.execute(NUMBERS.insert(), {"number": 1})
    assert await _count(numbers) == 0


@pytest.mark.one_database  # PostgreSQL has many writers: they lock the rows they decide on
async def test_a_writer_that_gets_no_turn_is_told(
    numbers: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_S", 0.01)
    async with numbers.unit_of_work(NONE):
        with pytest.raises(Unavailable, match="turn") as refused:
            async with numbers.unit_of_work(NONE):
                pass
    assert refused.value.code == "database_busy"


async def test_cancelling_at_any_moment_leaves_nothing_locked_and_nothing_half_done(
    numbers: Database,
) -> None:
    async def write_pair(number: int) -> None:
        async with numbers.unit_of_work(NONE) as session:
            await session.execute(NUMBERS.insert(), {"number": number})
            await session.execute(NUMBERS.insert(), {"number": -number})

    async def read() -> None:
        async with numbers.reading(NONE) as session:
            await session.execute(select(NUMBERS))

    chance = random.Random(7)
    for number in range(1, 120):
        tasks = [asyncio.create_task(write_pair(number)), asyncio.create_task(read())]
        await asyncio.sleep(chance.random() * 0.002)
        for task in tasks:
            for _ in range(chance.randint(1, 3)):
                task.cancel()
                await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await asyncio.gather(*tasks, return_exceptions=True)
            async with numbers.unit_of_work(NONE) as session:
                await session.execute(NUMBERS.insert(), {"number": 1000 + number})
    async with numbers.reading(NONE) as session:
        found = set((await session.execute(select(NUMBERS.c.number))).scalars())
    assert {number for number in found if number > 1000} == {1000 + n for n in range(1, 120)}
    pairs = {number for number in found if number <= 1000}
    assert pairs == {-number for number in pairs}


@pytest.mark.one_database  # its own pragmas
async def test_sqlite_is_durable_and_keeps_references(database: Database) -> None:
    async with database.reading(NONE) as session:
        pragmas = [
            (await session.execute(text(f"PRAGMA {name}"))).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    assert pragmas == ["wal", 2, 1, 10_000]


def test_every_table_says_how_long_its_rows_stay() -> None:
    for name in TABLES:
        importlib.import_module(name)
    assert Base.metadata.tables
    silent = [
        name for name, table in Base.metadata.tables.items() if not table.info.get("retention")
    ]
    assert silent == []


def test_every_table_of_an_organisation_says_whose_a_row_is() -> None:
    """What belongs to nobody in particular is listed here, by name."""
    for name in TABLES:
        importlib.import_module(name)
    without = {
        name for name, table in Base.metadata.tables.items() if "organisation" not in table.c
    }
    assert without == {"organisation", "node", "device", "device_secret"}
