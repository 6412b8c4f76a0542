"""/api/v1/openapi.json (OpenAPI 3.1), made from the same declarations that parse the input and write the answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import click
from flask import Flask, Response, current_app
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from app.api.v1.blueprint import PREFIX, bp
from app.api.v1.operations import ATTRIBUTE, Operation, operation
from app.api.v1.schemas import Problem
from app.core import policy
from app.core.policy import public

REF = "#/components/schemas/{model}"
ARGUMENT = re.compile(r"<(?:(\w+):)?(\w+)>")
TEXTS = {
    401: "No live token, or the proof of identity was refused.", 403: "Not allowed.", 404: "Not there, or not yours.",
    409: "The state does not allow it, or the key is in use.", 410: "Erased as promised.", 413: "Too large.",
    415: "Another media type is needed.",
    422: "Something in the input must be corrected.", 429: "Too often; see Retry-After.", 503: "Out of reach.",
}  # fmt: skip
KEY_HEADER = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "description": "The same key and body get the first answer again for 24 hours; another body is 409.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}  # fmt: skip


def install(app: Flask) -> None:
    @app.cli.command("openapi")
    def command() -> None:
        """Print the API's description."""
        click.echo(json.dumps(document(app), ensure_ascii=False, indent=2))


@bp.get("/openapi.json")
@public("the description of the API holds nothing secret")
@operation("This document", answers={200: None})
def openapi_document() -> Response:
    return Response(json.dumps(document(current_app)), mimetype="application/json")


def document(app: Flask) -> dict[str, Any]:
    """The whole description of what the URL map has under /api/v1."""
    schemas, models = _schemas(app)
    paths: dict[str, dict[str, Any]] = {}
    for rule, method, found in operations(app):
        path = ARGUMENT.sub(r"{\2}", rule.rule)
        paths.setdefault(path, {})[method.lower()] = _operation(app, rule, method, found, schemas, models)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Service portal, mini-program API", "version": "1"},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": models,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def operations(app: Flask) -> Iterator[tuple[Rule, str, Operation]]:
    """Every rule and method under the prefix; AttributeError for a view that was not declared."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(PREFIX):
            found: Operation = getattr(app.view_functions[rule.endpoint], ATTRIBUTE)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method, found


def _schemas(app: Flask) -> tuple[dict[tuple[type[BaseModel], str], Any], dict[str, Any]]:
    wanted: dict[tuple[type[BaseModel], Any], None] = {(Problem, "serialization"): None}
    for _rule, _method, found in operations(app):
        wanted.update({(m, "validation"): None for m in (found.body, found.query) if m is not None})
        wanted.update({(m, "serialization"): None for m in found.answers.values() if m is not None})
    refs, definitions = models_json_schema(list(wanted), ref_template=REF)
    return dict(refs), definitions["$defs"]  # type: ignore[arg-type]


def _operation(
    app: Flask, rule: Rule, method: str, found: Operation, refs: dict[tuple[type[BaseModel], str], Any],
    models: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    mark = policy.mark_of(app, rule.endpoint)
    keyed = method == "POST" and found.idempotent
    made: dict[str, Any] = {
        "operationId": rule.endpoint.removeprefix("api."),
        "summary": found.summary,
        "parameters": [*_path(rule), *_query(found, refs, models), *([KEY_HEADER] if keyed else [])],
        "responses": _responses(found, refs, closed=mark is not None and mark.kind == "customer", keyed=keyed),
    }
    if mark is not None and mark.kind == "customer":
        made["security"] = [{"token": []}]
    if found.body is not None:
        made["requestBody"] = {"required": True, "content": _body(found, refs, models)}
    return made


def _path(rule: Rule) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True,
         "schema": {"type": "string", "format": "uuid"} if kind == "uuid" else {"type": "string"}}
        for kind, name in ARGUMENT.findall(rule.rule)
    ]  # fmt: skip


def _query(found: Operation, refs: Any, models: dict[str, Any]) -> list[dict[str, Any]]:
    if found.query is None:
        return []
    model = models.pop(_name(refs[found.query, "validation"]), None) or found.query.model_json_schema()
    needed = model.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": schema}
        for name, schema in model["properties"].items()
    ]


def _body(found: Operation, refs: Any, models: dict[str, Any]) -> dict[str, Any]:
    assert found.body is not None
    ref = refs[found.body, "validation"]
    if not found.files:
        return {"application/json": {"schema": ref}}
    model = dict(models[_name(ref)])
    parts = {
        name: {"type": "array", "minItems": part.least, "maxItems": part.most,
               "items": {"type": "string", "format": "binary"}}
        for name, part in found.files.items()
    }  # fmt: skip
    model["properties"] = {**model["properties"], **parts}
    model["required"] = [*model.get("required", ()), *(name for name, part in found.files.items() if part.least)]
    encoding = {name: {"contentType": part.types} for name, part in found.files.items()}
    return {"multipart/form-data": {"schema": model, "encoding": encoding}}


def _responses(found: Operation, refs: Any, *, closed: bool, keyed: bool) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for status, model in found.answers.items():
        content = {} if model is None else {"content": {"application/json": {"schema": refs[model, "serialization"]}}}
        made[str(status)] = {"description": "Done.", **content}
    codes: dict[int, tuple[str, ...]] = dict(found.problems)
    if closed:
        codes[401] = (*codes.get(401, ()), "unauthenticated")
        codes.setdefault(403, ("forbidden",))
    codes[422] = tuple(dict.fromkeys(("invalid", *codes.get(422, ()))))  # an unknown query parameter, at least
    if found.body is not None:
        codes.setdefault(413, ("too_large",))
        codes.setdefault(415, ("unsupported_media",))
    if keyed:
        codes[409] = (*codes.get(409, ()), "idempotency_mismatch", "in_progress")
        codes[422] = (*codes.get(422, ()), "idempotency_key_invalid")
    for status, names in sorted(codes.items()):
        text = f"{TEXTS[status]} Codes: {', '.join(names)}."
        made[str(status)] = {
            "description": text,
            "content": {"application/problem+json": {"schema": refs[Problem, "serialization"]}},
        }
    return made


def _name(ref: dict[str, Any]) -> str:
    return str(ref["$ref"]).rsplit("/", 1)[1]
