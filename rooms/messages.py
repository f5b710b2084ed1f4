"""The wire: every command, event and server message of a room as a tagged model.

Client → server: `ClientMessage` (one JSON text frame each), tagged by `type`. Commands carry `id`, a
number of the client's own that comes back in `ack` or `error`; commands that write carry `key`, unique
for each intention, so that a resend after a reconnection changes nothing.

Server → client: `ServerMessage`. `event` wraps a numbered event of the log; snapshot + events equals a
fresh snapshot. Everything else is transient: presence, applause, the state of the stage, negotiation.

Times are UTC in ms since 1970. Undeclared fields are refused.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from rooms.phases import Phase, Role

SeatRef = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,64}$")]
CommandKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
LineText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Sdp = Annotated[str, StringConstraints(min_length=1, max_length=60_000)]


class Wire(BaseModel):
    """Base of everything on the wire: no unknown fields, frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Command(Wire):
    """Base of commands; `id` comes back in the reply."""

    id: int = Field(ge=0, le=2**53)


class WritingCommand(Command):
    """Base of commands that write rows; the same `key` again changes nothing."""

    key: CommandKey


# --- client → server -------------------------------------------------------------------------


class Hello(Command):
    """The first message: `after` is the last event number seen, None for a fresh snapshot."""

    type: Literal["hello"] = "hello"
    after: int | None = None


class SetName(WritingCommand):
    """The name to write under."""

    type: Literal["name.set"] = "name.set"
    name: Name


class WriteLine(WritingCommand):
    """A line of conversation."""

    type: Literal["line.write"] = "line.write"
    text: LineText


class HideLine(WritingCommand):
    """Host: hide a line for everybody."""

    type: Literal["line.hide"] = "line.hide"
    line: int


class Applaud(Command):
    """Clap; gathered, never stored. `claps` since the last one."""

    type: Literal["applaud"] = "applaud"
    claps: int = Field(default=1, ge=1, le=20)


class AskHelp(WritingCommand):
    """Pyydän apua."""

    type: Literal["help.ask"] = "help.ask"


class HandleHelp(WritingCommand):
    """Host: a request for help has been dealt with."""

    type: Literal["help.handle"] = "help.handle"
    request: int


class SetPhase(WritingCommand):
    """Host: the next phase."""

    type: Literal["phase.set"] = "phase.set"
    phase: Phase


class RemoveSeat(WritingCommand):
    """Host: take a participant out; the ticket admits no more."""

    type: Literal["seat.remove"] = "seat.remove"
    seat: SeatRef


class TakeAir(WritingCommand):
    """Artist: I am on air (counts once the show is live)."""

    type: Literal["air.take"] = "air.take"


class LeaveAir(WritingCommand):
    """Artist: I am off air."""

    type: Literal["air.leave"] = "air.leave"


class AskCompany(WritingCommand):
    """Companion: ask the guest (again, after silence)."""

    type: Literal["company.ask"] = "company.ask"


class AnswerCompany(WritingCommand):
    """Guest: yes or not now to the companion who asked."""

    type: Literal["company.answer"] = "company.answer"
    companion: SeatRef
    yes: bool


class EndCompany(WritingCommand):
    """Guest: Jatkan itsekseni. Companion: leave."""

    type: Literal["company.end"] = "company.end"
    companion: SeatRef


class MediaView(Command):
    """Ask the server for an offer; the reply is `media.offer`."""

    type: Literal["media.view"] = "media.view"


class MediaAnswer(Command):
    """The answer to a `media.offer`."""

    type: Literal["media.answer"] = "media.answer"
    session: str
    etag: str
    sdp: Sdp


class MediaPublish(Command):
    """Artist: an offer to send; the reply is `media.accepted`."""

    type: Literal["media.publish"] = "media.publish"
    sdp: Sdp


class MediaStop(Command):
    """End this connection's session (sending or receiving)."""

    type: Literal["media.stop"] = "media.stop"
    session: str


class MediaKeyframe(Command):
    """The picture stands still although packets come: ask for a keyframe."""

    type: Literal["media.keyframe"] = "media.keyframe"
    session: str


ClientMessage = Annotated[
    Hello
    | SetName
    | WriteLine
    | HideLine
    | Applaud
    | AskHelp
    | HandleHelp
    | SetPhase
    | RemoveSeat
    | TakeAir
    | LeaveAir
    | AskCompany
    | AnswerCompany
    | EndCompany
    | MediaView
    | MediaAnswer
    | MediaPublish
    | MediaStop
    | MediaKeyframe,
    Field(discriminator="type"),
]
CLIENT_MESSAGE: TypeAdapter[ClientMessage] = TypeAdapter(ClientMessage)


# --- events: rows of the log, numbered ----------------------------------------------------------


class PhaseChanged(Wire):
    """The show entered a phase; `epoch` grows by one with each change."""

    type: Literal["phase.changed"] = "phase.changed"
    phase: Phase
    epoch: int
    at: int


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
    line: int
    seat: SeatRef
    role: Role
    name: str
    text: str
    at: int


