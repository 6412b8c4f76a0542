"""``@operation``: one declaration per call, from which input is parsed, answers are written and OpenAPI is made.

It stands below the policy mark. The handler gets ``body`` and ``query`` as validated models and returns a model, or
``(status, model)``, ``None`` for 204, or a ready Response. What a model does not know is refused; messages never
repeat what was sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from flask import Response, current_app, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from pydantic import BaseModel, ConfigDict, ValidationError
from werkzeug.datastructures import MultiDict

from app.api.v1 import idempotency
from app.core import incoming
from app.core.errors import Invalid, UnsupportedMedia
from app.core.files.images import MAX_BYTES

ATTRIBUTE = "__operation__"
JSON_MAX_BYTES = 64 * 1024
FIELDS_MAX_BYTES = 1024 * 1024  # of a multipart body, beside its files
Handler = Callable[..., Any]

SENTENCES: Mapping[str, Any] = {
    "missing": _l("请填写。"),
    "blank": _l("请填写。"),
    "string_too_short": _l("请填写。"),
    "extra_forbidden": _l("没有这一项。"),
    "unseen_characters": _l("含有不可见的控制字符，请重新输入。"),
    "json_invalid": _l("不是有效的 JSON。"),
    "repeated": _l("只能填写一次。"),
    "badge_consent_required": _l("需要您单独同意提交证件照片。"),
    "adult_required": _l("本服务只面向年满 18 周岁的人。"),
    "one_way": _l("请只用一种方式登录。"),
    "place_required": _l("请选择，或填写名称。"),
}
LEADING_CODES = ("badge_consent_required", "adult_required")  # named in ``code`` whatever else is wrong


class Strict(BaseModel):
    """What comes in."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Answer(BaseModel):
    """What goes out."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)


@dataclass(frozen=True, slots=True)
class Files:
    """A name under which files travel: how many, and of which types the document says that they are."""

    least: int
    most: int
    types: str = "image/jpeg, image/png, image/webp"


@dataclass(frozen=True, slots=True)
class Operation:
    """The declaration."""

    summary: str
    body: type[Strict] | None = None
    query: type[Strict] | None = None
    files: Mapping[str, Files] = field(default_factory=dict)  # by name of the part: the body is multipart then
    answers: Mapping[int, Any] = field(default_factory=dict)  # status -> model, or None for no body
    problems: Mapping[int, tuple[str, ...]] = field(default_factory=dict)  # status -> stable codes
    idempotent: bool = True  # for POST: whether it honours Idempotency-Key


def operation(summary: str, **declared: Any) -> Callable[[Handler], Handler]:
    """Declare and wrap a handler."""
    found = Operation(summary, **declared)

    def decorate(view: Handler) -> Handler:
        @wraps(view)
        def call(**values: Any) -> ResponseReturnValue:
            most = sum(part.most for part in found.files.values())
            request.max_content_length = most * MAX_BYTES + FIELDS_MAX_BYTES if most else JSON_MAX_BYTES
            if found.idempotent and request.method == "POST":
                replay = idempotency.reserve()
                if replay is not None:
                    return replay
            if found.body is not None:
                values["body"] = _form(found) if found.files else _json(found.body)
            if found.query is not None:
                values["query"] = from_strings(found.query, request.args)
            elif request.args:
                raise Invalid(fields={name: [SENTENCES["extra_forbidden"]] for name in request.args})
            response = _respond(current_app.ensure_sync(view)(**values))
            idempotency.keep(response)
            return response

        setattr(call, ATTRIBUTE, found)
        return call

    return decorate


def _json(model: type[Strict]) -> Strict:
    if request.mimetype != "application/json":
        raise UnsupportedMedia(_l("请以 application/json 发送。"))
    sent = request.get_data()
    try:
        incoming.refuse(incoming.unstorable(json.loads(sent)) if b"\\u" in sent else ())
        return model.model_validate_json(sent, strict=True)
    except ValidationError as error:
        raise invalid(error) from None
    except (ValueError, RecursionError):
        raise Invalid(fields={"body": [SENTENCES["json_invalid"]]}) from None


def _form(found: Operation) -> Strict:
    assert found.body is not None
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMedia(_l("请以 multipart/form-data 发送。"))
    odd = [name for name in request.files if name not in found.files]
    if odd:
        raise Invalid(fields={name: [SENTENCES["extra_forbidden"]] for name in odd})
    _count(found)
    return from_strings(found.body, request.form)


def _count(found: Operation) -> None:
    wrong: dict[str, list[Any]] = {}
    for name, part in found.files.items():
        sent = len(request.files.getlist(name))
        if not part.least <= sent <= part.most:
            wrong[name] = [_l("请提交 %(least)s 到 %(most)s 个文件。", least=part.least, most=part.most)]
    if wrong:
        raise Invalid(fields=wrong)


def from_strings(model: type[Strict], values: MultiDict[str, str]) -> Any:
    """A model from form fields or a query, each given once. Raises Invalid."""
    repeated = [name for name in values if len(values.getlist(name)) > 1]
    if repeated:
        raise Invalid(fields={name: [SENTENCES["repeated"]] for name in repeated})
    try:
        return model.model_validate_strings(values.to_dict(), strict=True)
    except ValidationError as error:
        raise invalid(error) from None


def invalid(error: ValidationError) -> Invalid:
    """Field by field, in the caller's language, without what was sent."""
    fields: dict[str, list[Any]] = {}
    kinds = set()
    for item in error.errors(include_url=False, include_input=False):
        kind, context = item["type"], item.get("ctx", {})
        name = ".".join(str(part) for part in (context.get("field"), *item["loc"]) if part is not None) or "body"
        if kind == "missing" and name in ("badge_consent", "is_adult"):
            kind = "badge_consent_required" if name == "badge_consent" else "adult_required"
        kinds.add(kind)
        fields.setdefault(name, []).append(_sentence(kind, context))
    code = next((code for code in LEADING_CODES if code in kinds), "invalid")
    return Invalid(fields=fields, code=code)


def _sentence(kind: str, context: Mapping[str, Any]) -> Any:
    if kind == "string_too_long":
        return _l("最多 %(limit)s 个字。", limit=context["max_length"])
    return SENTENCES.get(kind, _l("格式不正确。"))


def _respond(answer: Any) -> Response:
    if isinstance(answer, Response):
        return answer
    status, model = answer if isinstance(answer, tuple) else (200 if answer is not None else 204, answer)
    if model is None:
        return Response(status=status)
    return Response(model.model_dump_json(), status=status, mimetype="application/json")
