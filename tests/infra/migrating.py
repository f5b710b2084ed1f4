"""A migration that is killed: `python -m tests.infra.migrating DATABASE_URL STATEMENTS`."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
from typing import Any

from sqlalchemy import Engine, event

from infra.database import migrate

TABLES = ("rooms.tables", "recordings.tables")


def main(url: str, after: int) -> None:
    """Migrate until so many statements were carried out."""
    numbers = itertools.count(1)

    def count(*_: Any) -> None:
        if next(numbers) == after:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "after_cursor_execute", count)
    asyncio.run(migrate(url, TABLES))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
