"""The page of the wire is the models' own words."""

from __future__ import annotations

import inspect

from rooms.permissions import MESSAGES
from web import protocol


def test_the_page_equals_the_models() -> None:
    """Red? `make protocol` writes it anew; read what changed before committing it."""
    assert protocol.TARGET.read_text(encoding="utf-8") == protocol.render()


def test_every_message_has_words_and_every_command_its_rule_on_the_page() -> None:
    page = protocol.render()
    for union in ("ClientMessage", "ServerMessage", "Event"):
        for model in protocol.models(union):
            assert f"### `{model.model_fields['type'].default}`" in page
            assert inspect.cleandoc(model.__doc__ or "")
    commands = [model.model_fields["type"].default for model in protocol.models("ClientMessage")]
    assert set(commands) == set(MESSAGES)
    assert page.count("\nFrom: ") == len(commands)
