"""Servers forked from one process that has imported everything: a start costs a fifth of a new interpreter's.

    python -m tests.evening.forked     reads a JSON line for each server, tells births and deaths as lines

A forked server runs `lampio serve` as the command line does, with an environment and a log of its own.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from web import cli

ROOT = Path(__file__).parents[2]
LOOK_S = 0.01


class Forked:
    """One forked server, handled as a child process is."""

    def __init__(self, pid: int, codes: dict[int, int]) -> None:
        self.pid = pid
        self._codes = codes

    @property
    def returncode(self) -> int | None:
        """Its exit code, minus the signal that killed it, None while it lives."""
        return self._codes.get(self.pid)

    def send_signal(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        """Wait until it has ended; its exit code."""
        while (code := self.returncode) is None:
            await asyncio.sleep(LOOK_S)
        return code


class Nursery:
    """The process that forks, started with the first server and ended with the tests."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._born: queue.Queue[int] = queue.Queue()
        self._codes: dict[int, int] = {}

    def fork(self, environment: Mapping[str, str], log: Path) -> Forked:
        """A new server; what it writes goes into `log`. Blocks for a moment, at first for seconds."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.evening.forked"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            threading.Thread(target=self._listen, daemon=True, name="nursery").start()
            atexit.register(self._end)
        assert self._process.stdin is not None
        wish = {"environment": dict(environment), "log": str(log)}
        self._process.stdin.write(json.dumps(wish) + "\n")
        self._process.stdin.flush()
        return Forked(self._born.get(timeout=60), self._codes)

    def _listen(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            pid, _, code = line.partition(" ")
            if code.strip():
                self._codes[int(pid)] = int(code)
            else:
                self._born.put(int(pid))

    def _end(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


NURSERY = Nursery()


def _say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def _bury(*_: object) -> None:
    """Tell of every child that has ended (a handler of SIGCHLD)."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _say(f"{pid} {os.waitstatus_to_exitcode(status)}")


def _serve(wish: Mapping[str, Mapping[str, str]], log: str) -> None:
    """Be a server from here on."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(wish["environment"])
    into = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (into, 1), (into, 2)):
        os.dup2(source, target)
    cli.app(["serve"])


def main() -> None:
    """Fork as often as asked, until nobody is there to ask."""
    signal.signal(signal.SIGCHLD, _bury)
    # Not by `for line in stdin`: a child must not inherit what was read ahead.
    while line := sys.stdin.readline():
        wish = json.loads(line)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        pid = os.fork()
        if pid == 0:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            _serve(wish, wish["log"])
        _say(str(pid))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})


if __name__ == "__main__":
    main()
