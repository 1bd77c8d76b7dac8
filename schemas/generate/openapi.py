"""The OpenAPI 3.1 document of the board's API: paths here, what they answer from schemas/board.py."""

import json
from typing import Any, Final

import msgspec

from schemas.board import Change, Port, Problem, Site

Node = dict[str, Any]

_MODELS: Final = (Port, Site, Change, Problem)
_REF: Final = "#/components/schemas/{name}"
PREFIX: Final = "/api/v1"


def text() -> str:
    """The document as JSON, as it is committed and served."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def document() -> Node:
    """The document as plain data."""
    _, schemas = msgspec.json.schema_components(_MODELS, ref_template=_REF)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "quaystream board",
            "version": "1.0.0",
            "description": "The port as it stands: read only, one look at the database a second for all who ask. "
            "Unknown numbers are null; `at` is the database's clock, `heard_at` how old a thing's word is.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": {
            f"{PREFIX}/port": {"get": _get("getPort", "The whole port.", _json("Port"))},
            f"{PREFIX}/sites/{{site}}": {
                "get": _get("getSite", "One site.", _json("Site"), {"404": _problem("There is no such site.")}),
                "parameters": [_site_parameter()],
            },
            f"{PREFIX}/stream": {"get": _get("streamChanges", _STREAM, _events())},
            f"{PREFIX}/openapi.json": {"get": {"operationId": "getDocument", "responses": {"200": _document()}}},
        },
        "components": {"schemas": dict(sorted(schemas.items()))},
    }


_STREAM: Final = (
    "Server-sent events without end, one a second: `change` with a Change, the whole port first; `trouble` while the "
    "database does not answer, and what was sent before grows old."
)


def _get(name: str, summary: str, answer: Node, more: Node | None = None) -> Node:
    away = {"503": _problem("The database does not answer, or too many watch.")}
    return {"operationId": name, "summary": summary, "responses": {"200": answer, **(more or {}), **away}}


def _json(model: str) -> Node:
    return {"description": "As of now.", "content": {"application/json": {"schema": _ref(model)}}}


def _events() -> Node:
    return {"description": "The stream.", "content": {"text/event-stream": {"schema": {"type": "string"}}}}


def _document() -> Node:
    return {"description": "This document.", "content": {"application/json": {"schema": {"type": "object"}}}}


def _problem(why: str) -> Node:
    return {"description": why, "content": {"application/problem+json": {"schema": _ref("Problem")}}}


def _site_parameter() -> Node:
    schema = {"type": "string", "minLength": 1, "maxLength": 64}
    return {"name": "site", "in": "path", "required": True, "schema": schema, "example": "VNHPH-TANVU"}


def _ref(model: str) -> Node:
    return {"$ref": _REF.format(name=model)}
