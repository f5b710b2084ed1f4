"""The database's own moment, as a part of statements: what processes compare with each other is read off
one clock, however theirs may step."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class Moment(FunctionElement[int]):
    """Now, in ms since 1970 UTC: PostgreSQL's clock; with SQLite the machine's, which all share."""

    inherit_cache = True
    type = BigInteger()


@compiles(Moment, "postgresql")
def _postgres(_element: Any, _compiler: Any, **_options: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"


@compiles(Moment, "sqlite")
def _sqlite(_element: Any, _compiler: Any, **_options: Any) -> str:
    return "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"
