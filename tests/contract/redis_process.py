"""A Redis of a test's own, that it may kill, pause and start again."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path


class RedisProcess:
    """One server on one port; `start` and `kill` as often as one likes."""

    def __init__(self, port: int, folder: Path, *options: str) -> None:
        self.url = f"redis://127.0.0.1:{port}/0"
        self._port = port
        program = shutil.which("redis-server")
        assert program, "redis-server is missing: apt install redis-server"
        self._command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        self._command += ["--dir", str(folder), *options]
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        self._spawn()
        end = time.monotonic() + 20
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            assert time.monotonic() < end, "redis-server does not listen"
            await asyncio.sleep(0.02)

    def _spawn(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        """As if the machine lost its power; idempotent."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """It stands still within the block: connections stay open, nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)


async def took(work: Callable[[], Awaitable[object]]) -> float:
    """How many seconds it took, whatever came of it."""
    begun = time.perf_counter()
    await work()
    return time.perf_counter() - begun
