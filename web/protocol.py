"""Writes `docs/protocol.md`: the room's wire, from the models and the one declaration of rights.

`make protocol` (`python -m web.protocol`) writes it; a test compares the page with the models.
"""

from __future__ import annotations

import inspect
import types
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel, StringConstraints

from rooms import messages
from rooms.permissions import MESSAGES, Rule
from rooms.phases import Phase, Role

TARGET = Path(__file__).parents[1] / "docs" / "protocol.md"

HEAD = """\
# The wire of a room

Written from `rooms/messages.py` and `rooms/permissions.py` by `make protocol`; a test holds it to
them. Change those, not this page.

One WebSocket a seat, at `/r/{seat}/ws`, JSON text frames of at most 64 kB, no compression, exact
Origin. Times are UTC in ms since 1970. Undeclared fields are refused, on both sides.

1. The client's first message is `hello`. With `after` it gets the events it missed, or a fresh snapshot
   where they are too many; without it, a snapshot. Then comes the `ack`.
2. Commands carry `id`, the client's own number, which comes back in `ack`, `error` or the reply.
   Commands that write carry `key`, unique for each intention: the same key again changes nothing, so a
   command may be resent after a reconnection.
3. `event` wraps a numbered event of the room's log. Snapshot + events equals a fresh snapshot; a client
   sees only events that are for it, so numbers grow but may jump. All else is transient.
4. A command is acknowledged when its rows are committed.
5. `bye` is the last message; it says why, and whether and when to come back.
6. `hello` comes within 10 s. A seat says at most 100 messages in 5 s, pings among them, writes at most 40
   lines and names in 30 s, and says at most 30 hellos in 10 s; the surplus is refused (429) and read slowly.
   It has at most 8 sockets: a further one ends the oldest. Who leaves 2 MB unread is let go and may come
   back by number.

Errors carry a stable `code`, an HTTP `status` and a sentence in the reader's language.
"""


def models(union: str) -> list[type[BaseModel]]:
    """The members of a tagged union, in its own order."""
    return list(get_args(get_args(getattr(messages, union))[0]))


def type_of(annotation: Any) -> str:
    """A field's type in words of JSON."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return type_of(get_args(annotation)[0])
    if origin is Literal:
        return " or ".join(f'`"{value}"`' for value in get_args(annotation))
    if origin in (Union, types.UnionType):
        return " or ".join(type_of(part) for part in get_args(annotation))
    if origin is tuple:
        return f"list of {type_of(get_args(annotation)[0])}"
    if origin is dict:
        key, value = get_args(annotation)
        return f"object of {type_of(value)} by {type_of(key)}"
    if annotation in (None, type(None)):
        return "null"
    plain = {str: "text", int: "integer", float: "number", bool: "true or false"}
    if annotation in plain:
        return plain[annotation]
    return f"[{annotation.__name__}](#{annotation.__name__.lower()})"


def limits_of(metadata: list[Any]) -> str:
    """What bounds a field, as far as the models say."""
    said = []
    for one in metadata:
        if isinstance(one, Ge):
            said.append(f"≥ {one.ge}")
        elif isinstance(one, Le):
            said.append("≤ 2⁵³" if one.le == 2**53 else f"≤ {one.le}")
        elif isinstance(one, MinLen) and one.min_length:
            said.append(f"at least {one.min_length} long")
        elif isinstance(one, MaxLen):
            said.append(f"at most {one.max_length} long")
        elif isinstance(one, StringConstraints):
            if one.pattern:
                said.append(f"`{str(one.pattern).replace('|', chr(92) + '|')}`")
            if one.max_length:
                said.append(f"{one.min_length or 0}–{one.max_length} characters")
    return ", ".join(said)


def default_of(field: Any) -> str:
    """What stands where the field is left out; empty where it must be there."""
    if field.is_required():
        return ""
    value = field.get_default(call_default_factory=True)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (dict, tuple)):
        return "empty object" if isinstance(value, dict) else "empty list"
    return f"`{value}`"


def rule_of(rule: Rule) -> str:
    """Who may send a message, when and how far, in one sentence."""
    roles = ", ".join(role for role in Role if role in rule.roles) or "everybody"
    if rule.roles == frozenset(Role):
        roles = "every role"
    said = [f"From: {roles}"]
    if rule.phases != frozenset(Phase):
        said.append("in " + ", ".join(phase for phase in Phase if phase in rule.phases))
    if rule.right is not None:
        said.append(f"where the phase gives them the right to *{rule.right}*")
    if Role.COMPANION in rule.roles:
        said.append(
            "a companion also before the guest's yes"
            if rule.before_yes
            else "a companion after the guest's yes"
        )
    said.append(f"reach: {rule.scope}")
    return "; ".join(said) + "."


def section(model: type[BaseModel], *, level: int = 3) -> str:
    """One model: its heading, what it says, who may send it, its fields."""
    tag = model.model_fields.get("type")
    name = f"`{tag.default}`" if tag is not None else model.__name__
    lines = [f"{'#' * level} {name}", "", inspect.cleandoc(model.__doc__ or "").replace("\n", " ")]
    if tag is not None and issubclass(model, messages.Command):
        lines += ["", rule_of(MESSAGES[tag.default])]
    rows = [
        f"| `{field}` | {type_of(info.annotation)} | {limits_of(info.metadata)} | {default_of(info)} |"
        for field, info in model.model_fields.items()
        if field != "type"
    ]
    if rows:
        lines += ["", "| field | type | bounds | if left out |", "|---|---|---|---|", *rows]
    return "\n".join(lines)


def parts() -> list[type[BaseModel]]:
    """Models that stand inside others, in the order in which they are met."""
    tagged = {
        model for union in ("ClientMessage", "Event", "ServerMessage") for model in models(union)
    }
    found: list[type[BaseModel]] = []

    def look(annotation: Any) -> None:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            if annotation not in tagged and annotation not in found:
                found.append(annotation)
                for info in annotation.model_fields.values():
                    look(info.annotation)
            return
        for inner in get_args(annotation):
            look(inner)

    for model in sorted(tagged, key=lambda one: one.__name__):
        for info in model.model_fields.values():
            look(info.annotation)
    return found


def render() -> str:
    """The whole page."""
    values = [
        f"- **Phase** {', '.join(f'`{phase}`' for phase in Phase)}",
        f"- **Role** {', '.join(f'`{role}`' for role in Role)}",
    ]
    blocks = [
        HEAD,
        "## Client to server",
        *(section(model) for model in models("ClientMessage")),
        "## Server to client",
        *(section(model) for model in models("ServerMessage")),
        "## Events",
        *(section(model) for model in models("Event")),
        "## Parts",
        "\n".join(values),
        *(section(model) for model in parts()),
    ]
    return "\n\n".join(block.strip("\n") for block in blocks) + "\n"


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
