"""What a ticket may become, and how its secrets are made and kept."""

from __future__ import annotations

import re

from rooms.tickets import (
    OVER,
    SECRET_BYTES,
    TICKET,
    VALID_AFTER_MS,
    TicketStatus,
    before,
    digest,
    new_id,
    new_secret,
    same,
)


def test_a_secret_has_at_least_128_bits_and_is_never_the_same() -> None:
    assert SECRET_BYTES * 8 >= 128
    assert len({new_secret() for _ in range(100)}) == 100


def test_what_is_kept_is_not_the_secret() -> None:
    secret = new_secret()
    assert secret not in digest(secret)
    assert same(digest(secret), secret)
    assert not same(digest(secret), secret + "x")


def test_an_id_is_a_short_word_for_addresses() -> None:
    assert all(re.fullmatch(r"[a-z0-9]{16}", new_id()) for _ in range(100))


def test_a_ticket_that_is_over_stays_so_and_every_other_may_end_at_any_time() -> None:
    for status, after in TICKET.items():
        assert after == frozenset() if status in OVER else after >= OVER


def test_coming_back_is_no_second_use() -> None:
    assert before(TicketStatus.ADMITTED) == (TicketStatus.ISSUED,)
    assert not before(TicketStatus.ISSUED)


def test_a_ticket_lasts_at_least_twenty_hours() -> None:
    assert VALID_AFTER_MS >= 20 * 3600 * 1000
