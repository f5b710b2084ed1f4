"""Static files: only ours, compressed, kept by the mark of their content."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from web.static_files import StaticFiles

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    folder = tmp_path / "static"
    (folder / "js").mkdir(parents=True)
    (folder / "js" / "a.js").write_text("export const a = 1;\n" * 50)
    (folder / "note.txt").write_text("not of a known kind")
    (tmp_path / "secret.js").write_text("outside")
    (folder / "link.js").symlink_to(tmp_path / "secret.js")
    app = web.Application()
    app.router.add_get("/static/{path:.+}", StaticFiles(folder).serve)
    async with TestClient(TestServer(app), auto_decompress=False) as client:
        yield client


async def test_text_is_sent_compressed_to_those_who_can(client: Client) -> None:
    answer = await client.get("/static/js/a.js", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(await answer.read()).startswith(b"export const")
    plain = await client.get("/static/js/a.js", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert plain.content_type == "text/javascript"


async def test_a_marked_address_is_kept_for_a_year_and_a_plain_one_asked_again(
    client: Client,
) -> None:
    assert "immutable" in (await client.get("/static/js/a.js?v=1")).headers["Cache-Control"]
    plain = await client.get("/static/js/a.js")
    assert plain.headers["Cache-Control"] == "no-cache"
    again = await client.get("/static/js/a.js", headers={"If-None-Match": plain.headers["ETag"]})
    assert again.status == 304


@pytest.mark.parametrize(
    "path",
    [
        "../secret.js",
        "%2e%2e/secret.js",
        "js/../../secret.js",
        "link.js",
        "note.txt",
        "js",
        "none.js",
        "%00.js",
        "a" * 300 + ".js",
    ],
)
async def test_nothing_else_is_served(client: Client, path: str) -> None:
    assert (await client.get(f"/static/{path}")).status == 404


async def test_a_changed_file_is_read_anew(client: Client, tmp_path: Path) -> None:
    await client.get("/static/js/a.js")
    (tmp_path / "static" / "js" / "a.js").write_text("export const b = 2;")
    answer = await client.get("/static/js/a.js", headers={"Accept-Encoding": "identity"})
    assert await answer.text() == "export const b = 2;"


async def test_a_file_is_kept_once_however_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("export const a = 1;\n")
    files = StaticFiles(tmp_path)
    app = web.Application()
    app.router.add_get("/static/{path:.+}", files.serve)
    async with TestClient(TestServer(app)) as client:
        for number in range(20):
            name = f"{number}%2f..%2fa.js"
            answer = await client.get(URL(f"/static/{name}", encoded=True))
            assert answer.status == 200
    assert len(files._kept) == 1
