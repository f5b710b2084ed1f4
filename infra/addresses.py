"""Which addresses of the settings may be used: the public origin, databases, this machine alone.

Each check raises ValueError with the end of a sentence that begins with the setting's name. None tells
the address itself: it may hold a password.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names that browsers take for this machine."""

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
_USUAL_PORTS = {"http": 80, "https": 443}
_SHAPE = "must be an address such as https://lampio.example, without a path"
_REDIS = "must be an address such as redis://:password@redis.example:6379/0"
_OPEN = "needs a password in its address, since the server is not on this machine"
_DRIVERS = ("sqlite+aiosqlite", "postgresql+asyncpg")


def is_loopback(host: str) -> bool:
    """Whether the host is this machine: localhost or a loopback address, written as such. A name that
    only begins or ends like one is not, nor is one with a full stop at its end."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def origin(value: str) -> str:
    """The address as browsers write an Origin; https unless it is this machine."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError(_SHAPE) from None
    host = parts.hostname or ""
    more = parts.query or parts.fragment or value.rstrip("/").endswith(("?", "#"))
    if (
        parts.scheme not in _USUAL_PORTS
        or parts.path not in ("", "/")
        or parts.username is not None
        or more
        or not _is_host(host)
    ):
        raise ValueError(_SHAPE)
    if parts.scheme == "http" and host not in LOCAL:
        raise ValueError("must begin with https:// unless it is localhost")
    usual = port in (None, _USUAL_PORTS[parts.scheme])
    return f"{parts.scheme}://{_bracketed(host)}" + ("" if usual else f":{port}")


def carrier(value: str) -> str:
    """A Redis address: redis://, rediss:// or unix://; with a password unless it is this machine."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise ValueError(_REDIS) from None
    if "sentinel" in parts.scheme or "cluster" in parts.scheme:
        raise ValueError("must name one Redis: Sentinel and Cluster are not supported")
    if parts.scheme == "unix":
        if not parts.path.startswith("/") or (parts.hostname or ""):
            raise ValueError("must name the socket as unix:///run/redis/redis.sock")
        return _without_options(parts, value, r"(db=\d+)?")
    if parts.scheme not in ("redis", "rediss"):
        raise ValueError("must begin with redis://, rediss:// or unix://")
    if not parts.hostname or not re.fullmatch(r"/?\d*", parts.path):
        raise ValueError(_REDIS)
    if not is_loopback(unquote(parts.hostname)) and not parts.password:
        raise ValueError(_OPEN)
    return _without_options(parts, value, "")


def database(value: str) -> str:
    """A database address; PostgreSQL with a password unless it is this machine."""
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        raise ValueError("is no address of a database") from None
    if url.drivername not in _DRIVERS:
        raise ValueError("must begin with " + ":// or ".join(_DRIVERS) + "://")
    if url.drivername.startswith("sqlite"):
        return value
    hosts = _hosts(url)
    if not hosts:
        raise ValueError("must name a host or the folder of a socket (?host=/run/postgresql)")
    if not all(host.startswith("/") or is_loopback(host) for host in hosts):
        password = url.password or url.query.get("password")
        if not password:
            raise ValueError(_OPEN)
    return value


def is_elsewhere(database_url: str, redis_url: str) -> bool:
    """Whether one of these (checked) addresses is of another machine."""
    url = make_url(database_url)
    hosts = () if url.drivername.startswith("sqlite") else _hosts(url)
    redis = urlsplit(redis_url)
    if redis.scheme.startswith("redis"):
        hosts = (*hosts, redis.hostname or "")
    return not all(host.startswith("/") or is_loopback(host) for host in hosts)


def _hosts(url: URL) -> tuple[str, ...]:
    """Every host that the driver may turn to."""
    asked = url.query.get("host", ())
    several = (asked,) if isinstance(asked, str) else asked
    found = [url.host or "", *(part for one in several for part in one.split(","))]
    return tuple(_without_port(host) for host in found if host)


def _without_port(host: str) -> str:
    return host if host.startswith("/") or host.count(":") != 1 else host.partition(":")[0]


def _without_options(parts: SplitResult, value: str, allowed: str) -> str:
    if parts.fragment or not re.fullmatch(allowed, parts.query):
        raise ValueError("takes no options after its address")
    return value


def _is_host(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        labels = host.split(".")
        # What ends in a number browsers take for an IPv4 address, however it is written.
        return all(map(_LABEL.fullmatch, labels)) and not _NUMBER.fullmatch(labels[-1])
    return "%" not in host


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
