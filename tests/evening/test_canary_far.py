"""The canaries again with PostgreSQL and Redis: names and words stand in the columns that
`docs/threat-model.md` names, secrets nowhere, and Redis keeps nothing that anybody said."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import Redis

from tests.evening.house import ROOT, TestHouse, opened_house
from tests.evening.test_canary import SAID, play
from tests.postgres import PostgresServer

PERSONAL = re.compile(r"^\| `(\w+\.\w+)` \|", re.MULTILINE)


def columns_with_words() -> set[str]:
    """Where the document says that what people say or are called may stand."""
    page = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    return set(PERSONAL.findall(page.split("## Where names and words stand")[1].split("\n## ")[0]))


async def kept(redis: Redis) -> list[bytes]:
    """Everything that Redis holds now, keys and values."""
    found: list[bytes] = []
    async for key in redis.scan_iter():
        found.append(key)
        with suppress(Exception):  # a key may have gone meanwhile
            found.append(await redis.dump(key) or b"")
    return found


async def watched(redis: Redis, seen: list[bytes]) -> None:
    """Look again and again."""
    while True:
        seen += await kept(redis)
        await asyncio.sleep(0.01)


@pytest.fixture
async def far(
    tmp_path: Path, postgres_server: PostgresServer, redis_server: str
) -> AsyncIterator[tuple[TestHouse, str]]:
    name = postgres_server.create()
    environment = {"DATABASE_URL": postgres_server.url(name), "REDIS_URL": redis_server}
    async with opened_house(tmp_path, **environment) as house:
        await house.start()
        yield house, name


async def test_names_and_words_stand_only_where_the_document_says(
    far: tuple[TestHouse, str], postgres_server: PostgresServer, redis_server: str
) -> None:
    house, name = far
    seen: list[bytes] = []
    redis = Redis.from_url(redis_server)
    looking = asyncio.create_task(watched(redis, seen))
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            secrets = await play(house, session)
        await house.stop()
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
        await redis.aclose()
    assert seen, "the house used no Redis"
    every = {**SAID, **secrets}
    assert {
        what for what, text in every.items() if any(text.encode() in one for one in seen)
    } == set()

    log = house.log_path.read_text(encoding="utf-8")
    assert {what for what, text in every.items() if text in log} == set()
    columns = postgres_server.sql(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public'",
        name,
    )
    found: dict[str, set[str]] = {}
    for table, column in columns:
        rows = postgres_server.sql(f'SELECT DISTINCT "{column}"::text FROM "{table}"', name)
        whole = "\n".join(value for (value,) in rows if value)
        if held := {what for what, text in every.items() if text in whole}:
            found[f"{table}.{column}"] = held
    assert {held for words in found.values() for held in words} == {"name", "line"}
    assert set(found) <= columns_with_words()
