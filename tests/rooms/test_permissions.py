"""The table of rights: every message and route, every role, every phase."""

from __future__ import annotations

from typing import get_args

import pytest

from infra.errors import Conflict, Forbidden, LampioError, Unauthorised
from rooms.messages import ClientMessage
from rooms.permissions import MESSAGES, ROUTES, RULES, Reach, check
from rooms.phases import Phase, Role

G, C, A, H = Role.GUEST, Role.COMPANION, Role.ARTIST, Role.HOST
ALL = set(Phase)
NOT_DRAFT = ALL - {Phase.DRAFT}
HALL = {Phase.DOORS, Phase.LIVE, Phase.INTERVAL}
TALK = HALL | {Phase.ENDED}
STAGE = {Phase.REHEARSAL} | HALL
LATER = NOT_DRAFT
CLAP = {Phase.LIVE, Phase.INTERVAL, Phase.ENDED}
LIVE = {Phase.LIVE}
OVER = {Phase.ENDED, Phase.ARCHIVED}

# What is written here by hand must be what the declarations and the phase table give together.
EXPECTED: dict[str, dict[Role, set[Phase]]] = {
    "hello": {G: NOT_DRAFT, C: NOT_DRAFT, A: NOT_DRAFT, H: NOT_DRAFT},
    "name.set": {G: TALK, A: TALK, H: TALK},
    "line.write": {G: TALK, A: TALK, H: TALK},
    "line.hide": {H: ALL},
    "applaud": {G: CLAP, C: CLAP},
    "help.ask": {G: TALK},
    "help.handle": {H: ALL},
    "phase.set": {H: ALL},
    "seat.remove": {H: ALL},
    "air.take": {A: STAGE},
    "air.leave": {A: NOT_DRAFT},
    "company.ask": {C: TALK},
    "company.answer": {G: TALK},
    "company.end": {G: NOT_DRAFT, C: NOT_DRAFT},
    "media.view": {G: HALL, C: HALL, A: STAGE, H: STAGE},
    "media.answer": {G: HALL, C: HALL, A: STAGE, H: STAGE},
    "media.segments": {G: LIVE, C: LIVE},
    "media.publish": {A: STAGE},
    "media.stop": {G: NOT_DRAFT, C: NOT_DRAFT, A: NOT_DRAFT, H: NOT_DRAFT},
    "media.keyframe": {G: HALL, C: HALL, A: STAGE, H: STAGE},
    "media.restart": {G: HALL, C: HALL, A: STAGE, H: STAGE},
    "room": {G: ALL, C: ALL, A: ALL, H: ALL},
    "leave": {G: ALL, C: ALL, A: ALL, H: ALL},
    "enter": {G: TALK, C: TALK, A: NOT_DRAFT, H: ALL},
    "socket": {G: NOT_DRAFT, C: NOT_DRAFT, A: NOT_DRAFT, H: NOT_DRAFT},
    "whip": {A: STAGE},
    "whip_session": {A: ALL},
    "whep": {G: LIVE, C: LIVE, A: STAGE, H: STAGE},
    "whep_session": {G: ALL, C: ALL, A: ALL, H: ALL},
    "live": {G: LIVE, C: LIVE},
    "look": {A: OVER, H: OVER},
    "look_media": {A: OVER, H: OVER},
    "look_answer": {A: OVER},
}
BEFORE_YES = {"hello", "company.ask", "company.end", "room", "leave", "enter", "socket"}


def types() -> set[str]:
    union = get_args(get_args(ClientMessage)[0])
    return {model.model_fields["type"].default for model in union}


def passes(name: str, role: Role, phase: Phase, *, accepted: bool = True) -> bool:
    try:
        check(name, role, phase, accepted=accepted)
    except LampioError:
        return False
    return True


def test_every_client_message_has_a_rule_and_no_rule_lacks_its_message() -> None:
    assert set(MESSAGES) == types()


def test_no_message_and_route_share_a_name() -> None:
    assert not set(MESSAGES) & set(ROUTES)


def test_every_rule_with_roles_stands_in_the_table_of_this_test() -> None:
    assert {name for name, rule in RULES.items() if rule.roles} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
@pytest.mark.parametrize("role", list(Role))
def test_who_may_when(name: str, role: Role) -> None:
    allowed = {phase for phase in Phase if passes(name, role, phase)}
    assert allowed == EXPECTED[name].get(role, set())


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_companion_without_a_yes_may_only_ask_and_go(name: str) -> None:
    allowed = {phase for phase in Phase if passes(name, C, phase, accepted=False)}
    assert allowed == (EXPECTED[name].get(C, set()) if name in BEFORE_YES else set())


def test_what_has_no_rule_is_refused_to_everybody() -> None:
    for role in [*Role, None]:
        with pytest.raises(Forbidden) as refused:
            check("room.burn", role, Phase.LIVE)
        assert refused.value.code == "no_rule"


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_what_needs_a_seat_is_refused_without_one(name: str) -> None:
    with pytest.raises(Unauthorised):
        check(name, None, Phase.LIVE)


def test_the_public_rules_ask_for_no_seat() -> None:
    for name, rule in RULES.items():
        if not rule.roles:
            assert rule.scope in (Reach.PUBLIC, Reach.SECRET, Reach.LOCAL)
            check(name, None, Phase.LIVE)


def test_the_wrong_role_is_told_apart_from_the_wrong_phase() -> None:
    with pytest.raises(Forbidden) as role:
        check("phase.set", G, Phase.LIVE)
    with pytest.raises(Conflict) as phase:
        check("media.publish", A, Phase.ENDED)
    assert (role.value.code, phase.value.code) == ("role", "phase")


def test_what_is_not_published_shows_itself_to_nobody() -> None:
    with pytest.raises(Conflict):
        check("show", None, Phase.DRAFT)
