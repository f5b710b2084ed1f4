"""The one declaration of rights: each client message and each route, who, when and how far.

No rule, no service: a name that is missing here is refused, and a test fails on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from infra.errors import Conflict, Forbidden, Unauthorised
from rooms.phases import RUNNING, Phase, Right, Role, rights


class Reach(StrEnum):
    """How far a rule's right goes, and what the asker shows for it."""

    PUBLIC = "public"
    """Anybody; nothing is shown."""
    SECRET = "secret"  # noqa: S105 - the name of a scope, no password
    """Who knows a link's secret; it leads to that ticket's seats only."""
    SEAT = "seat"
    """A device for the seats it may hold; only what is the seat's own."""
    PAIR = "pair"
    """The guest and their companion, for what lies between the two."""
    ROOM = "room"
    """A seat for its whole room."""
    BEARER = "bearer"
    """Who holds a broadcast or viewing key, for its seat's media."""
    LOCAL = "local"
    """The machine itself, on the loopback port."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who (`roles`, none for public), when (`phases` and the `right` that the phase table must give),
    how far (`scope`), and whether a companion may do it `before_yes`."""

    scope: Reach
    roles: frozenset[Role] = frozenset()
    phases: frozenset[Phase] = frozenset(Phase)
    right: Right | None = None
    before_yes: bool = False


_ALL = frozenset(Role)
_GUEST = frozenset({Role.GUEST})
_COMPANION = frozenset({Role.COMPANION})
_ARTIST = frozenset({Role.ARTIST})
_HOST = frozenset({Role.HOST})
_SPEAKERS = frozenset({Role.GUEST, Role.ARTIST, Role.HOST})
_AUDIENCE = frozenset({Role.GUEST, Role.COMPANION})

_NOT_DRAFT = frozenset(Phase) - {Phase.DRAFT}
_OVER = frozenset({Phase.ENDED, Phase.ARCHIVED})
_CLAPPING = frozenset({Phase.LIVE, Phase.INTERVAL, Phase.ENDED})

MESSAGES: Mapping[str, Rule] = {
    # Who sits in the room learns its phase in every phase: the end must reach those who slept.
    "hello": Rule(Reach.SEAT, _ALL, _NOT_DRAFT, before_yes=True),
    "name.set": Rule(Reach.SEAT, _SPEAKERS, right=Right.WRITE),
    "line.write": Rule(Reach.ROOM, _SPEAKERS, right=Right.WRITE),
    "line.hide": Rule(Reach.ROOM, _HOST, right=Right.ENTER),
    "applaud": Rule(Reach.ROOM, _AUDIENCE, _CLAPPING, right=Right.ENTER),
    "help.ask": Rule(Reach.SEAT, _GUEST, right=Right.ENTER),
    "help.handle": Rule(Reach.ROOM, _HOST, right=Right.ENTER),
    "phase.set": Rule(Reach.ROOM, _HOST, right=Right.ENTER),
    "seat.remove": Rule(Reach.ROOM, _HOST, right=Right.ENTER),
    "air.take": Rule(Reach.SEAT, _ARTIST, right=Right.PUBLISH),
    "air.leave": Rule(Reach.SEAT, _ARTIST, right=Right.ENTER),
    "company.ask": Rule(Reach.PAIR, _COMPANION, right=Right.ENTER, before_yes=True),
    "company.answer": Rule(Reach.PAIR, _GUEST, right=Right.ENTER),
    "company.end": Rule(Reach.PAIR, _AUDIENCE, _NOT_DRAFT, before_yes=True),
    # The line is set up in any phase of the hall; whether media flows on it is the grant's matter.
    "media.view": Rule(Reach.SEAT, _ALL, RUNNING, right=Right.ENTER),
    "media.answer": Rule(Reach.SEAT, _ALL, RUNNING, right=Right.ENTER),
    "media.segments": Rule(Reach.SEAT, _AUDIENCE, frozenset({Phase.LIVE}), right=Right.VIEW),
    "media.publish": Rule(Reach.SEAT, _ARTIST, right=Right.PUBLISH),
    "media.restart": Rule(Reach.SEAT, _ALL, RUNNING, right=Right.ENTER),
    "media.stop": Rule(Reach.SEAT, _ALL, _NOT_DRAFT),
    "media.keyframe": Rule(Reach.SEAT, _ALL, RUNNING, right=Right.ENTER),
}
"""Client messages by type."""

