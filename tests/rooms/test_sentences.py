"""Whoever is refused by a room reads a sentence that fits, in three languages."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from web.language import LANGUAGES, words

ROOMS = Path(__file__).parents[2] / "rooms"

OF_THE_COMMAND_LINE = {"orders.py"}
OUR_OWN_FAULT = {"no_scope", "no_rule", "internal"}

REFUSALS = {"Conflict", "Forbidden", "Unauthorised", "Unavailable", "TooMany"}


def refusals() -> Iterator[tuple[str, ast.Call]]:
    """(place, the call) of every refusal that a file of the rooms makes."""
    for path in sorted(ROOMS.glob("*.py")):
        if path.name in OF_THE_COMMAND_LINE:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in REFUSALS
                and not OUR_OWN_FAULT & set(_constants(node))
            ):
                yield f"{path.name}:{node.lineno}", node


def _constants(call: ast.Call) -> Iterator[object]:
    for argument in call.args:
        if isinstance(argument, ast.Constant):
            yield argument.value


def test_every_refusal_names_its_sentence() -> None:
    silent = [
        place for place, call in refusals() if "sentence" not in {k.arg for k in call.keywords}
    ]
    assert silent == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_written_in_the_language(language: str) -> None:
    asked = {
        keyword.value.value
        for path in ROOMS.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "sentence" and isinstance(keyword.value, ast.Constant)
    }
    assert "err_not_now" in asked
    assert asked <= {*words(language).entries}
