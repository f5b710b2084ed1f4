"""Who may do what while a phase lasts, and where a phase may lead."""

from __future__ import annotations

from itertools import pairwise

import pytest

from rooms.phases import RIGHTS, RUNNING, TRANSITIONS, Phase, Right, Role, rights


def phases_with(role: Role, right: Right) -> set[Phase]:
    return {phase for phase in Phase if right in rights(role, phase)}


def test_every_phase_says_what_every_role_may() -> None:
    assert set(RIGHTS) == set(TRANSITIONS) == set(Phase)
    assert all(set(row) == set(Role) for row in RIGHTS.values())


@pytest.mark.parametrize("role", [Role.GUEST, Role.COMPANION])
def test_the_audience_hears_and_sees_only_while_the_show_is_live(role: Role) -> None:
    assert phases_with(role, Right.VIEW) == {Phase.LIVE}


def test_only_artists_publish_and_only_from_rehearsal_to_interval() -> None:
    assert phases_with(Role.ARTIST, Right.PUBLISH) == RUNNING
    for role in set(Role) - {Role.ARTIST}:
        assert phases_with(role, Right.PUBLISH) == set()


def test_nobody_writes_before_the_doors_open() -> None:
    for role in Role:
        assert phases_with(role, Right.WRITE) <= {
            Phase.DOORS,
            Phase.LIVE,
            Phase.INTERVAL,
            Phase.ENDED,
        }


def test_guests_are_in_from_the_doors_until_the_end() -> None:
    inside = {Phase.DOORS, Phase.LIVE, Phase.INTERVAL, Phase.ENDED}
    assert phases_with(Role.GUEST, Right.ENTER) == inside
    assert phases_with(Role.COMPANION, Right.ENTER) == inside


def test_a_host_is_in_in_every_phase() -> None:
    assert phases_with(Role.HOST, Right.ENTER) == set(Phase)


def test_whoever_may_do_anything_may_be_in() -> None:
    for phase in Phase:
        for role in Role:
            assert not rights(role, phase) or Right.ENTER in rights(role, phase)


def test_the_way_through_the_evening() -> None:
    way = [
        Phase.DRAFT,
        Phase.SCHEDULED,
        Phase.REHEARSAL,
        Phase.DOORS,
        Phase.LIVE,
        Phase.INTERVAL,
        Phase.LIVE,
        Phase.ENDED,
        Phase.ARCHIVED,
    ]
    for before, after in pairwise(way):
        assert after in TRANSITIONS[before]


def test_a_show_may_be_cancelled_until_it_has_ended() -> None:
    over = {Phase.ENDED, Phase.ARCHIVED, Phase.CANCELLED}
    for phase in Phase:
        assert (Phase.CANCELLED in TRANSITIONS[phase]) == (phase not in over)


def test_nothing_leads_back_to_before_the_doors() -> None:
    for phase in (Phase.DOORS, Phase.LIVE, Phase.INTERVAL, Phase.ENDED):
        assert not TRANSITIONS[phase] & {Phase.DRAFT, Phase.SCHEDULED, Phase.REHEARSAL}
