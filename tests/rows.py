"""One row of each organisation in every table, whatever tables there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Connection, Integer, MetaData, Table, insert, select

CITIES = ("turku", "oulu")
Rows = dict[str, list[Mapping[str, Any]]]


def fill(connection: Connection, metadata: MetaData) -> None:
    """Fill all tables, what is referred to first; texts name their column, numbers are large."""
    for city in CITIES:
        made: dict[Column[Any], Any] = {}
        for table in metadata.sorted_tables:
            if table.name != "alembic_version":
                row = {column.name: _value(column, city, made) for column in table.columns}
                made |= {column: row[column.name] for column in table.columns}
                connection.execute(insert(table).values(row))


def _value(column: Column[Any], city: str, made: Mapping[Column[Any], Any]) -> Any:
    if column.foreign_keys:
        return made[next(iter(column.foreign_keys)).column]
    if column.name == "organisation" or (column.table.name, column.name) == ("organisation", "id"):
        return city
    if isinstance(column.type, JSON):
        return {"fi": city, "ä€": [1, None]}
    if isinstance(column.type, Boolean):
        return city == CITIES[0]
    if isinstance(column.type, Integer):
        return 2**31 - 1 - CITIES.index(city)
    return f"{city[0]}-{column.name}"[: getattr(column.type, "length", None)]


def read(connection: Connection, tables: Sequence[Table]) -> Rows:
    """All rows by table, in the order of their keys."""
    return {
        table.name: [
            dict(row)
            for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()
        ]
        for table in tables
    }
