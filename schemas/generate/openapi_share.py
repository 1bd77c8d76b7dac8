"""The OpenAPI 3.1 document of the read API: paths here, what they answer from schemas/api.py."""

import json
from typing import Any, Final

import msgspec

from schemas.api import Grants, Page, Problem

Node = dict[str, Any]

_MODELS: Final = (Grants, Page, Problem)
_REF: Final = "#/components/schemas/{name}"
PREFIX: Final = "/api/v1"
_WORD: Final = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,23}$"}


def text() -> str:
    """The document as JSON, as it is committed and served."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def document() -> Node:
    """The document as plain data."""
    _, schemas = msgspec.json.schema_components(_MODELS, ref_template=_REF)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "quaystream read API",
            "version": "1.0.0",
            "description": "What the contracts of sharing give, to agencies: read only, paged, audited. Tokens carry the "
            "claim `agency` and a scope `share:<purpose>` for each purpose.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": {
            f"{PREFIX}/contracts": {
                "get": _get("listContracts", "The contracts of the token that stand now.", "Grants")
            },
            f"{PREFIX}/data/{{purpose}}/{{table}}": {
                "get": _get("readData", "Rows of a table, oldest first.", "Page", asks=True),
                "parameters": [_in_path("purpose", "supervision"), _in_path("table", "gate_step")],
            },
            f"{PREFIX}/openapi.json": {"get": {"operationId": "getDocument", "security": [], "responses": _document()}},
        },
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _get(name: str, summary: str, model: str, *, asks: bool = False) -> Node:
    answers = {
        "200": {"description": "As of now.", "content": {"application/json": {"schema": _ref(model)}}},
        "401": _problem("The token is not accepted."),
        "429": _problem("Too many requests; `Retry-After` says when."),
        "503": _problem("The database does not answer, or the audit cannot be written."),
    }
    if not asks:
        return {"operationId": name, "summary": summary, "responses": answers}
    answers |= {
        "400": _problem("A parameter is not understood."),
        "403": _problem("The token has no scope for this purpose."),
        "404": _problem("No contract of this agency gives this now."),
    }
    return {"operationId": name, "summary": summary, "parameters": _asked(), "responses": dict(sorted(answers.items()))}


def _asked() -> list[Node]:
    time: Node = {"type": "string", "format": "date-time"}
    return [
        _in_query("since", time, "The first time; an hour before `until` where it is not given."),
        _in_query("until", time, "The time after the last; now where it is not given."),
        _in_query("site", {"type": "string", "maxLength": 64}, "Only this site."),
        _in_query("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}, "Rows of a page."),
        _in_query("after", {"type": "string", "maxLength": 200}, "The `next` of the page before."),
    ]


def _in_query(name: str, schema: Node, description: str) -> Node:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


def _in_path(name: str, example: str) -> Node:
    return {"name": name, "in": "path", "required": True, "schema": _WORD, "example": example}


def _document() -> Node:
    return {"200": {"description": "This document.", "content": {"application/json": {"schema": {"type": "object"}}}}}


def _problem(why: str) -> Node:
    return {"description": why, "content": {"application/problem+json": {"schema": _ref("Problem")}}}


def _ref(model: str) -> Node:
    return {"$ref": _REF.format(name=model)}
