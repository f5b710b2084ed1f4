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

from pydantic import Field, TypeAdapter

from rooms.commands import (
    CLIENT_MESSAGE,
    AnswerCompany,
    Applaud,
    AskCompany,
    AskHelp,
    ClientMessage,
    Command,
    CommandKey,
    EndCompany,
    HandleHelp,
    Hello,
    HideLine,
    LeaveAir,
    LineText,
    MediaAnswer,
    MediaKeyframe,
    MediaPublish,
    MediaRestart,
    MediaSegments,
    MediaStop,
    MediaView,
    Name,
    RemoveSeat,
    Sdp,
    SeatRef,
    SetName,
    SetPhase,
    TakeAir,
    Wire,
    WriteLine,
    WritingCommand,
)
from rooms.events import (
    EVENT,
    AirLeft,
    AirTaken,
    Company,
    CompanyAnswered,
    CompanyAsked,
    CompanyEnded,
    Event,
    HelpAsked,
    HelpHandled,
    HelpRequest,
    Line,
    LineHidden,
    LineWritten,
    Named,
    PhaseChanged,
    SeatRemoved,
    Snapshot,
)
from rooms.phases import Role

__all__ = [
    "CLIENT_MESSAGE",
    "EVENT",
    "SERVER_MESSAGE",
    "Ack",
    "AirLeft",
    "AirTaken",
    "AnswerCompany",
    "Applaud",
    "ApplauseMessage",
    "AskCompany",
    "AskHelp",
    "Bye",
    "ClientMessage",
    "Command",
    "CommandKey",
    "Company",
    "CompanyAnswered",
    "CompanyAsked",
    "CompanyEnded",
    "EndCompany",
    "ErrorMessage",
    "Event",
    "EventMessage",
    "HandleHelp",
    "Hello",
    "HelpAsked",
    "HelpHandled",
    "HelpRequest",
    "HideLine",
    "LeaveAir",
    "Line",
    "LineHidden",
    "LineText",
    "LineWritten",
    "MediaAccepted",
    "MediaAnswer",
    "MediaEnded",
    "MediaKeyframe",
    "MediaOffer",
    "MediaPublish",
    "MediaRestart",
    "MediaSegments",
    "MediaSegmentsAt",
    "MediaStop",
    "MediaView",
    "Name",
    "Named",
    "Person",
    "PhaseChanged",
    "PresenceMessage",
    "RecordingMessage",
    "RemoveSeat",
    "Sdp",
    "SeatRef",
    "SeatRemoved",
    "ServerMessage",
    "SetName",
    "SetPhase",
    "Snapshot",
    "SnapshotMessage",
    "StageMessage",
    "TakeAir",
    "Waiting",
    "Wire",
    "WriteLine",
    "WritingCommand",
]


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


class RecordingMessage(Wire):
    """To hosts alone: what is wrong with the show's recording just now; null: nothing, or none is made.

    `disk_full`: what comes now is not kept; `storage_away`: it is kept, but still waits at the server;
    `disk_low`: there will soon be no room.
    """

    type: Literal["recording"] = "recording"
    trouble: Literal["disk_full", "storage_away", "disk_low"] | None


class MediaOffer(Wire):
    """The server's offer to receive (reply to `media.view` or `media.restart` with its
    `id`, or unasked with id None)."""

    type: Literal["media.offer"] = "media.offer"
    id: int | None
    session: str
    etag: str
    sdp: str


class MediaAccepted(Wire):
    """The answer to `media.publish`, or to `media.restart` with an `sdp`."""

    type: Literal["media.accepted"] = "media.accepted"
    id: int
    session: str
    sdp: str


class MediaSegmentsAt(Wire):
    """Where the show is by segments, for this seat alone: the address of an HLS playlist."""

    type: Literal["media.segments"] = "media.segments"
    id: int
    url: str


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
    | RecordingMessage
    | MediaOffer
    | MediaAccepted
    | MediaSegmentsAt
    | MediaEnded
    | Bye,
    Field(discriminator="type"),
]
SERVER_MESSAGE: TypeAdapter[ServerMessage] = TypeAdapter(ServerMessage)
