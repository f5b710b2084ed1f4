"""Lines are structured; only listed fields get out, and secrets are struck."""

from __future__ import annotations

import ast
import asyncio
import gc
import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from infra.errors import Conflict
from infra.logs import FIELDS, configure_logs, get_logger, strike_out


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


def test_a_failure_is_one_line_with_its_frames_and_without_quoted_input(
    lines: io.StringIO,
) -> None:
    secret = "canary-value"
    try:
        try:
            raise ValueError(f"not a number: {secret}")
        except ValueError as error:
            raise Conflict("wrong_state", "a lamp") from error
    except Conflict:
        get_logger("x").exception("failed")
        logging.getLogger("library").exception("failed too")
    for line in lines.getvalue().splitlines():
        exception = json.loads(line)["exception"]
        assert secret not in line
        assert "ValueError" in exception
        assert "infra.errors.Conflict: a lamp" in exception
        assert __name__.rpartition(".")[2] in exception
    assert len(lines.getvalue().splitlines()) == 2


async def test_a_task_whose_failure_nobody_took_tells_no_words(lines: io.StringIO) -> None:
    secret = "canary-value"

    async def fail() -> None:
        raise ValueError(secret)

    task = asyncio.ensure_future(fail())
    await asyncio.wait([task])
    del task
    gc.collect()
    assert "ValueError" in lines.getvalue()
    assert "canary" not in lines.getvalue()


def test_configuring_twice_does_not_double_the_lines(lines: io.StringIO) -> None:
    configure_logs("info", "json", lines)
    logging.getLogger("x").warning("once")
    assert len(lines.getvalue().splitlines()) == 1


LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "bind"}


def test_every_line_of_the_code_uses_listed_fields_and_a_constant_text() -> None:
    """What a person wrote cannot get into the text of a line when the text is a constant."""
    root = Path(__file__).parents[2]
    wrong = []
    for folder in ("infra", "streaming", "rooms", "recordings", "web"):
        for path in (root / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                    continue
                owner = ast.unparse(node.func.value)
                if node.func.attr not in LEVELS or not re.search(r"(^|\.)_?(log|logger)\b", owner):
                    continue
                place = f"{path.relative_to(root)}:{node.lineno}"
                fields = {word.arg for word in node.keywords} - FIELDS - {"exc_info", None}
                wrong += [f"{place}: field {name}" for name in sorted(filter(None, fields))]
                if node.args and not isinstance(node.args[0], ast.Constant):
                    wrong.append(f"{place}: the text is no constant")
    assert wrong == []
