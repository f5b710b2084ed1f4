"""PostgreSQL holds a unit of work to whose rows it said it touches, whoever the URL's role is."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import Executable, Table, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from infra.database import Base, Database, migrate
from infra.errors import Unavailable
from infra.whose import HOUSE, NONE, Whose, organisation
from tests.conftest import TABLES, beside
from tests.postgres import PostgresServer
from tests.rows import CITIES, fill

for _name in TABLES:
    importlib.import_module(_name)

OWNED = [table for table in Base.metadata.sorted_tables if "organisation" in table.c]
NAMED = [table for table in OWNED if len(table.primary_key) == 1]
ROLES = {
    "superuser": "",
    "owner": "CREATE ROLE owner LOGIN",
    "passes_by": "CREATE ROLE passes_by LOGIN BYPASSRLS CREATEROLE",
}
TURKU, OULU = (organisation(city) for city in CITIES)


@pytest.fixture(scope="module", params=ROLES)
def filled(postgres_server: PostgresServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database migrated by its owner, a superuser or not, with a row of both cities in all tables."""
    name, role = postgres_server.create(), request.param
    if ROLES[role]:
        postgres_server.sql(f"{ROLES[role]};")
        postgres_server.sql(f"ALTER DATABASE {name} OWNER TO {role};")
    beside(migrate(postgres_server.url(name, role if ROLES[role] else "lampio"), TABLES))

    async def make() -> None:
        engine = create_async_engine(postgres_server.url(name))
        async with engine.begin() as connection:
            await connection.run_sync(fill, Base.metadata)
        await engine.dispose()

    beside(make())
    yield postgres_server.url(name, role if ROLES[role] else "lampio")
    if ROLES[role]:
        postgres_server.sql(f"DROP DATABASE {name};")
        postgres_server.sql(f"REVOKE lampio_rows FROM {role}; DROP ROLE {role};")


@pytest.fixture
async def opened(filled: str) -> AsyncIterator[Database]:
    database = Database(filled)
    yield database
    await database.close()


@asynccontextmanager
async def undone(database: Database, whose: Whose) -> AsyncIterator[AsyncSession]:
    """A unit of work whose changes are not kept."""
    async with database._write() as session:
        await session.begin()
        await session.execute(
            text("SELECT lampio_enter(:kind, :key)"), {"kind": whose.kind, "key": whose.key}
        )
        yield session
        await session.rollback()


async def cities(session: AsyncSession, table: Table) -> set[str]:
    return set((await session.scalars(select(table.c.organisation))).all())


def test_every_table_of_an_organisation_has_a_policy_that_binds_its_owner_too(
    postgres_server: PostgresServer, filled: str
) -> None:
    name = filled.rsplit("/", 1)[-1]
    bound = postgres_server.sql(
        "SELECT c.relname FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid"
        " WHERE c.relrowsecurity AND c.relforcerowsecurity AND p.polcmd = '*'",
        name,
    )
    wanted = {table.name for table in OWNED} | {"organisation"}
    assert {row[0] for row in bound} == wanted, "infra.migrations.rows.protect(table) is missing"


async def test_whoever_the_url_names_no_connection_passes_policies_by(opened: Database) -> None:
    async with opened.reading(HOUSE) as session:
        query = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
        assert (await session.execute(text(query))).scalar_one() is False


