"""The browser's types are those of the wire."""

from __future__ import annotations

import re

from web.wire import TARGET, models, render, writing_types

CONNECTION = TARGET.parent / "connection.js"


def test_the_browsers_types_are_written_from_the_models() -> None:
    assert TARGET.read_text(encoding="utf-8") == render(), "run `make wire`"


def test_every_model_is_described_once() -> None:
    names = [model.__name__ for model in models()]
    assert len(names) == len(set(names)) > 40
    for name in names:
        assert render().count(f"}}}} {name} */") == 1


def test_the_connection_keeps_every_command_that_writes() -> None:
    source = CONNECTION.read_text(encoding="utf-8")
    listed = re.search(r"WRITING = new Set\(\[(.*?)\]\)", source, re.DOTALL)
    assert listed is not None
    assert set(re.findall(r'"([a-z.]+)"', listed[1])) == set(writing_types())
