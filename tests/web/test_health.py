"""Ready while the database answers; alive without it; a Redis that is away is told and no reason to go."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import TestClient, TestServer

from infra.carrier import carrying
from infra.clock import SystemClock
from infra.database import Database
from infra.metrics import Metrics
from tests.conftest import free_port
from web.health import operations_app


async def nobody(room: str, node: str) -> int | None:
    return None


@pytest.mark.parametrize("there", [True, False], ids=["database", "no-database"])
async def test_readiness_asks_the_database_and_liveness_does_not(
    there: bool, database: Database
) -> None:
    gone = Database(f"postgresql+asyncpg://lampio@127.0.0.1:{free_port()}/lampio")
    async with carrying("", SystemClock(), nobody, (b"k" * 32,)) as carrier:
        app = operations_app(Metrics(), database if there else gone, carrier)
        async with TestClient(TestServer(app)) as client:
            ready = await client.get("/readyz")
            assert (ready.status, await ready.text()) == (
                (200, "ok\n") if there else (503, "database\n")
            )
            assert (await client.get("/livez")).status == 200
    await gone.close()


async def test_a_house_whose_redis_is_away_is_ready_and_says_so(database: Database) -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"
    async with carrying(url, SystemClock(), nobody, (b"k" * 32,)) as carrier:
        app = operations_app(Metrics(), database, carrier)
        async with TestClient(TestServer(app)) as client:
            ready = await client.get("/readyz")
            assert (ready.status, await ready.text()) == (200, "ok, redis is away\n")
