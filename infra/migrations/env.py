"""Alembic's entry: imports the modules that declare tables, by the names it is given."""

from __future__ import annotations

from importlib import import_module

from alembic import context

from infra.database import Base

for _name in context.config.attributes["modules"]:
    import_module(_name)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
