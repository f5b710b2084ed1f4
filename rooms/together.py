"""Decide about company: a companion asks, the guest answers, either ends it, silence is a no."""

from __future__ import annotations

from collections.abc import Sequence

from infra.errors import Conflict, Forbidden, Unknown
from rooms.actors import Actor
from rooms.companions import ANSWER_WITHIN_MS, COMPANY, CompanyState, asks_left
from rooms.messages import (
    AnswerCompany,
    AskCompany,
    Company,
    CompanyAnswered,
    CompanyAsked,
    CompanyEnded,
    EndCompany,
    Event,
    Snapshot,
)
from rooms.phases import Role
from rooms.state import company_of


def ask(state: Snapshot, actor: Actor, command: AskCompany, now: int) -> Sequence[Event]:
    """Ask the guest. While an ask stands or was granted, another changes nothing.

    Raises `Conflict` (`no_more_asks`) after *Ei nyt* or the last try, (`guest_gone`) when the guest was
    taken out, and `Unknown` (`no_guest`) for a companion without one.
    """
    if actor.guest is None:
        raise Unknown("no_guest", "this companion belongs to nobody", sentence="err_not_now")
    if actor.guest in state.removed:
        raise Conflict(
            "guest_gone", "the guest is not in the hall any more", sentence="comp_no_more"
        )
    company = company_of(state, actor.seat)
    before = CompanyState(company.state) if company else CompanyState.INVITED
    if before in (CompanyState.ASKED, CompanyState.ACCEPTED):
        return ()
    if asks_left(before, company.asks if company else 0) == 0:
        raise Conflict("no_more_asks", "the guest was asked often enough", sentence="comp_no_more")
    return (
        CompanyAsked(
            companion=actor.seat,
            guest=actor.guest,
            name=actor.name or "",
            at=now,
            until=now + ANSWER_WITHIN_MS,
        ),
    )


def answer(state: Snapshot, actor: Actor, command: AnswerCompany, now: int) -> Sequence[Event]:
    """The guest's yes or not now, from the guest's own seat and for the open ask only.

    Raises `Unknown` (`no_ask`) where this companion never asked this guest, `Conflict` (`no_open_ask`)
    where the ask is over.
    """
    company = _between(state, command.companion, actor)
    wanted = CompanyState.ACCEPTED if command.yes else CompanyState.DECLINED
    if company.state == wanted:
        return ()
    if company.state != "asked" or now > company.until:
        raise Conflict("no_open_ask", "this ask is over", sentence="err_not_now")
    return (
        CompanyAnswered(
            companion=company.companion,
            guest=company.guest,
            answer="accepted" if command.yes else "declined",
        ),
    )


def end(state: Snapshot, actor: Actor, command: EndCompany, now: int) -> Sequence[Event]:
    """Guest: *Jatkan itsekseni*. Companion: leave, or take the ask back. Ended stays ended."""
    company = _between(state, command.companion, actor)
    return _ended(company)


def silence(state: Snapshot, companion: str, now: int) -> Sequence[Event]:
    """The time to answer is over: what was not answered is a no."""
    company = company_of(state, companion)
    if company is None or company.state != "asked" or now < company.until:
        return ()
    return (CompanyAnswered(companion=companion, guest=company.guest, answer="silent"),)


def passed_on(state: Snapshot, companion: str) -> Sequence[Event]:
    """The companion's link is used on another device: whoever that is needs a new yes."""
    company = company_of(state, companion)
    return () if company is None else _ended(company)


def part(state: Snapshot, seat: str) -> Sequence[Event]:
    """End whatever company the seat has, from either side."""
    return tuple(
        event
        for item in state.company
        if seat in (item.companion, item.guest)
        for event in _ended(item)
    )


def _ended(company: Company) -> Sequence[Event]:
    """The end of a company; one that never was, or is over, has none."""
    if CompanyState.ENDED not in COMPANY[CompanyState(company.state)]:
        return ()
    return (CompanyEnded(companion=company.companion, guest=company.guest),)


def _between(state: Snapshot, companion: str, actor: Actor) -> Company:
    """The company that the command is about, if the actor is one of the two."""
    company = company_of(state, companion)
    mine = company is not None and actor.seat == (
        company.guest if actor.role is Role.GUEST else company.companion
    )
    if company is None or not mine:
        if actor.role is Role.COMPANION and companion != actor.seat:
            raise Forbidden(
                "not_yours", "a companion acts for themselves alone", sentence="err_not_now"
            )
        raise Unknown("no_ask", "nobody asked", sentence="err_not_now")
    return company
