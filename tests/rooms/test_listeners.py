"""A failing listener breaks neither the others nor who tells."""

from __future__ import annotations

from collections.abc import Callable

from rooms.listeners import Listeners


def test_all_are_told_in_order_though_one_fails() -> None:
    heard: list[str] = []
    listeners: Listeners[Callable[[str], None]] = Listeners("test")

    def fail(_: str) -> None:
        raise RuntimeError("a listener's own fault")

    listeners.add(lambda news: heard.append(f"first {news}"))
    listeners.add(fail)
    listeners.add(lambda news: heard.append(f"last {news}"))
    listeners.tell("x")
    assert heard == ["first x", "last x"]


def test_who_has_ended_hears_no_more_and_may_end_twice() -> None:
    heard: list[str] = []
    listeners: Listeners[Callable[[str], None]] = Listeners("test")
    end = listeners.add(heard.append)
    listeners.add(heard.append)
    end()
    end()
    listeners.tell("x")
    assert heard == ["x"]
