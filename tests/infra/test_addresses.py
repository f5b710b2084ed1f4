"""The start refuses addresses that open the house to others, each with a sentence that tells no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.addresses import is_loopback
from infra.settings import Settings, WrongSettings, load_settings
from web.demo import demo

KEY = "k" * 32
REMOTE = "postgresql+asyncpg://lampio:hush@db.example/lampio"
NO_PASSWORD = "needs a password in its address, since the server is not on this machine."
SHAPE = "PUBLIC_URL must be an address such as https://lampio.example, without a path."


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def _refused(**given: object) -> str:
    with pytest.raises(WrongSettings) as refused:
        load_settings(**given)
    assert "hush" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "redis://redis.example:6379/0",
        "rediss://redis.example",
        "redis://lampio@redis.example",
        "redis://:@redis.example",
        "redis://127.0.0.1@redis.example",
        "redis://localhost.example.com",
        "redis://localhost.",
        "redis://127.0.0.1.nip.io:6379",
        "redis://127.1",
        "redis://0.0.0.0",
        "redis://10.0.0.1",
        "redis://[::ffff:10.0.0.1]",
    ],
)
def test_a_redis_elsewhere_without_a_password_stops_the_start(url: str) -> None:
    assert _refused(redis_url=url) == f"REDIS_URL: {NO_PASSWORD}"


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://127.0.0.1:6379/3",
        "redis://[::1]:6379/",
        "rediss://lampio:hush@redis.example:6380/1",
        "unix:///run/redis/redis.sock?db=2",
    ],
)
def test_a_redis_of_this_machine_or_with_a_password_is_used(url: str) -> None:
    settings = load_settings(redis_url=url)
    assert settings.redis_url == url
    assert "hush" not in repr(settings)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("redis+sentinel://:hush@a:1/m", "must name one Redis: Sentinel and Cluster are not"),
        ("http://:hush@a", "must begin with redis://, rediss:// or unix://"),
        ("redis://:hush@a:six/0", "must be an address such as redis://:password@"),
        ("redis:///0", "must be an address such as redis://:password@"),
        ("redis://:hush@a/0?socket_timeout=99", "takes no options after its address"),
        ("unix://run/redis.sock", "must name the socket as unix:///run/redis/redis.sock"),
    ],
)
def test_what_is_no_address_of_one_redis_stops_the_start(url: str, why: str) -> None:
    assert _refused(redis_url=url).replace("L: ", "L ").startswith(f"REDIS_URL {why}")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+asyncpg://lampio@db.example/lampio",
        "postgresql+asyncpg://lampio@localhost.example.com/lampio",
        "postgresql+asyncpg://lampio@localhost/lampio?host=db.example",
        "postgresql+asyncpg://lampio@/lampio?host=localhost:5432,db.example:5432",
        "postgresql+asyncpg://lampio@/lampio?host=localhost&host=db.example",
        "postgresql+asyncpg://lampio:@db.example/lampio",
    ],
)
def test_a_postgresql_elsewhere_without_a_password_stops_the_start(url: str) -> None:
    assert _refused(database_url=url) == f"DATABASE_URL: {NO_PASSWORD}"


@pytest.mark.parametrize(
    "url",
    [
        REMOTE,
        "postgresql+asyncpg://lampio@localhost:5433/lampio",
        "postgresql+asyncpg://lampio@[::1]/lampio",
        "postgresql+asyncpg://lampio@/lampio?host=/run/postgresql",
        "sqlite+aiosqlite:////srv/lampio.sqlite3",
    ],
)
def test_a_database_of_this_machine_or_with_a_password_is_used(url: str) -> None:
    assert load_settings(database_url=url).database_url == url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mysql://root:hush@db.example/x", "must begin with sqlite+aiosqlite:// or postgresql"),
        ("hush", "is no address of a database"),
        ("postgresql+asyncpg://u:hush@db:port/x", "is no address of a database"),
        ("postgresql+asyncpg:///lampio", "must name a host or the folder of a socket"),
    ],
)
def test_what_is_no_database_of_ours_stops_the_start(url: str, why: str) -> None:
    assert _refused(database_url=url).startswith(f"DATABASE_URL {why}")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://lampio.example",
        "https://lampio.example/house",
        "https://lampio.example?house=1",
        "https://lampio.example#house",
        "https://lampio.example/?",
        "https://lampio.example:99999",
        "https://lampio.example.",
        "https://lampio..example",
        "https://-lampio.example",
        "https://lampio_1.example",
        "https://0x7f000001",
        "https://lampio.example.7",
        "http://localhost@evil.example",
        "http://localhost\\@evil.example",
        "http://localhost.",
        "http://localhost#@evil.example",
    ],
)
def test_a_public_address_that_does_not_fit_stops_the_start(url: str) -> None:
    assert _refused(public_url=url, secret_keys=KEY) == SHAPE


@pytest.mark.parametrize(
    "url", ["http://localhost.example.com", "http://127.0.0.1.nip.io", "http://lampio.local"]
)
def test_what_only_looks_like_this_machine_needs_https(url: str) -> None:
    said = _refused(public_url=url, secret_keys=KEY)
    assert said == "PUBLIC_URL must begin with https:// unless it is localhost."


def test_a_node_is_reached_as_the_house_is() -> None:
    assert load_settings(port=81).node_url == "http://localhost:81"
    public = {"public_url": "https://lampio.example", "secret_keys": KEY}
    assert load_settings(**public).node_url == "https://lampio.example"
    assert load_settings(**public, node_url="https://n1.lampio.example/").node_url == (
        "https://n1.lampio.example"
    )
    assert _refused(**public, node_url="http://localhost") == (
        "NODE_URL and PUBLIC_URL must both begin with https://, or neither."
    )
    assert _refused(**public, node_url="https://n1.example/x").startswith("NODE_URL must be")


def test_proxies_are_named_and_not_everybody() -> None:
    assert _refused(trusted_proxies="10.0.0.0/8, 0.0.0.0/0") == (
        "TRUSTED_PROXIES must not trust every address: anybody could say who they are."
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"public_url": "https://localhost.example.com", "secret_keys": KEY},
            "PUBLIC_URL: the demo runs on http://localhost only.",
        ),
        (
            {"public_url": "https://localhost", "secret_keys": KEY},
            "PUBLIC_URL: the demo runs on http://localhost only.",
        ),
        *(
            ({"host": host}, "HOST: the demo listens on this machine only: leave it empty.")
            for host in ("0.0.0.0", "::", "192.168.1.5", "localhost.example.com", "localhost.")
        ),
        ({"host": "127.0.0.1.nip.io"}, "HOST: the demo listens on this machine only: leave it"),
        ({"database_url": REMOTE}, "DATABASE_URL and REDIS_URL: the demo uses this machine's own"),
        (
            {"redis_url": "redis://:hush@redis.example"},
            "DATABASE_URL and REDIS_URL: the demo uses this machine's own only.",
        ),
    ],
)
async def test_a_demo_that_others_could_reach_does_not_start(
    given: dict[str, str], sentence: str
) -> None:
    told: list[str] = []
    with pytest.raises(WrongSettings) as refused:
        await demo(load_settings(**given), told.append)
    assert str(refused.value).startswith(sentence)
    assert told == []


def test_a_demo_listens_on_this_machine_alone() -> None:
    assert load_settings().for_this_machine().host == "127.0.0.1"
    assert load_settings(host="::1").for_this_machine().host == "::1"


def test_this_machine_is_known_by_its_name_and_its_loopback_addresses() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.8.8.8", "::1")))
    assert not any(map(is_loopback, ("", "LOCALHOST.", "127.1", "0.0.0.0", "::", "::ffff:7f00:1")))
