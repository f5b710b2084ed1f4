"""A real PostgreSQL of the tests' own: a cluster in a folder, on a free port, gone at the end.

Root may not run the server, so it is run as the system's `postgres` there. Nothing survives a power
cut and nothing has to, so it never waits for the disk.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg

FOLDER = Path(os.environ.get("POSTGRES", "/usr/lib/postgresql"))
OWNER = "lampio"
MISSING = "PostgreSQL is missing: apt install postgresql (tests/system.sh does it)"
QUICK = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "jit": "off",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
}

EMPTY = """
DO $$
DECLARE name text;
BEGIN
    PERFORM pg_terminate_backend(pid, 5000) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid();
    DROP TABLE IF EXISTS numbers;
    SET LOCAL session_replication_role = replica;
    FOR name IN SELECT tablename FROM pg_tables
        WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    LOOP
        EXECUTE format('DELETE FROM %I', name);
    END LOOP;
END $$;
"""
"""In one journey; `numbers` is the table of tests/infra/test_database.py."""


def _program(name: str) -> str:
    found = sorted(FOLDER.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    program = str(found[-1]) if found else shutil.which(name)
    assert program, MISSING
    return program


def _as_whom() -> dict[str, Any]:
    """How a child is started: root hands over to the system's user of PostgreSQL."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise AssertionError("PostgreSQL does not run as root, and there is no user `postgres`")


class PostgresServer:
    """One cluster; `start` and `stop` may follow each other as often as a test likes."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._who = _as_whom()
        # Not below pytest's folders: those are closed to everybody else.
        self._folder = Path(tempfile.mkdtemp(prefix="lampio-postgres-"))
        if self._who:
            os.chown(self._folder, self._who["user"], self._who["group"])
        self._data = self._folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = 0
        made = subprocess.run(
            [
                _program("initdb"),
                *("-D", str(self._data), "-U", OWNER, "--auth=trust", "--no-sync"),
                *("-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"),
            ],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            **self._who,
        )
        assert made.returncode == 0, made.stderr

    def start(self, **settings: str) -> None:
        """Start the server and wait until it takes connections; `settings` replace the quick ones."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    _program("postgres"),
                    *("-D", str(self._data), "-p", str(self.port)),
                    *(f"--{name}={value}" for name, value in {**QUICK, **settings}.items()),
                ],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                **self._who,
            )
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.5).close()
                self.sql("SELECT 1")
                return
            except (OSError, asyncpg.PostgresError):
                assert self._process.poll() is None, self.log()
                assert time.monotonic() < until, self.log()
                time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: at once, clients are cut (SIGINT), or as in a crash (SIGQUIT)."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(20)
            self._process = None

    def remove(self) -> None:
        """Stop it and leave nothing behind."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def log(self) -> str:
        """What it wrote so far."""
        return (self._folder / "log").read_text("utf-8", "replace")

    def url(self, database: str, user: str = OWNER) -> str:
        """SQLAlchemy's address of a database."""
        return f"postgresql+asyncpg://{user}@127.0.0.1:{self.port}/{database}"

    def create(self, template: str = "template0") -> str:
        """A new database, as its template is; its name."""
        self._numbers += 1
        name = f"lampio_{self._numbers}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def sql(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Carry statements out as the cluster's owner; the last one's rows."""
        with ThreadPoolExecutor(1) as thread:  # the caller's may have a loop
            return thread.submit(asyncio.run, self._sql(statement, database)).result()

    def empty(self, database: str) -> None:
        """No row but the migrations' own, no table of a test's own, nobody connected."""
        self.sql(EMPTY, database)

    async def _sql(self, statement: str, database: str) -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=self.port, user=OWNER, database=database
        )
        try:
            if ";" in statement:
                await connection.execute(statement)
                return []
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()
