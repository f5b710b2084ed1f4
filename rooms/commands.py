"""The wire from a client to the server: every command as a tagged model.

Undeclared fields are refused. `rooms.messages` has the whole of the wire.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
)

from rooms.phases import Phase
from rooms.written import plain_name, seen

SeatRef = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,64}$")]
CommandKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]


def _line(value: object) -> object:
    return seen(value) if isinstance(value, str) else value


def _name(value: object) -> object:
    return plain_name(value) if isinstance(value, str) else value


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=40),
    BeforeValidator(_name),
]
LineText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=1000),
    BeforeValidator(_line),
]
Count = Annotated[int, Field(ge=0, le=2**53)]
"""A number that every reader can hold, browsers too."""
Asked = Annotated[Count, Field(strict=True)]
"""A number that a client wrote as one."""
Sdp = Annotated[str, StringConstraints(min_length=1, max_length=60_000)]


class Wire(BaseModel):
    """Base of everything on the wire: no unknown fields, frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Command(Wire):
    """Base of commands; `id` comes back in the reply."""

    id: Asked


class WritingCommand(Command):
    """Base of commands that write rows; the same `key` again changes nothing."""

    key: CommandKey


class Hello(Command):
    """The first message: `after` is the last event number seen, None for a fresh snapshot."""

    type: Literal["hello"] = "hello"
    after: Annotated[int, Field(strict=True)] | None = None


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
    line: Asked


class Applaud(Command):
    """Clap; gathered, never stored. `claps` since the last one."""

    type: Literal["applaud"] = "applaud"
    claps: int = Field(default=1, ge=1, le=20, strict=True)


class AskHelp(WritingCommand):
    """Pyydän apua."""

    type: Literal["help.ask"] = "help.ask"


class HandleHelp(WritingCommand):
    """Host: a request for help has been dealt with."""

    type: Literal["help.handle"] = "help.handle"
    request: Asked


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
    yes: Annotated[bool, Field(strict=True)]


class EndCompany(WritingCommand):
    """Guest: Jatkan itsekseni. Companion: leave."""

    type: Literal["company.end"] = "company.end"
    companion: SeatRef


class MediaView(Command):
    """Ask the server for an offer; the reply is `media.offer`."""

    type: Literal["media.view"] = "media.view"


class MediaSegments(Command):
    """Ask for the show by segments, where the media's own way does not get through; the reply is
    `media.segments` with the address."""

    type: Literal["media.segments"] = "media.segments"


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


class MediaRestart(Command):
    """The way of a session's media is broken: look for another with new ICE names, the keys stay. Who
    receives gets a `media.offer` of the same session, to be answered; who sends encloses a new offer of
    that connection in `sdp` and gets `media.accepted`."""

    type: Literal["media.restart"] = "media.restart"
    session: str
    sdp: Sdp | None = None


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
    | MediaSegments
    | MediaAnswer
    | MediaPublish
    | MediaRestart
    | MediaStop
    | MediaKeyframe,
    Field(discriminator="type"),
]
CLIENT_MESSAGE: TypeAdapter[ClientMessage] = TypeAdapter(ClientMessage)
