"""The JSON API described (OpenAPI 3.1), from the models of `web/api.py`; and its routes."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from web import api

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Problem(BaseModel):
    """A refusal (RFC 9457): `code` is stable, `detail` a sentence for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to ask: its path, who answers, what may be asked and what comes."""

    name: str
    path: str
    handler: Handler
    summary: str
    answer: type[BaseModel]
    query: type[BaseModel] | None = None
    key: str | None = None


OPERATIONS = (
    Operation(
        "api_shows", "/api/shows", api.shows, "Shows of the catalogue", api.ShowList, api.ShowQuery
    ),
    Operation("api_show", "/api/shows/{show}", api.show, "One show", api.ShowEntry, key="show"),
    Operation(
        "api_recordings",
        "/api/recordings",
        api.recordings,
        "Public recordings",
        api.RecordingList,
        api.RecordingQuery,
    ),
    Operation(
        "api_recording",
        "/api/recordings/{recording}",
        api.recording,
        "One public recording",
        api.RecordingEntry,
        key="recording",
    ),
)
REFERENCE = "#/components/schemas/{model}"


def description() -> dict[str, Any]:
    """The whole document."""
    models = [operation.answer for operation in OPERATIONS] + [Problem]
    _, schemas = models_json_schema(
        [(model, "serialization") for model in models], ref_template=REFERENCE
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lämpiö",
            "version": "1",
            "description": "The catalogue of shows and recordings. Texts are by language, times UTC.",
        },
        "paths": {operation.path: {"get": _operation(operation)} for operation in OPERATIONS},
        "components": {"schemas": schemas["$defs"]},
    }


def setup_api(app: web.Application) -> None:
    """Add the API's routes and its description."""
    for operation in OPERATIONS:
        app.router.add_get(operation.path, operation.handler, name=operation.name)
    document = json.dumps(description(), ensure_ascii=False)

    async def openapi(_: web.Request) -> web.Response:
        headers = {"Cache-Control": f"public, max-age={api.FRESH_S}"}
        return web.Response(text=document, content_type="application/json", headers=headers)

    app.router.add_get("/api/openapi.json", openapi, name="api_description")
    app.on_response_prepare.append(api.open_to_all)


def _operation(operation: Operation) -> dict[str, Any]:
    refused = {"400": "The query cannot be understood."} if operation.query else {}
    if operation.key:
        refused["404"] = "There is no such entry, or not for everybody."
    return {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": {
            "200": _content("What was asked for.", "application/json", operation.answer),
            **{
                status: _content(words, "application/problem+json", Problem)
                for status, words in refused.items()
            },
        },
    }


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.key:
        schema = {"type": "string", "minLength": 1, "maxLength": 64}
        return [{"name": operation.key, "in": "path", "required": True, "schema": schema}]
    if operation.query is None:
        return []
    _, schemas = models_json_schema([(operation.query, "validation")])
    whole: dict[str, Any] = schemas["$defs"]
    found = []
    for name, schema in whole[operation.query.__name__]["properties"].items():
        text = schema.pop("description", "")
        # In a query a parameter is left out; there is no null.
        kinds = [kind for kind in schema.pop("anyOf", []) if kind != {"type": "null"}]
        schema = {**schema, **(kinds[0] if kinds else {})}
        schema = {k: v for k, v in schema.items() if v is not None and k != "title"}
        if "$ref" in schema:
            kind = str(schema.pop("$ref")).rpartition("/")[2]
            schema |= {"enum": whole[kind]["enum"], "type": "string"}
        found.append({"name": name, "in": "query", "description": text, "schema": schema})
    return found


def _content(words: str, kind: str, model: type[BaseModel]) -> dict[str, Any]:
    reference = {"$ref": REFERENCE.format(model=model.__name__)}
    return {"description": words, "content": {kind: {"schema": reference}}}
