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

SeatRef = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,64}$")]
CommandKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]

_UNSEEN = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\xad\\u061c\\u200b\\u200e\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff]"
)


def seen(value: object) -> object:
    """Text without what has no picture: controls, signs that turn the direction of writing, empty
    spaces. By them a name or a line would look like another's, or like none."""
    return _UNSEEN.sub("", value) if isinstance(value, str) else value


def on_one_line(value: object) -> object:
    """A name, with spaces in place of ends of lines."""
    return " ".join(value.split()) if isinstance(value, str) else value


# Pydantic asks the last of these first.
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=40),
    BeforeValidator(on_one_line),
    BeforeValidator(seen),
]
LineText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=1000),
    BeforeValidator(seen),
]
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
