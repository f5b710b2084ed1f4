"""Whether the house stands: publicly a bare yes; on a loopback port of its own the rest."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy import text

from infra.carrier import Carrier
from infra.database import Database
from infra.logs import get_logger
from infra.metrics import Metrics
from infra.whose import NONE

log = get_logger("health")


async def healthz(request: web.Request) -> web.Response:
    """Says only ok."""
    return web.Response(text="ok\n")


def operations_app(metrics: Metrics, database: Database, carrier: Carrier) -> web.Application:
    """`/livez` (never asks the database), `/readyz` (does) and `/metrics` (Prometheus text).

    Without Redis the house stays ready: it carries hints between nodes, and rooms go on at their own.
    """

    async def livez(request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(request: web.Request) -> web.Response:
        try:
            async with database.reading(NONE) as session:
                await session.execute(text("SELECT 1"))
        except Exception as error:
            log.warning("not ready", error=type(error).__name__)
            return web.Response(status=503, text="database\n")
        return web.Response(text="ok, redis is away\n" if carrier.up is False else "ok\n")

    async def figures(request: web.Request) -> web.Response:
        return web.Response(
            body=metrics.render(), headers={"Content-Type": "text/plain; version=0.0.4"}
        )

    app = web.Application()
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", figures)
    return app
