"""Room on the spool's disk: looked at before it is full, and a part of it left to the house."""

from __future__ import annotations

import errno
import os
from pathlib import Path

MB = 1 << 20
LOW = 2048 * MB
"""Below this the host is told: at 2.5 Mb/s it is about two hours of one show."""
RESERVE = 256 * MB
"""This much is never recorded into: the database on the same disk goes on writing."""


class Disk:
    """The disk under `folder`, which need not exist yet. All of it may be asked from any thread."""

    def __init__(self, folder: Path, *, low: int = LOW, reserve: int = RESERVE) -> None:
        self.folder = folder
        self._low = low
        self._reserve = reserve
        self.free: int | None = None
        """Free bytes at the last look; None before the first, or where the disk did not say."""

    @property
    def full(self) -> bool:
        """Whether there was no room for a recording at the last look."""
        return self.free is not None and self.free < self._reserve

    @property
    def low(self) -> bool:
        """Whether there was little room at the last look."""
        return self.free is not None and self.free < self._low

    def look(self) -> None:
        """See how much is free. Blocks as long as the disk does."""
        whole = self.folder.absolute()
        for folder in (whole, *whole.parents):
            try:
                found = os.statvfs(folder)
            except FileNotFoundError:
                continue
            except OSError:
                break
            self.free = found.f_bavail * found.f_frsize
            return
        self.free = None

    def demand(self) -> None:
        """Look, and raise OSError (ENOSPC) where there is no room for a recording."""
        self.look()
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
