"""Write a migration: `python -m infra.migrations "what changes" module-with-tables …`.

It brings an empty database to the newest form and writes down what the models have beyond it.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from alembic import command
from sqlalchemy import Connection, create_engine

from infra.database import alembic_config, migrate


def main(message: str, modules: list[str]) -> None:
    """Write the file; its name begins with the next number."""
    versions = Path(__file__).parent / "versions"
    number = 1 + sum(1 for path in versions.glob("[0-9]*.py"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "now.sqlite3"
        asyncio.run(migrate(f"sqlite+aiosqlite:///{path}", modules))
        engine = create_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            _revise(connection, message, f"{number:04}", modules)
        engine.dispose()


def _revise(connection: Connection, message: str, number: str, modules: list[str]) -> None:
    config = alembic_config(modules)
    config.attributes["connection"] = connection
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    command.revision(config, message, autogenerate=True, rev_id=number)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
