"""A disk of the tests' own that is really full: a small file system in memory."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_BLOCK = 64 * 1024


@dataclass(frozen=True)
class Full:
    """A folder on a disk of its own."""

    folder: Path

    def fill(self, leaving_kb: int = 0) -> None:
        """Fill it up but for so much."""
        with self._ballast.open("ab", buffering=0) as file:
            while (free := self.free_kb - leaving_kb) > 0:
                try:
                    file.write(bytes(min(_BLOCK, free * 1024)))
                except OSError:
                    return

    def empty(self) -> None:
        """Make room again."""
        self._ballast.unlink(missing_ok=True)

    @property
    def free_kb(self) -> int:
        """What is free now."""
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize // 1024

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"


@contextmanager
def full_disk(folder: Path, *, size_kb: int) -> Iterator[Full]:
    """A file system of this size at `folder`; skips where this user may not mount one."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a file system of its own needs root")
    try:
        yield Full(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
