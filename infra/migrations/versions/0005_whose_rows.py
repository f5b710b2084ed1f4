"""Whose rows: PostgreSQL shows each unit of work those of its organisation alone"""

from __future__ import annotations

from alembic import op

from infra.migrations.rows import on_postgres, protect, unprotect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = (
    *("ticket", "seat", "secret", "room_event", "due", "audit", "room_order", "revocation"),
    *("take", "archive_step", "recording_answer"),
)
# What the catalogue shows to everybody.
PUBLIC = {
    "show": "EXISTS (SELECT FROM room r WHERE r.id = show.id AND r.phase <> 'draft')",
    "room": "phase <> 'draft'",
    "recording": "status = 'ready'",
    "publication": "audience = 'public' AND withdrawn_ms IS NULL",
}

# A role without login and without any right but to the rows, for connections whose own role would
# pass policies by. It belongs to the whole cluster: another database of the house may have made it,
# and may still need it when this one goes back.
ROLE = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lampio_rows') THEN
        CREATE ROLE lampio_rows NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
    END IF;
    IF NOT pg_has_role(current_user, 'lampio_rows', 'MEMBER') THEN
        EXECUTE format('GRANT lampio_rows TO %I', current_user);
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO lampio_rows', current_schema());
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO lampio_rows',
        current_schema());
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I'
        ' GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO lampio_rows', current_schema());
    EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON %I.alembic_version FROM lampio_rows',
        current_schema());
EXCEPTION
    -- An owner who may make no roles needs none: policies bind him.
    WHEN insufficient_privilege THEN NULL;
    -- Another database of the cluster migrates at this moment.
    WHEN duplicate_object OR unique_violation THEN
        RAISE EXCEPTION 'the role lampio_rows is being made elsewhere: migrate again';
END $$
"""

ENTER = """
CREATE FUNCTION lampio_enter(kind text, key text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    whose text;
BEGIN
    IF kind = 'house' THEN whose := '*';
    ELSIF kind = 'public' THEN whose := '+';
    ELSIF kind = 'organisation' THEN whose := key;
    ELSE
        PERFORM set_config('lampio.whose', '*', true);
        EXECUTE format('SELECT organisation FROM %I WHERE %I = $1', kind,
            CASE kind WHEN 'secret' THEN 'digest' WHEN 'publication' THEN 'prefix' ELSE 'id' END)
            INTO whose USING key;
    END IF;
    IF kind NOT IN ('house', 'public') AND whose IN ('*', '+') THEN
        RAISE EXCEPTION 'no organisation has such an id';
    END IF;
    PERFORM set_config('lampio.whose', coalesce(whose, ''), true);
END $$
"""


def upgrade() -> None:
    """Go on to this form."""
    if not on_postgres():
        return
    op.execute(ROLE)
    op.execute(ENTER)
    for table in TABLES:
        protect(table)
    for table, public in PUBLIC.items():
        protect(table, public=public)
    # An organisation's own row: its id is whose it is, its words are on every page.
    protect("organisation", column="id", public="true")


def downgrade() -> None:
    """Go back to the form before."""
    if not on_postgres():
        return
    for table in ("organisation", *PUBLIC, *TABLES):
        unprotect(table)
    op.execute("DROP FUNCTION lampio_enter(text, text)")
    op.execute("""
        DO $$ BEGIN
            EXECUTE 'DROP OWNED BY lampio_rows';
        EXCEPTION WHEN undefined_object OR insufficient_privilege THEN NULL;
        END $$
    """)
