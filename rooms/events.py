"""The events of a room, as they stand in its log and go on the wire, and the snapshot they make.

Times are UTC in ms since 1970.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from rooms.commands import Count, SeatRef, Wire
from rooms.phases import Phase, Role

Epoch = Annotated[int, Field(ge=0, le=2**30)]


class PhaseChanged(Wire):
    """The show entered a phase; `epoch` grows by one with each change."""

    type: Literal["phase.changed"] = "phase.changed"
    phase: Phase
    epoch: Epoch
    at: Count


class AirTaken(Wire):
    """This artist is what everybody sees (once live)."""

    type: Literal["air.taken"] = "air.taken"
    seat: SeatRef


class AirLeft(Wire):
    """Nobody is on air."""

    type: Literal["air.left"] = "air.left"
    seat: SeatRef


class Named(Wire):
    """A participant writes under this name."""

    type: Literal["named"] = "named"
    seat: SeatRef
    name: str


class LineWritten(Wire):
    """A line of conversation; `line` is its number in the room."""

    type: Literal["line.written"] = "line.written"
    line: Count
    seat: SeatRef
    role: Role
    name: str
    text: str
    at: Count


class LineHidden(Wire):
    """A line was taken away; clients forget its text."""

    type: Literal["line.hidden"] = "line.hidden"
    line: Count


class HelpAsked(Wire):
    """Host and the asker only."""

    type: Literal["help.asked"] = "help.asked"
    request: Count
    seat: SeatRef
    name: str
    at: Count


class HelpHandled(Wire):
    """Host and the asker only."""

    type: Literal["help.handled"] = "help.handled"
    request: Count
    seat: SeatRef


class SeatRemoved(Wire):
    """Hosts only; the removed one is told by the end of the socket (`bye`)."""

    type: Literal["seat.removed"] = "seat.removed"
    seat: SeatRef


class CompanyAsked(Wire):
    """The pair and the hosts only. Silence until `until` is a no."""

    type: Literal["company.asked"] = "company.asked"
    companion: SeatRef
    guest: SeatRef
    name: str
    at: Count
    until: Count


class CompanyAnswered(Wire):
    """The pair and the hosts only."""

    type: Literal["company.answered"] = "company.answered"
    companion: SeatRef
    guest: SeatRef
    answer: Literal["accepted", "declined", "silent"]


class CompanyEnded(Wire):
    """The pair and the hosts only."""

    type: Literal["company.ended"] = "company.ended"
    companion: SeatRef
    guest: SeatRef


Event = Annotated[
    PhaseChanged
    | AirTaken
    | AirLeft
    | Named
    | LineWritten
    | LineHidden
    | HelpAsked
    | HelpHandled
    | SeatRemoved
    | CompanyAsked
    | CompanyAnswered
    | CompanyEnded,
    Field(discriminator="type"),
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)


class Line(Wire):
    """A line as it stands in the snapshot; a hidden one keeps its number and loses its text."""

    line: Count
    seat: SeatRef
    role: Role
    name: str
    text: str
    at: Count
    hidden: bool = False


class HelpRequest(Wire):
    """An open request for help."""

    request: Count
    seat: SeatRef
    name: str
    at: Count


class Company(Wire):
    """One companion and their guest; `state` as in the companion's table."""

    companion: SeatRef
    guest: SeatRef
    name: str
    state: Literal["asked", "accepted", "declined", "silent", "ended"]
    until: Count
    asks: int = 1


class Snapshot(Wire):
    """A room as one viewer may see it. The host's is whole; others' leave out what is not theirs."""

    show: str
    phase: Phase
    epoch: Epoch
    phase_at: Count
    on_air: SeatRef | None = None
    names: dict[str, str] = Field(default_factory=dict)
    lines: tuple[Line, ...] = ()
    help: tuple[HelpRequest, ...] = ()
    company: tuple[Company, ...] = ()
    removed: tuple[SeatRef, ...] = ()
