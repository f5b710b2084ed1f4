"""The table of the ticket, what it may be, and how its secrets are made and kept."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from enum import StrEnum
from hashlib import sha256

ID_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
ID_LENGTH = 16
SECRET_BYTES = 24
"""192 bits: a link is its own password."""

VALID_AFTER_MS = 20 * 3600 * 1000
"""A ticket holds at least this long after it was issued, and after the show's end."""

LOOK_AFTER_MS = 30 * 24 * 3600 * 1000
"""An artist's: as long as it is kept at all, so that she can answer to her recording and withdraw it."""


class TicketStatus(StrEnum):
    """Where a ticket is in its life. `removed`: a host took its holder out. `expired` comes by time."""

    ISSUED = "issued"
    ADMITTED = "admitted"
    REVOKED = "revoked"
    REMOVED = "removed"
    EXPIRED = "expired"


OVER = frozenset({TicketStatus.REVOKED, TicketStatus.REMOVED, TicketStatus.EXPIRED})
"""Statuses that admit no more."""

TICKET: Mapping[TicketStatus, frozenset[TicketStatus]] = {
    TicketStatus.ISSUED: OVER | {TicketStatus.ADMITTED},
    TicketStatus.ADMITTED: OVER,
    TicketStatus.REVOKED: frozenset(),
    TicketStatus.REMOVED: frozenset(),
    TicketStatus.EXPIRED: frozenset(),
}
"""Where a status may lead. Who leaves and comes back stays admitted: no ticket is "already used"."""


class SecretKind(StrEnum):
    """What a secret is for; one kind never does another's work."""

    LINK = "link"
    BROADCAST = "broadcast"
    VIEWING = "viewing"


def before(status: TicketStatus) -> tuple[TicketStatus, ...]:
    """The statuses that may lead to this one."""
    return tuple(one for one, after in TICKET.items() if status in after)


def new_id() -> str:
    """A random id; seats and tickets are handles, no secrets."""
    return "".join(secrets.choice(ID_LETTERS) for _ in range(ID_LENGTH))


def new_secret() -> str:
    """A secret for a link, a key or a cookie."""
    return secrets.token_urlsafe(SECRET_BYTES)


def digest(secret: str) -> str:
    """What is kept of a secret. No salt: 192 random bits need none, and it must be found by it."""
    return sha256(secret.encode()).hexdigest()


def same(kept: str, secret: str) -> bool:
    """Whether the secret is the one kept, in constant time."""
    return hmac.compare_digest(kept.encode(), digest(secret).encode())
