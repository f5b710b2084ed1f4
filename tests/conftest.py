"""What every test stands on: no blocked loop, no task left behind, no unlisted log field."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Coroutine, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
import structlog
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from infra.clock import ManualClock
from infra.database import Database, migrate
from infra.logs import configure_logs
from infra.settings import Settings
from tests.lanes import Lanes
from tests.postgres import PostgresServer

BLOCKING_MS = 300
"""How long one step of the loop may take in a test, in ms of this thread's processor time."""

WAITING_FACTOR = 25
"""How many times longer a step may take by the wall clock: sleeping, a file, another process."""

TABLES = ("rooms.tables", "recordings.tables")
DATABASES = ("sqlite", "postgres")

T = TypeVar("T")


# The same examples each time, on a busy machine too; `HYPOTHESIS_PROFILE=wild` looks for new ones.
for _profile, _same in (("house", True), ("wild", False)):
    hypothesis_settings.register_profile(
        _profile, deadline=None, derandomize=_same, suppress_health_check=[HealthCheck.too_slow]
    )
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))


class _Stderr:
    """Whatever stderr is at the moment of writing; pytest replaces it for each test."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()

    def isatty(self) -> bool:
        return False


_dropped: list[str] = []


def _note_dropped(_: Any, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    _dropped.extend(fields.get("dropped", ()))
    return fields


def pytest_configure(config: pytest.Config) -> None:
    """Logs go to the stderr that pytest shows beside a failure."""
    configure_logs("info", "console", _Stderr())  # type: ignore[arg-type]  # all that is used of it
    *shared, last = structlog.get_config()["processors"]
    structlog.configure(processors=[*shared, _note_dropped, last])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Lanes:
    """Side by side, tests run in two lanes."""
    return Lanes(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What measures comes last, when nothing else runs any more; a second database only where it is due."""
    items[:] = [item for item in items if not _one_too_many(item)]
    items.sort(key=lambda item: item.get_closest_marker("measure") is not None)


def _one_too_many(item: pytest.Item) -> bool:
    kind = item.callspec.params.get("database_kind") if hasattr(item, "callspec") else None
    return kind == "postgres" and item.get_closest_marker("one_database") is not None


def pytest_collection_finish() -> None:
    """What the libraries made is no rubbish: without it a collection does not hold a loop up."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Nor is what a run of thousands of tests keeps: looked through between tests, not within one."""
    if gc.get_count()[2] or gc.get_count()[1] > 5:
        gc.collect()
        gc.freeze()


