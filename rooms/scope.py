"""Whose data a query may touch. Every query on an organisation's data takes a scope and raises without.

What is read by an unguessable handle or inside one room (seat, secret, log) is scoped by it already.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVarTuple

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute

from infra.errors import Forbidden
from infra.whose import PUBLIC, Whose, organisation

Ts = TypeVarTuple("Ts")


@dataclass(frozen=True, slots=True)
class Scope:
    """One organisation's data, or (None) what is public of all, to read only."""

    organisation: str | None

    @classmethod
    def public(cls) -> Scope:
        """What everybody may read of all organisations."""
        return cls(None)

    @property
    def writes(self) -> str:
        """The organisation that may be written. Raises `Forbidden` (`no_scope`) for the public."""
        if not self.organisation:
            raise Forbidden("no_scope", "nothing is written without an organisation's scope")
        return self.organisation


def within(
    scope: Scope | None, query: Select[*Ts], organisation: InstrumentedAttribute[str]
) -> Select[*Ts]:
    """The query narrowed to the scope's organisation. Raises `Forbidden` (`no_scope`) without one."""
    if scope is None:
        raise Forbidden("no_scope", "a query on an organisation's data needs a scope")
    if scope.organisation is None:
        return query
    return query.where(organisation == scope.organisation)


def owned(
    scope: Scope | None, query: Select[*Ts], organisation: InstrumentedAttribute[str]
) -> Select[*Ts]:
    """As `within`, for data that is not public: the public scope is refused."""
    if scope is None:
        raise Forbidden("no_scope", "a query on an organisation's data needs a scope")
    return query.where(organisation == scope.writes)


def writing(scope: Scope | None) -> Whose:
    """The scope's own rows, for a unit of work. Raises `Forbidden` (`no_scope`) as `owned` does."""
    if scope is None:
        raise Forbidden("no_scope", "a query on an organisation's data needs a scope")
    return organisation(scope.writes)


def seen_by(scope: Scope | None) -> Whose:
    """What the scope may read: its own rows, or of the public scope what is public of all.

    Raises `Forbidden` (`no_scope`) without one.
    """
    if scope is None:
        raise Forbidden("no_scope", "a query on an organisation's data needs a scope")
    if scope.organisation is None:
        return PUBLIC
    return organisation(scope.organisation)


def of_room(room: str) -> Whose:
    """The rows of the room's organisation."""
    return Whose("room", room)


def of_show(show: str) -> Whose:
    """The rows of the show's organisation."""
    return Whose("show", show)


def of_ticket(ticket: str) -> Whose:
    """The rows of the ticket's organisation."""
    return Whose("ticket", ticket)


def of_seat(seat: str) -> Whose:
    """The rows of the seat's organisation."""
    return Whose("seat", seat)


def of_secret(kept: str) -> Whose:
    """The rows of the organisation whose ticket this secret leads to, by the secret's digest."""
    return Whose("secret", kept)
