"""A device that sleeps: all processes of one browser stand still, and nobody tells the server."""

from __future__ import annotations

import os
import signal
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Sleeper:
    """Give `argument` to the browser; then it can be put to sleep and woken."""

    mark: str = field(default_factory=lambda: f"--lampio-device={uuid.uuid4().hex}")

    @property
    def argument(self) -> str:
        """By which the browser's first process is known again."""
        return self.mark

    def sleep(self) -> None:
        """Nothing of it runs from now on."""
        self._tell(signal.SIGSTOP)

    def wake(self) -> None:
        """It goes on as if nothing had been."""
        self._tell(signal.SIGCONT)

    def _tell(self, number: signal.Signals) -> None:
        found = self._processes()
        assert found, "the browser runs"
        for pid in found:
            os.kill(pid, number)

    def _processes(self) -> list[int]:
        children: defaultdict[int, list[int]] = defaultdict(list)
        first: set[int] = set()
        for folder in Path("/proc").iterdir():
            if not folder.name.isdecimal():
                continue
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                command = (folder / "cmdline").read_bytes()
            except OSError:
                continue  # it has ended meanwhile
            children[parent].append(int(folder.name))
            if self.mark.encode() in command.split(b"\0"):
                first.add(int(folder.name))
        found, waiting = set[int](), list(first)
        while waiting:
            pid = waiting.pop()
            if pid not in found:
                found.add(pid)
                waiting += children[pid]
        return sorted(found)