@pytest.fixture(autouse=True)
def _well_behaved(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Fail a test that blocked its loop, left a task behind or logged a field that is not listed."""
    marker = request.node.get_closest_marker("blocking_ms")
    limit_s = (marker.args[0] if marker else BLOCKING_MS) / 1000
    slow: list[str] = []
    left: list[str] = []
    # Both are asyncio's own and not in its types; there is no public place to watch from.
    run, cancel_all = asyncio.Handle._run, asyncio.runners._cancel_all_tasks  # type: ignore[attr-defined]

    def watched_run(handle: asyncio.Handle) -> None:
        wall, cpu = time.perf_counter(), time.thread_time()
        run(handle)
        cpu, wall = time.thread_time() - cpu, time.perf_counter() - wall
        if cpu > limit_s or wall > limit_s * WAITING_FACTOR:
            slow.append(f"{handle!r}: {cpu * 1000:.0f} ms of work in {wall * 1000:.0f} ms")

    def watched_cancel(loop: asyncio.AbstractEventLoop) -> None:
        left.extend(str(task) for task in asyncio.all_tasks(loop))
        cancel_all(loop)

    monkeypatch.setattr(asyncio.Handle, "_run", watched_run)
    monkeypatch.setattr(asyncio.runners, "_cancel_all_tasks", watched_cancel)
    _dropped.clear()
    yield
    if slow:
        pytest.fail("the event loop was blocked:\n" + "\n".join(slow), pytrace=False)
    if left and request.node.get_closest_marker("leaves_tasks") is None:
        pytest.fail("tasks were left behind:\n" + "\n".join(left), pytrace=False)
    if _dropped:
        pytest.fail(f"log fields that infra/logs.py does not list: {sorted(set(_dropped))}")


class Figures:
    """Figures that tests measured; printed at the end of the run, whether they passed or not."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def at_most(self, what: str, value: float, limit: float, unit: str) -> None:
        """Note a figure; fail at twice the limit, which is meant for a quiet machine."""
        self.lines.append(f"{what}: {value:.4g} {unit} (at most {limit:g})")
        assert value <= 2 * limit, self.lines[-1]

    def at_least(self, what: str, value: float, limit: float, unit: str) -> None:
        """Note a figure; fail at half the limit, which is meant for a quiet machine."""
        self.lines.append(f"{what}: {value:.4g} {unit} (at least {limit:g})")
        assert value >= limit / 2, self.lines[-1]

    def note(self, what: str, value: float, unit: str) -> None:
        """Note a figure that nothing depends on."""
        self.lines.append(f"{what}: {value:.4g} {unit}")


_figures = Figures()


@pytest.fixture
def figures() -> Figures:
    """Where measured figures go; see `Figures`."""
    return _figures


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker of a run side by side has ended: its figures join ours."""
    _figures.lines.extend(getattr(node, "workeroutput", {}).get("figures", ()))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands its figures over."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["figures"] = _figures.lines


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured."""
    if _figures.lines:
        terminalreporter.section("figures")
        for line in _figures.lines:
            terminalreporter.write_line(line)


def free_port() -> int:
    """A port that is free for TCP and for UDP."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            tcp.bind(("", 0))
            port = int(tcp.getsockname()[1])
            try:
                udp.bind(("", port))
            except OSError:
                continue
            return port


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The defaults on free ports, with a folder of their own; the environment is not read."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(name, raising=False)
    return Settings(
        _env_file=None,
        host="127.0.0.1",
        port=free_port(),
        media_port=free_port(),
        ops_port=free_port(),
        data_dir=tmp_path / "var",
    )


@pytest.fixture
def clock() -> ManualClock:
    """A clock that the test turns."""
    return ManualClock()


@pytest.fixture(params=DATABASES)
def database_kind(request: pytest.FixtureRequest) -> str:
    """Whoever gets a database gets one of each kind in turn; marked `one_database`, SQLite alone."""
    return str(request.param)


def beside(step: Coroutine[Any, Any, T]) -> T:
    """Carry it out in a loop of another thread, whether or not this thread has one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, step).result()


@pytest.fixture(scope="session")
def _empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("database") / "empty.sqlite3"
    beside(migrate(f"sqlite+aiosqlite:///{path}", TABLES))
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A real PostgreSQL of this run's (with xdist: this worker's) own."""
    server = PostgresServer(free_port())
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def shared_postgres(postgres_server: PostgresServer) -> str:
    """A database that all tests use in turn; emptying takes a tenth of the time of making one."""
    name = postgres_server.create()
    beside(migrate(postgres_server.url(name), TABLES))
    return name


@pytest.fixture
def database_url(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A database with all tables, as migrations make them, and no row: an SQLite file or PostgreSQL."""
    if database_kind == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        name: str = request.getfixturevalue("shared_postgres")
        server.empty(name)
        return server.url(name)
    path = tmp_path / "lampio.sqlite3"
    shutil.copyfile(request.getfixturevalue("_empty_database"), path)
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with all tables and no row."""
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis of the tests' own; its URL."""
    program = shutil.which("redis-server")
    assert program, "redis-server is missing: apt install redis-server"
    port = free_port()
    folder = tmp_path_factory.mktemp("redis")
    process = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 0.1).close()
                break
            except OSError:
                time.sleep(0.02)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)
