"""Writes the browser's types: every model of the wire as a JSDoc typedef.

`make wire` (`python -m web.wire`) writes `web/static/js/wire.js`; a test compares the file with the
models. What the browser sends may leave out fields that have a default; what it receives is whole.
"""

from __future__ import annotations

import inspect
import types
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from rooms import messages
from rooms.phases import Phase, Role

TARGET = Path(__file__).parent / "static" / "js" / "wire.js"
ENUMS: tuple[type[StrEnum], ...] = (Phase, Role)
MODULES = ("rooms.commands", "rooms.events", "rooms.messages")
UNIONS = ("ClientMessage", "Event", "ServerMessage")
BASES = (messages.Wire, messages.Command, messages.WritingCommand)
HEAD = """\
// Types of the wire, written from rooms/{commands,events,messages}.py by `make wire`: change them there.
// Nothing here runs; other modules name these types in their JSDoc.
"""
PLAIN: dict[Any, str] = {str: "string", int: "number", float: "number", bool: "boolean"}


def type_of(annotation: Any) -> str:
    """The TypeScript spelling of a field's annotation."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return type_of(get_args(annotation)[0])
    if origin is Literal:
        return "|".join(f'"{value}"' for value in get_args(annotation))
    if origin in (Union, types.UnionType):
        return "|".join(type_of(part) for part in get_args(annotation))
    if origin is tuple:
        inner = type_of(get_args(annotation)[0])
        return f"({inner})[]" if "|" in inner else f"{inner}[]"
    if origin is dict:
        key, value = get_args(annotation)
        return f"Record<{type_of(key)}, {type_of(value)}>"
    if annotation is None or annotation is type(None):
        return "null"
    if annotation in PLAIN:
        return PLAIN[annotation]
    if isinstance(annotation, type) and issubclass(annotation, (BaseModel, StrEnum)):
        return annotation.__name__
    raise TypeError(f"no browser type for {annotation!r}")


def models() -> list[type[BaseModel]]:
    """All models of the wire, in their files' order."""
    found = [
        value
        for value in vars(messages).values()
        if inspect.isclass(value)
        and issubclass(value, messages.Wire)
        and value.__module__ in MODULES
        and value not in BASES
    ]
    return sorted(
        found,
        key=lambda model: (MODULES.index(model.__module__), inspect.getsourcelines(model)[1]),
    )


def typedef(model: type[BaseModel]) -> str:
    """One model as a typedef; commands may leave out what has a default, `type` always stands."""
    sent = issubclass(model, messages.Command)
    fields = []
    for name, field in model.model_fields.items():
        optional = sent and name != "type" and not field.is_required()
        fields.append(f"{name}{'?' if optional else ''}: {type_of(field.annotation)}")
    doc = " ".join((model.__doc__ or "").split())
    return f"// {doc}\n/** @typedef {{{{{', '.join(fields)}}}}} {model.__name__} */"


def values_of(enum: type[StrEnum]) -> str:
    """The values of an enumeration, as a union of literals."""
    return "|".join(f'"{item.value}"' for item in enum)


def union(name: str) -> str:
    """A tagged union of the wire as a typedef."""
    members = get_args(get_args(getattr(messages, name))[0])
    spelled = "|".join(member.__name__ for member in members)
    return f"/** @typedef {{{spelled}}} {name} */"


def writing_types() -> list[str]:
    """The `type`s of commands that write rows, and so carry a key."""
    return [
        model.model_fields["type"].default
        for model in models()
        if issubclass(model, messages.WritingCommand)
    ]


def render() -> str:
    """The whole of `wire.js`."""
    enums = [f"/** @typedef {{{values_of(enum)}}} {enum.__name__} */" for enum in ENUMS]
    parts = [
        HEAD,
        *enums,
        *(typedef(model) for model in models()),
        *(union(name) for name in UNIONS),
    ]
    return "\n\n".join(parts) + "\n\nexport {};\n"


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
