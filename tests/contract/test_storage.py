"""Objects by key: a folder, memory and an S3 keep the same rules, also when they are full or away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.errors import BadInput, Unavailable, Unknown
from infra.storage import Storage, open_storage
from tests.conftest import free_port
from tests.full import Full, full_disk
from tests.s3 import S3


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    server = S3(tmp_path_factory.mktemp("s3"), free_port())
    server.start()
    yield server
    server.kill()


@pytest.fixture(params=["folder", "file", "memory", "s3"])
def storage(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Storage:
    folder = tmp_path / "not" / "there yet"
    if request.param == "s3":
        server: S3 = request.getfixturevalue("s3")
        return open_s3(server, monkeypatch, f"{server.url}/{tmp_path.name}")
    urls = {"folder": str(folder), "file": f"file://{folder}", "memory": "memory:///"}
    return open_storage(urls[request.param])


def open_s3(server: S3, monkeypatch: pytest.MonkeyPatch, url: str) -> Storage:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return open_storage(url, read_s=0.5, write_s=0.5)


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Full]:
    with full_disk(tmp_path / "disk", size_kb=512) as disk:
        yield disk


async def test_what_was_put_is_got_whole_and_in_spans(storage: Storage) -> None:
    await storage.put("takes/t1/a.m4s", b"0123456789")
    assert await storage.get("takes/t1/a.m4s") == b"0123456789"
    assert await storage.get("takes/t1/a.m4s", (2, 5)) == b"234"
    assert await storage.get("takes/t1/a.m4s", (8, 99)) == b"89"
    assert await storage.get("takes/t1/a.m4s", (10, 99)) == b""
    assert await storage.size("takes/t1/a.m4s") == 10


async def test_a_second_put_stands_in_place_of_the_first(storage: Storage) -> None:
    await storage.put("a", b"1")
    await storage.put("a", b"22")
    assert await storage.get("a") == b"22"


async def test_an_empty_object_is_an_object(storage: Storage) -> None:
    await storage.put("a", b"")
    assert await storage.get("a") == b""
    assert await storage.exists("a")


async def test_what_is_not_there_is_unknown(storage: Storage) -> None:
    for ask in (storage.get("a/b"), storage.get("a/b", (0, 1)), storage.size("a/b")):
        with pytest.raises(Unknown):
            await ask
    assert not await storage.exists("a/b")


async def test_a_prefix_is_a_whole_part_of_the_key(storage: Storage) -> None:
    for key in ("a/1", "a/b/2", "ab/3", "c"):
        await storage.put(key, b"x")
    assert await storage.list("a") == ["a/1", "a/b/2"]
    assert await storage.list("a/") == ["a/1", "a/b/2"]
    assert await storage.list("nothing") == []


async def test_deleting_takes_the_object_and_all_below_it_and_may_be_repeated(
    storage: Storage,
) -> None:
    for key in ("a/1", "a/b/2", "ab/3"):
        await storage.put(key, b"x")
    await storage.delete("a")
    await storage.delete("a")
    assert await storage.list("a") == []
    assert await storage.exists("ab/3")
    await storage.delete("ab/3")
    assert not await storage.exists("ab/3")


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", "../a", "a/../b", "a/.b", "ä", "a b", "a\\b"]
)
async def test_keys_of_another_shape_are_refused(storage: Storage, key: str) -> None:
    with pytest.raises(BadInput) as refused:
        await storage.put(key, b"x")
    assert refused.value.code == "bad_key"


async def test_nothing_is_left_beside_the_objects_of_a_folder(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path / "media"))
    await storage.put("a/b/c", b"x")
    await storage.delete("a/b/c")
    assert not list((tmp_path / "media").rglob("*"))


@pytest.mark.parametrize("kind", ["folder", "s3"])
async def test_a_full_storage_says_so_keeps_what_it_has_and_takes_more_once_there_is_room(
    kind: str, full: Full, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = S3(full.folder, free_port())
    if kind == "s3":
        server.start()
        storage = open_s3(server, monkeypatch, server.url)
    else:
        storage = open_storage(str(full.folder / "media"))
    try:
        await storage.put("a/1", b"kept")
        full.fill(leaving_kb=64)
        with pytest.raises(Unavailable) as refused:
            await storage.put("a/2", bytes(200_000))
        assert refused.value.code == ("storage_full" if kind == "folder" else "storage_away")
        assert await storage.get("a/1") == b"kept"
        assert await storage.list("a") == ["a/1"], "nothing is there by half"
        full.empty()
        await storage.put("a/2", bytes(200_000))
        assert await storage.size("a/2") == 200_000
    finally:
        server.kill()


async def test_an_s3_that_is_killed_is_away_at_once_and_has_everything_when_it_is_back(
    s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_s3(s3, monkeypatch, s3.url)
    await storage.put("kept", b"x")
    s3.kill()
    began = time.monotonic()
    for ask in (storage.get("kept"), storage.put("more", b"y"), storage.list("a")):
        with pytest.raises(Unavailable) as refused:
            await ask
        assert refused.value.code == "storage_away"
    assert time.monotonic() - began < 5
    await asyncio.to_thread(s3.start)
    assert await storage.get("kept") == b"x"


async def test_an_s3_that_never_answers_is_away_within_its_time(
    s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_s3(s3, monkeypatch, s3.url)
    await storage.put("kept", b"x")
    s3.stop_answering()
    began = time.monotonic()
    try:
        asked = (storage.get("kept"), storage.get("kept", (0, 1)), storage.put("kept", b"y"))
        answers = await asyncio.gather(*asked, return_exceptions=True)
    finally:
        s3.answer_again()
    assert time.monotonic() - began < 2
    assert [getattr(one, "code", one) for one in answers] == ["storage_away"] * 3
    assert await storage.get("kept") in (b"x", b"y")