ROUTES: Mapping[str, Rule] = {
    "catalogue": Rule(Reach.PUBLIC),
    "show": Rule(Reach.PUBLIC, phases=_NOT_DRAFT),
    "recording": Rule(Reach.PUBLIC, phases=_NOT_DRAFT),
    "accessibility": Rule(Reach.PUBLIC),
    "privacy": Rule(Reach.PUBLIC),
    "static": Rule(Reach.PUBLIC),
    "healthz": Rule(Reach.PUBLIC),
    **dict.fromkeys(
        ("api_shows", "api_show", "api_recordings", "api_recording", "api_description"),
        Rule(Reach.PUBLIC, phases=_NOT_DRAFT),
    ),
    "link": Rule(Reach.SECRET),
    "room": Rule(Reach.SEAT, _ALL, before_yes=True),
    "enter": Rule(Reach.SEAT, _ALL, right=Right.ENTER, before_yes=True),
    "leave": Rule(Reach.SEAT, _ALL, before_yes=True),
    "socket": Rule(Reach.SEAT, _ALL, _NOT_DRAFT, before_yes=True),
    "whip": Rule(Reach.BEARER, _ARTIST, right=Right.PUBLISH),
    "whip_session": Rule(Reach.BEARER, _ARTIST),
    "whep": Rule(Reach.BEARER, _ALL, right=Right.VIEW),
    "whep_session": Rule(Reach.BEARER, _ALL),
    # Public recordings for all, others by the recording's policy: the route asks for each.
    "media": Rule(Reach.PUBLIC, phases=_NOT_DRAFT),
    "live": Rule(Reach.BEARER, _AUDIENCE, frozenset({Phase.LIVE}), right=Right.VIEW),
    # The artist's recording, before anybody else may watch it; the host of her show may look, too.
    "look": Rule(Reach.SEAT, _ARTIST | _HOST, _OVER),
    "look_media": Rule(Reach.SEAT, _ARTIST | _HOST, _OVER),
    "look_answer": Rule(Reach.SEAT, _ARTIST, _OVER),
    "livez": Rule(Reach.LOCAL),
    "readyz": Rule(Reach.LOCAL),
    "metrics": Rule(Reach.LOCAL),
}
"""Routes by name."""

RULES: Mapping[str, Rule] = {**MESSAGES, **ROUTES}


def check(name: str, role: Role | None, phase: Phase, *, accepted: bool = True) -> Rule:
    """Let pass or refuse; returns the rule.

    `role` is None for those without a seat; `accepted` says whether a companion has the guest's yes.
    Raises `Forbidden` (`no_rule`, `role`, `no_company`), `Unauthorised` or `Conflict` (`phase`).
    """
    rule = RULES.get(name)
    if rule is None:
        raise Forbidden("no_rule", f"no rule for {name}")
    if rule.roles:
        if role is None:
            raise Unauthorised("no_seat", f"{name} needs a seat", sentence="err_no_seat")
        if role not in rule.roles:
            raise Forbidden("role", f"{name} is not for {role}", sentence="err_not_now")
        if role is Role.COMPANION and not accepted and not rule.before_yes:
            raise Forbidden("no_company", f"{name} needs the guest's yes", sentence="err_not_now")
        if rule.right is not None and rule.right not in rights(role, phase):
            raise _no_place(name, phase)
    if phase not in rule.phases:
        raise _no_place(name, phase)
    return rule


def _no_place(name: str, phase: Phase) -> Conflict:
    return Conflict("phase", f"{name} has no place in {phase}", sentence="err_not_now")
