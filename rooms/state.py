"""The room as events make it, and what of it one viewer may see. Pure.

The rule that holds pages and server together: for every viewer, the snapshot they had plus the events
that are `visible` to them is the snapshot they would get afresh. `web/static/js/room.js` has the same
`reduce`, tried on the same cases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra.errors import Conflict, Forbidden
from rooms.companions import CompanyState, asks_left
from rooms.messages import (
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
    Waiting,
)
from rooms.phases import Phase, Role

LINES_KEPT = 200
"""Lines of conversation in a snapshot; older ones stay in the log alone."""


def empty(show: str) -> Snapshot:
    """The room before its first event."""
    return Snapshot(show=show, phase=Phase.DRAFT, epoch=0, phase_at=0)


def reduce(state: Snapshot, event: Event) -> Snapshot:
    """The state after an event; the state given is left as it was."""
    return _REDUCERS[type(event)](state, event)


def company_of(state: Snapshot, companion: str) -> Company | None:
    """How a companion stands, None if they never asked."""
    for item in state.company:
        if item.companion == companion:
            return item
    return None


def accepted(state: Snapshot, companion: str) -> bool:
    """Whether the companion has the guest's yes."""
    company = company_of(state, companion)
    return company is not None and company.state == "accepted"


def waiting(state: Snapshot, companion: str, now_ms: int) -> Waiting:
    """All that a companion without a yes is told; an ask past its time counts as silent.

    Raises `Conflict` (`accepted`) for one who has the yes.
    """
    company = company_of(state, companion)
    if company is None:
        return Waiting(state="invited", asks_left=asks_left(CompanyState.INVITED, 0))
    if company.state == "accepted":
        raise Conflict("accepted", "the companion waits no more", sentence="err_not_now")
    late = company.state == "asked" and now_ms > company.until
    now = "silent" if late else company.state
    return Waiting(
        state=now,
        until=company.until if now == "asked" else None,
        asks_left=asks_left(CompanyState(now), company.asks),
    )


def visible(event: Event, state: Snapshot, seat: str, role: Role) -> bool:
    """Whether the event is for this viewer; `state` is the room after it.

    A companion without the guest's yes sees no event at all.
    """
    if role is Role.HOST:
        return True
    if role is Role.COMPANION and not accepted(state, seat):
        return False
    match event:
        case Named() | HelpAsked() | HelpHandled():
            return event.seat == seat
        case SeatRemoved():
            return False
        case CompanyAsked() | CompanyAnswered() | CompanyEnded():
            return seat in (event.companion, event.guest)
        case _:
            return True


def project(state: Snapshot, seat: str, role: Role) -> Snapshot:
    """What this viewer may see of the room: a host everything, others what is common and their own.

    Raises `Forbidden` (`no_company`) for a companion without the guest's yes.
    """
    if role is Role.HOST:
        return state
    if role is Role.COMPANION and not accepted(state, seat):
        raise Forbidden("no_company", "the guest has not said yes", sentence="err_not_now")
    return state.model_copy(
        update={
            "names": {key: name for key, name in state.names.items() if key == seat},
            "help": tuple(item for item in state.help if item.seat == seat),
            "company": tuple(
                item for item in state.company if seat in (item.companion, item.guest)
            ),
            "removed": (),
        }
    )


def _with(state: Snapshot, **changes: Any) -> Snapshot:
    return state.model_copy(update=changes)


def _phase(state: Snapshot, event: PhaseChanged) -> Snapshot:
    return _with(state, phase=event.phase, epoch=event.epoch, phase_at=event.at)


def _air_taken(state: Snapshot, event: AirTaken) -> Snapshot:
    return _with(state, on_air=event.seat)


def _air_left(state: Snapshot, event: AirLeft) -> Snapshot:
    return _with(state, on_air=None) if state.on_air == event.seat else state


def _named(state: Snapshot, event: Named) -> Snapshot:
    return _with(state, names={**state.names, event.seat: event.name})


def _line_written(state: Snapshot, event: LineWritten) -> Snapshot:
    line = Line(
        line=event.line,
        seat=event.seat,
        role=event.role,
        name=event.name,
        text=event.text,
        at=event.at,
    )
    return _with(state, lines=(*state.lines, line)[-LINES_KEPT:])


def _line_hidden(state: Snapshot, event: LineHidden) -> Snapshot:
    gone = {"text": "", "hidden": True}
    return _with(
        state,
        lines=tuple(
            line.model_copy(update=gone) if line.line == event.line else line
            for line in state.lines
        ),
    )


def _help_asked(state: Snapshot, event: HelpAsked) -> Snapshot:
    request = HelpRequest(request=event.request, seat=event.seat, name=event.name, at=event.at)
    return _with(state, help=(*state.help, request))


def _help_handled(state: Snapshot, event: HelpHandled) -> Snapshot:
    return _with(state, help=tuple(item for item in state.help if item.request != event.request))


def _removed(state: Snapshot, event: SeatRemoved) -> Snapshot:
    return _with(state, removed=(*state.removed, event.seat))


def _asked(state: Snapshot, event: CompanyAsked) -> Snapshot:
    before = company_of(state, event.companion)
    now = Company(
        companion=event.companion,
        guest=event.guest,
        name=event.name,
        state="asked",
        until=event.until,
        asks=(before.asks if before else 0) + 1,
    )
    if before is None:
        return _with(state, company=(*state.company, now))
    return _with(
        state,
        company=tuple(now if item.companion == event.companion else item for item in state.company),
    )


def _answered(state: Snapshot, event: CompanyAnswered) -> Snapshot:
    return _stands(state, event.companion, event.answer)


def _ended(state: Snapshot, event: CompanyEnded) -> Snapshot:
    return _stands(state, event.companion, "ended")


def _stands(state: Snapshot, companion: str, now: str) -> Snapshot:
    return _with(
        state,
        company=tuple(
            item.model_copy(update={"state": now}) if item.companion == companion else item
            for item in state.company
        ),
    )


_REDUCERS: Mapping[type[Any], Callable[[Snapshot, Any], Snapshot]] = {
    PhaseChanged: _phase,
    AirTaken: _air_taken,
    AirLeft: _air_left,
    Named: _named,
    LineWritten: _line_written,
    LineHidden: _line_hidden,
    HelpAsked: _help_asked,
    HelpHandled: _help_handled,
    SeatRemoved: _removed,
    CompanyAsked: _asked,
    CompanyAnswered: _answered,
    CompanyEnded: _ended,
}
