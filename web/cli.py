"""`lampio`: parse, call, tell. No logic of its own."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Awaitable, Callable, Coroutine
from typing import Annotated, Any

import typer
import uvloop

from infra.clock import SystemClock
from infra.database import Database, migrate
from infra.errors import LampioError
from infra.logs import configure_logs
from infra.settings import Settings, WrongSettings, load_settings
from infra.storage import open_storage
from recordings.catalogue import Recordings
from rooms import orders
from rooms.phases import Phase, Role
from rooms.scope import Scope
from rooms.seats import Seats
from rooms.shows import Shows
from web.demo import demo as run_demo
from web.main import TABLES
from web.main import serve as run_server
from web.seed import seed as put_programme

app = typer.Typer(
    help="Lämpiö: a house for live shows.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
show_app = typer.Typer(help="Shows and their phases.", no_args_is_help=True)
ticket_app = typer.Typer(help="Tickets.", no_args_is_help=True)
app.add_typer(show_app, name="show")
app.add_typer(ticket_app, name="ticket")

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


def tell(found: Any, as_json: bool, lines: list[str]) -> None:
    """Print the answer in the form that was asked for."""
    typer.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(lines))


def settings_or_end() -> Settings:
    """The settings, or an end with one sentence for each wrong one.

    From here on what is written is for our own user alone: it holds names and conversation.
    """
    os.umask(0o077)
    try:
        return load_settings()
    except WrongSettings as wrong:
        raise _end(wrong.sentences) from None


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a piece of work; an error of ours ends with its sentence."""
    try:
        return uvloop.run(work)
    except WrongSettings as wrong:
        raise _end(wrong.sentences) from None
    except LampioError as error:
        raise _end([f"{error.code}: {error}"]) from None
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise _end(["PORT or OPS_PORT is in use by another program: choose another."]) from None


def _end(sentences: list[str]) -> typer.Exit:
    for sentence in sentences:
        typer.echo(sentence, err=True)
    return typer.Exit(2)


@app.command()
def serve() -> None:
    """Serve pages, rooms and media until Ctrl-C or SIGTERM."""
    settings = settings_or_end()
    configure_logs(settings.log_level, settings.log_format)
    run(run_server(settings))


@app.command()
def demo(
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget what an earlier demo wrote.")
    ] = False,
    as_json: Json = False,
) -> None:
    """A whole house on this machine, with two evenings under way."""
    settings = settings_or_end()
    configure_logs("warning", "console")
    tell_line = (lambda line: typer.echo(json.dumps({"line": line}))) if as_json else typer.echo
    run(run_demo(settings, tell_line, fresh=fresh))


@app.command("migrate")
def migrate_database(as_json: Json = False) -> None:
    """Bring the database to the newest form."""
    settings = settings_or_end()
    run(migrate(settings.database_url, TABLES))
    tell({"migrated": True}, as_json, ["The database is up to date."])


@app.command()
def seed(as_json: Json = False) -> None:
    """Put the demo's programme into the catalogue; shows nobody touched get new dates."""
    settings = settings_or_end()

    async def work() -> int:
        database = Database(settings.database_url)
        try:
            shows = Shows(database, SystemClock())
            await put_programme(shows)
            return len(await shows.catalogue(Scope.public()))
        finally:
            await database.close()

    count = run(work())
    tell({"shows": count}, as_json, [f"{count} shows are in the catalogue."])


@show_app.command("list")
def show_list(as_json: Json = False) -> None:
    """All shows of the catalogue with their phases."""
    settings = settings_or_end()

    async def work() -> list[dict[str, Any]]:
        database = Database(settings.database_url)
        try:
            return [
                {
                    "id": show.id,
                    "phase": show.phase.value,
                    "starts_at": show.starts_at.isoformat(),
                    "organisation": show.organisation,
                    "title": show.title["fi"],
                }
                for show in await Shows(database, SystemClock()).catalogue(Scope.public())
            ]
        finally:
            await database.close()

    found = run(work())
    lines = [f"{s['phase']:10} {s['starts_at'][:16]}  {s['id']:32} {s['title']}" for s in found]
    tell(found, as_json, lines)


@show_app.command("phase")
def show_phase(show: str, phase: Phase, as_json: Json = False) -> None:
    """Set a show's phase, through the running server if there is one."""
    settings = settings_or_end()
    run(orders.set_phase(settings.database_url, show, phase))
    tell({"show": show, "phase": phase.value}, as_json, [f"{show} is now in phase {phase.value}."])


@show_app.command("publish")
def show_publish(show: str, as_json: Json = False) -> None:
    """Say yes to a show's recording: it becomes public."""
    _with_recordings(lambda recordings: recordings.publish(show))
    tell({"show": show, "published": True}, as_json, [f"The recording of {show} is public."])


@show_app.command("hide")
def show_hide(show: str, as_json: Json = False) -> None:
    """Hide a show's recording now, until `publish` shows it again; its address ends for good."""
    _with_recordings(lambda recordings: recordings.hide(show))
    tell({"show": show, "published": False}, as_json, [f"The recording of {show} is hidden."])


def _with_recordings(act: Callable[[Recordings], Awaitable[Any]]) -> None:
    settings = settings_or_end()

    async def work() -> None:
        database = Database(settings.database_url)
        try:
            await act(Recordings(database, open_storage(settings.storage_url), SystemClock()))
        finally:
            await database.close()

    run(work())


@ticket_app.command("issue")
def ticket_issue(
    show: str,
    role: Annotated[Role, typer.Option(help="What its holder is in the room.")],
    companion_of: Annotated[
        str | None, typer.Option(help="The guest's ticket, for a companion.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The name that the room shows.")] = None,
    as_json: Json = False,
) -> None:
    """Issue a ticket and print its link; the link is shown this once."""
    settings = settings_or_end()

    async def work() -> dict[str, str]:
        database = Database(settings.database_url)
        try:
            clock = SystemClock()
            found = await Shows(database, clock).get(show)
            issued = await Seats(database, clock).issue(
                Scope(found.organisation), show, role, name=name, companion_of=companion_of
            )
            link = f"{settings.public_url}/t/{issued.secret}"
            return {"ticket": issued.ticket, "seat": issued.seat, "link": link}
        finally:
            await database.close()

    made = run(work())
    tell(made, as_json, [f"ticket {made['ticket']}", made["link"]])


@ticket_app.command("revoke")
def ticket_revoke(ticket: str, as_json: Json = False) -> None:
    """End a ticket: its holders leave the room within a second."""
    settings = settings_or_end()
    run(orders.revoke(settings.database_url, ticket))
    tell({"ticket": ticket, "revoked": True}, as_json, [f"Ticket {ticket} is revoked."])


def main() -> None:
    """The entry point of `lampio`."""
    app()


if __name__ == "__main__":
    main()
