"""Every table says how long its rows stay and whose they are."""

from __future__ import annotations

import pytest
from sqlalchemy import Table

from infra.database import Base
from rooms import tables

OURS = [
    row.__table__
    for row in vars(tables).values()
    if isinstance(row, type) and issubclass(row, Base) and row is not Base
]
OF_NOBODY = {"organisation", "node", "device", "device_secret"}


@pytest.mark.parametrize("table", OURS, ids=str)
def test_a_table_has_a_retention_class(table: Table) -> None:
    assert table.info["retention"]


@pytest.mark.parametrize("table", OURS, ids=str)
def test_a_row_of_an_organisation_names_it(table: Table) -> None:
    assert ("organisation" in table.columns) == (table.name not in OF_NOBODY)


@pytest.mark.parametrize("table", OURS, ids=str)
def test_no_column_could_hold_a_secret_in_clear(table: Table) -> None:
    assert not {"secret", "password", "token"} & set(table.columns.keys())
