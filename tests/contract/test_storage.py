"""Objects by key: a folder and memory keep the same rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.errors import BadInput, Unknown
from infra.storage import Storage, open_storage


@pytest.fixture(params=["folder", "file", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    folder = tmp_path / "not" / "there yet"
    urls = {"folder": str(folder), "file": f"file://{folder}", "memory": "memory:///"}
    return open_storage(urls[request.param])


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
