"""Figures are read from their owners at the scrape."""

from __future__ import annotations

import pytest

from infra.metrics import Metrics


def test_a_figure_is_read_at_the_scrape() -> None:
    metrics, rooms = Metrics(), [1]
    metrics.gauge("lampio_rooms", "Open rooms.", lambda: rooms[0])
    assert b"lampio_rooms 1.0" in metrics.render()
    rooms[0] = 2
    assert b"lampio_rooms 2.0" in metrics.render()


def test_labelled_figures_have_a_row_each() -> None:
    metrics = Metrics()
    metrics.counter(
        "lampio_sessions_ended_total", "By reason.", lambda: {("vanished",): 3}, ("reason",)
    )
    text = metrics.render().decode()
    assert '\nlampio_sessions_ended_total{reason="vanished"} 3.0\n' in text
    assert "# TYPE lampio_sessions_ended_total counter" in text


def test_an_owner_that_fails_hides_no_other() -> None:
    def fail() -> float:
        raise ValueError

    metrics = Metrics()
    metrics.gauge("a", "Fails.", fail)
    metrics.gauge("b", "Works.", lambda: 1)
    text = metrics.render().decode()
    assert "\nb 1.0" in text
    assert "\na " not in text


def test_a_name_is_given_once() -> None:
    metrics = Metrics()
    metrics.gauge("a", "One.", lambda: 1)
    with pytest.raises(ValueError, match="there already"):
        metrics.gauge("a", "Other.", lambda: 1)
