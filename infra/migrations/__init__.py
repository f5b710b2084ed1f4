"""Alembic: one file a change."""
