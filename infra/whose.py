"""Whose rows a unit of work may touch: one organisation's, what is public, or all for the house itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Whose:
    """Said at the begin of every unit of work; PostgreSQL then holds its statements to it.

    `kind` is `organisation`, `public`, `house`, or the name of a table: then `key` is a row's key, and
    the rows are those of the organisation that this row belongs to (without such a row: none).
    """

    kind: str
    key: str = ""


HOUSE = Whose("house")
"""All rows: what the house itself sweeps through or looks up across organisations."""

PUBLIC = Whose("public")
"""What everybody may see of all organisations, to read only."""


def organisation(organisation_id: str) -> Whose:
    """The rows of one organisation."""
    return Whose("organisation", organisation_id)


NONE = Whose("organisation")
"""No organisation's: devices and nodes."""
