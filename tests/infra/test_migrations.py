"""Up and down, on both databases, from every form that was ever served, and killed in the middle."""

from __future__ import annotations

import asyncio
import importlib
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from infra.database import Base, Database, alembic_config, migrate
from infra.postgres import postgres_engine
from infra.sqlite import sqlite_engine
from infra.whose import NONE
from tests import rows
from tests.conftest import TABLES
from tests.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
SERVED = "0002"
"""The form before several databases, nodes and answers: what the first evenings were played on."""
REVISIONS = [
    script.revision
    for script in ScriptDirectory.from_config(alembic_config(TABLES)).walk_revisions()
][::-1]

for _name in TABLES:
    importlib.import_module(_name)


@pytest.fixture
def url(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database without anything in it."""
    if database_kind == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'new' / 'lampio.sqlite3'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create()
    yield server.url(name)
    server.sql(f"DROP DATABASE {name} WITH (FORCE);")


def _engine(url: str) -> AsyncEngine:
    if url.startswith("sqlite"):
        Path(url.split("///")[1]).parent.mkdir(exist_ok=True)
        return sqlite_engine(url, 10, references=False)
    return postgres_engine(url, 10, migrating=True)


async def within(url: str, *steps: Callable[[Connection], Any]) -> list[Any]:
    """Each step in a transaction of its own, with the rights of a migration; what they return."""
    engine = _engine(url)
    try:
        found = []
        for step in steps:
            async with engine.begin() as connection:
                found.append(await connection.run_sync(step))
        return found
    finally:
        await engine.dispose()


def to(revision: str) -> Callable[[Connection], None]:
    """A step up or down to a revision."""

    def step(connection: Connection) -> None:
        config = alembic_config(TABLES)
        config.attributes["connection"] = connection
        now = MigrationContext.configure(connection).get_current_revision() or ""
        way = command.upgrade if revision != "base" and now < revision else command.downgrade
        way(config, revision)

    return step


def reflected(connection: Connection) -> MetaData:
    metadata = MetaData()
    metadata.reflect(connection)
    return metadata


def fill(connection: Connection) -> None:
    rows.fill(connection, reflected(connection))


def kept(connection: Connection) -> rows.Rows:
    tables = [table for table in reflected(connection).sorted_tables if table.primary_key]
    return rows.read(connection, [table for table in tables if table.name != "alembic_version"])


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, Base.metadata))


def names(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names()) - {"alembic_version"}


async def test_models_and_migrations_agree(url: str) -> None:
    await migrate(url, TABLES)
    await migrate(url, TABLES)
    assert await within(url, differences) == [[]]


async def test_every_step_goes_up_and_down_again(url: str) -> None:
    for revision, before in zip(REVISIONS, ["base", *REVISIONS], strict=False):
        await within(url, to(revision), to(before), to(revision))
    found, none, _, left = await within(url, names, differences, to("base"), names)
    assert found == set(Base.metadata.tables)
    assert none == []
    assert left == set()


async def test_rows_of_the_first_evenings_are_carried_up_and_down_without_loss(url: str) -> None:
    _, _, before = await within(url, to(SERVED), fill, kept)
    assert all(len(found) == len(rows.CITIES) for found in before.values())
    await migrate(url, TABLES)
    (above,) = await within(url, kept)
    for table, found in before.items():
        carried = [{name: row[name] for name in found[0]} for row in above[table]]
        assert carried == found, table
    _, below = await within(url, to(SERVED), kept)
    assert below == before


async def test_rows_of_today_survive_a_step_down_and_up(url: str) -> None:
    """What the step before does not know may be lost; nothing else is."""
    await migrate(url, TABLES)
    last, before = REVISIONS[-1], REVISIONS[-2]
    _, was, _, _, now = await within(url, fill, kept, to(before), to(last), kept)
    assert {name: len(found) for name, found in now.items()} == {
        name: len(found) for name, found in was.items()
    }


@pytest.mark.parametrize("after", [5])
async def test_a_migration_that_is_killed_leaves_a_database_that_starts_again(
    after: int, url: str
) -> None:
    """Killed after so many statements, from the form of the first evenings and with their rows."""
    _, _, before = await within(url, to(SERVED), fill, kept)
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.infra.migrating", url, str(after), cwd=ROOT
    )
    assert await killed.wait() == -signal.SIGKILL
    await migrate(url, TABLES)
    above, none = await within(url, kept, differences)
    assert none == []
    assert {name: len(found) for name, found in above.items() if name in before} == {
        name: len(found) for name, found in before.items()
    }
    database = Database(url)
    async with database.reading(NONE) as session:
        await session.execute(text("SELECT 1"))
    await database.close()


async def test_of_two_that_start_together_one_migrates_and_both_stand(url: str) -> None:
    await asyncio.gather(*(migrate(url, TABLES) for _ in range(3)))
    assert await within(url, differences) == [[]]
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        found = (await connection.execute(text("SELECT version_num FROM alembic_version"))).all()
    await engine.dispose()
    assert [row[0] for row in found] == [REVISIONS[-1]]