class LineHidden(Wire):
    """A line was taken away; clients forget its text."""

    type: Literal["line.hidden"] = "line.hidden"
    line: int


class HelpAsked(Wire):
    """Host and the asker only."""

    type: Literal["help.asked"] = "help.asked"
    request: int
    seat: SeatRef
    name: str
    at: int


class HelpHandled(Wire):
    """Host and the asker only."""

    type: Literal["help.handled"] = "help.handled"
    request: int
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
    at: int
    until: int


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


# --- the snapshot -----------------------------------------------------------------------------


class Line(Wire):
    """A line as it stands in the snapshot; a hidden one keeps its number and loses its text."""

    line: int
    seat: SeatRef
    role: Role
    name: str
    text: str
    at: int
    hidden: bool = False


class HelpRequest(Wire):
    """An open request for help."""

    request: int
    seat: SeatRef
    name: str
    at: int


class Company(Wire):
    """One companion and their guest; `state` as in the companion's table."""

    companion: SeatRef
    guest: SeatRef
    name: str
    state: Literal["asked", "accepted", "declined", "silent", "ended"]
    until: int
    asks: int = 1


class Snapshot(Wire):
    """A room as one viewer may see it. The host's is whole; others' leave out what is not theirs."""

    show: str
    phase: Phase
    epoch: int
    phase_at: int
    on_air: SeatRef | None = None
    names: dict[str, str] = Field(default_factory=dict)
    lines: tuple[Line, ...] = ()
    help: tuple[HelpRequest, ...] = ()
    company: tuple[Company, ...] = ()
    removed: tuple[SeatRef, ...] = ()


# --- server → client --------------------------------------------------------------------------


class SnapshotMessage(Wire):
    """The room now; events follow with numbers above `seq`. `you` is the reader's own seat."""

    type: Literal["snapshot"] = "snapshot"
    seq: int
    now: int
    you: SeatRef
    role: Role
    state: Snapshot


class EventMessage(Wire):
    """One event of the log. Numbers grow; a client sees only events that are for it."""

    type: Literal["event"] = "event"
    seq: int
    event: Event


class Ack(Wire):
    """The command with this `id` was carried out (and its rows committed)."""

    type: Literal["ack"] = "ack"
    id: int
    seq: int | None = None


class ErrorMessage(Wire):
    """The command with this `id` was refused, or (None) the message could not be read."""

    type: Literal["error"] = "error"
    id: int | None
    code: str
    status: int
    text: str


class Waiting(Wire):
    """Companion without a yes: all that is told. `asks_left` counts further asks."""

    type: Literal["waiting"] = "waiting"
    state: Literal["invited", "asked", "declined", "silent", "ended"]
    until: int | None = None
    asks_left: int = 0


class Person(Wire):
    """For the host: one seat of the room."""

    seat: SeatRef
    role: Role
    name: str
    here: bool


class PresenceMessage(Wire):
    """How many heads are in the hall; `people` for hosts only."""

    type: Literal["presence"] = "presence"
    heads: int
    people: tuple[Person, ...] | None = None


class ApplauseMessage(Wire):
    """Applause of the last second: claps and from how many seats. At most one a second."""

    type: Literal["applause"] = "applause"
    claps: int
    seats: int


class StageMessage(Wire):
    """Whether the feed on air is coming in: what the hall sees is `live`, `stalled` or `empty`."""

    type: Literal["stage"] = "stage"
    state: Literal["live", "stalled", "empty"]
    seat: SeatRef | None = None


class MediaOffer(Wire):
    """The server's offer to receive (reply to `media.view` with its `id`, or unasked with id None)."""

    type: Literal["media.offer"] = "media.offer"
    id: int | None
    session: str
    etag: str
    sdp: str


class MediaAccepted(Wire):
    """The answer to `media.publish`."""

    type: Literal["media.accepted"] = "media.accepted"
    id: int
    session: str
    sdp: str


class MediaEnded(Wire):
    """One of this seat's sessions is over: `reason` as in the relay's `SessionDown`."""

    type: Literal["media.ended"] = "media.ended"
    session: str
    reason: str


class Bye(Wire):
    """The last message: why, and after how many ms to come back (the client adds jitter; None: never)."""

    type: Literal["bye"] = "bye"
    reason: Literal["removed", "revoked", "moved", "restart", "slow", "ended"]
    back_ms: int | None = None


ServerMessage = Annotated[
    SnapshotMessage
    | EventMessage
    | Ack
    | ErrorMessage
    | Waiting
    | PresenceMessage
    | ApplauseMessage
    | StageMessage
    | MediaOffer
    | MediaAccepted
    | MediaEnded
    | Bye,
    Field(discriminator="type"),
]
SERVER_MESSAGE: TypeAdapter[ServerMessage] = TypeAdapter(ServerMessage)
