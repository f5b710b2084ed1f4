"""Lines are structured; only listed fields get out, and secrets are struck."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from infra.logs import configure_logs, get_logger, strike_out


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    before = structlog.get_config()
    handlers = logging.getLogger().handlers[:]
    stream = io.StringIO()
    configure_logs("info", "json", stream)
    yield stream
    structlog.configure(**before)
    logging.getLogger().handlers[:] = handlers


def test_a_line_has_its_name_level_time_and_bound_ids(lines: io.StringIO) -> None:
    get_logger("rooms.house").bind(room="r1").info("opened", fence=7)
    line = json.loads(lines.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "logger": "rooms.house",
        "level": "info",
        "event": "opened",
        "room": "r1",
        "fence": 7,
    }


def test_a_field_that_is_not_listed_is_dropped_and_its_name_told(lines: io.StringIO) -> None:
    get_logger("x").info("said", text="Hyvää iltaa", name="Liisa", seat="s1")
    line = json.loads(lines.getvalue())
    assert line["dropped"] == ["name", "text"]
    assert "Liisa" not in lines.getvalue()
    assert "iltaa" not in lines.getvalue()
    assert line["seat"] == "s1"


@pytest.mark.parametrize(
    ("text", "struck"),
    [
        ("GET /t/abcDEF123-_ HTTP/1.1", "GET /t/… HTTP/1.1"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer …"),
        ("/whip/show?key=abc&x=1", "/whip/show?key=…&x=1"),
        ("/shows/tango", "/shows/tango"),
    ],
)
def test_secrets_are_struck_out_wherever_they_stand(text: str, struck: str) -> None:
    assert strike_out(text) == struck


def test_lines_of_libraries_have_the_same_shape_and_manners(lines: io.StringIO) -> None:
    logging.getLogger("aiohttp.server").error("Error handling request from %s", "/t/secret-1")
    line = json.loads(lines.getvalue())
    assert (line["logger"], line["level"]) == ("aiohttp.server", "error")
    assert "secret-1" not in line["event"]


def test_the_chatter_of_libraries_is_not_written(lines: io.StringIO) -> None:
    logging.getLogger("sqlalchemy.engine").info("SELECT name FROM seat")
    get_logger("x").debug("detail")
    assert lines.getvalue() == ""


def test_a_failure_is_one_line_with_its_traceback_and_no_values(lines: io.StringIO) -> None:
    secret = "canary-value"
    try:
        raise ValueError(f"/t/{secret}")
    except ValueError:
        get_logger("x").exception("failed")
    assert secret not in lines.getvalue()
    assert "ValueError" in json.loads(lines.getvalue())["exception"]


def test_configuring_twice_does_not_double_the_lines(lines: io.StringIO) -> None:
    configure_logs("info", "json", lines)
    logging.getLogger("x").warning("once")
    assert len(lines.getvalue().splitlines()) == 1