@pytest.mark.parametrize("table", OWNED, ids=lambda table: table.name)
async def test_another_citys_rows_are_not_there(table: Table, opened: Database) -> None:
    async with opened.reading(HOUSE) as session:
        assert await cities(session, table) == set(CITIES)
        other = (
            (await session.execute(select(table).where(table.c.organisation == "oulu")))
            .mappings()
            .one()
        )
    name = f'"{table.name}"'
    async with undone(opened, TURKU) as session:
        assert await cities(session, table) == {"turku"}
        for harmless in (
            f"UPDATE {name} SET organisation = organisation WHERE organisation = 'oulu'",
            f"DELETE FROM {name} WHERE organisation = 'oulu'",
        ):
            done: Any = await session.execute(text(harmless))
            assert done.rowcount == 0
    foreign: list[Executable] = [
        insert(table).values({**other, **_fresh(table)}),
        text(f"UPDATE {name} SET organisation = 'oulu' WHERE organisation = 'turku'"),
    ]
    for statement in foreign:
        async with undone(opened, TURKU) as session:
            with pytest.raises(DBAPIError, match="row-level security"):
                await session.execute(statement)
    async with opened.reading(HOUSE) as session:
        assert await cities(session, table) == set(CITIES)


def _fresh(table: Table) -> dict[str, Any]:
    """Another key, where it is a text of its own: else the key would refuse before the policy."""
    return {
        column.name: "fresh"
        for column in table.primary_key
        if not column.foreign_keys and hasattr(column.type, "length")
    }


@pytest.mark.parametrize("whose", [NONE, Whose("seat", "guessed"), Whose("room", "")], ids=str)
async def test_who_belongs_nowhere_sees_nothing(whose: Whose, opened: Database) -> None:
    async with opened.reading(whose) as session:
        for table in OWNED:
            assert await cities(session, table) == set(), table.name


async def test_a_session_that_never_said_whose_sees_and_writes_nothing(opened: Database) -> None:
    async with opened._write() as session:
        for table in OWNED:
            assert await cities(session, table) == set(), table.name


async def test_what_one_unit_said_does_not_hold_for_the_next(opened: Database) -> None:
    for _ in range(3):  # the same connection, given back and taken again
        async with opened.unit_of_work(HOUSE) as session:
            assert await cities(session, OWNED[0]) == set(CITIES)
        async with opened._write() as session:
            assert await cities(session, OWNED[0]) == set()


@pytest.mark.parametrize("table", NAMED, ids=lambda table: table.name)
async def test_a_row_that_is_known_by_its_key_leads_to_its_citys_rows_alone(
    table: Table, opened: Database
) -> None:
    (column,) = table.primary_key
    async with opened.reading(HOUSE) as session:
        query = select(column).where(table.c.organisation == "oulu")
        key = (await session.execute(query)).scalar_one()
    async with opened.reading(Whose(table.name, key)) as session:
        for other in OWNED:
            assert await cities(session, other) == {"oulu"}


async def test_the_public_sees_what_the_catalogue_shows_and_changes_nothing(
    opened: Database,
) -> None:
    async with undone(opened, HOUSE) as session:
        await session.execute(text("UPDATE room SET phase = 'draft' WHERE organisation = 'oulu'"))
        await session.execute(text("UPDATE recording SET status = 'ready'"))
        await session.execute(text("SELECT lampio_enter('public', '')"))
        seen = {table.name: await cities(session, table) for table in OWNED}
        assert {name for name, found in seen.items() if found} == {"show", "room", "recording"}
        assert seen["show"] == seen["room"] == {"turku"}, "a draft is nobody's business yet"
        done: Any = await session.execute(text("UPDATE show SET touched = true"))
        assert done.rowcount == 0


@pytest.mark.parametrize("statement", ["CREATE TABLE more (a int)", "SELECT * FROM pg_authid"])
async def test_a_superusers_connection_keeps_no_right_beyond_the_rows(
    statement: str, postgres_server: PostgresServer, shared_postgres: str
) -> None:
    database = Database(postgres_server.url(shared_postgres))
    with pytest.raises(DBAPIError, match="permission denied"):
        async with database.unit_of_work(HOUSE) as session:
            await session.execute(text(statement))
    await database.close()


async def test_who_would_pass_policies_by_gets_no_connection_before_the_role_is_there(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.postgres.ROWS_ROLE", "nobody_made_it")
    database = Database(postgres_server.url("postgres"))
    with pytest.raises(Unavailable, match="migrate"):
        async with database.reading(HOUSE):
            pass
    await database.close()
