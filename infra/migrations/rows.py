"""Row-level security for migrations: every table with an organisation gets `protect(…)` where it is made.

Nothing of it exists on SQLite, where queries are narrowed by `rooms/scope.py` alone.
"""

from __future__ import annotations

from alembic import op

WHOSE = "current_setting('lampio.whose', true)"
"""An organisation's id, `*` for the house, `+` for what is public; without one there are no rows."""


def on_postgres() -> bool:
    """Whether this database has policies at all."""
    return op.get_bind().dialect.name == "postgresql"


def protect(table: str, *, column: str = "organisation", public: str | None = None) -> None:
    """Rows of `table` are there for their organisation and for the house; `public`: which ones
    (SQL over the table's columns) everybody may read."""
    if not on_postgres():
        return
    own = f"{WHOSE} = '*' OR \"{column}\" = {WHOSE}"
    op.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
    op.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')
    op.execute(f'CREATE POLICY own ON "{table}" USING ({own}) WITH CHECK ({own})')
    if public is not None:
        seen = f"{WHOSE} = '+' AND ({public})"
        op.execute(f'CREATE POLICY everybody ON "{table}" FOR SELECT USING ({seen})')


def unprotect(table: str) -> None:
    """The table as it was before `protect`."""
    if not on_postgres():
        return
    op.execute(f'DROP POLICY IF EXISTS everybody ON "{table}"')
    op.execute(f'DROP POLICY IF EXISTS own ON "{table}"')
    op.execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY')
    op.execute(f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY')
