"""Errors as people and programs see them: one short page, or RFC 9457 for /api and /wechat; never a trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, g, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError, NotFound

from app.core import policy
from app.core.errors import Conflict, DomainError, Invalid, StepUpRequired, TooManyRequests, Unauthenticated
from app.core.registry import Registry
from app.core.web import fragment_requested, problem, wants_json
from app.ui.frame import here, url_or_none

SAFE = ("GET", "HEAD")
# Each may keep a form that came without a session, and answers with the address at which it waits after the sign-in.
lost_sessions: Registry[Callable[[], str | None]] = Registry("keepers of lost forms")


@dataclass(frozen=True, slots=True)
class Say:
    """What a page says: title, what happened, what to do next."""

    title: Any
    text: Any
    step: Any


_HELD = _l("登录已结束。刚才填写的内容已加密保存，登录后接着提交。")
_HOME = _l("回到今日，或用 Ctrl K 查找。")
_AGAIN = _l("过一会儿再试；仍不行时，请把下面的请求编号告诉管理员。")
SAYINGS: Mapping[int, Say] = {
    400: Say(
        _l("请求无法处理"), _l("发来的内容不完整或格式不对，没有改动任何内容。"), _l("请返回上一页，刷新后再试。")
    ),
    401: Say(_l("需要登录"), _l("登录已结束，刚才的内容没有保存。"), _l("登录后请重做这一步。")),
    403: Say(_l("没有权限"), _l("您的账号不能做这件事。"), _l("需要时请向管理员申请。")),
    404: Say(_l("没有找到"), _l("没有这一页，或它不在您的范围内。"), _HOME),
    405: Say(_l("不能这样打开"), _l("这个地址只接受页面上的按钮，没有改动任何内容。"), _l("请从页面上操作。")),
    409: Say(
        _l("内容已有变化"),
        _l("这一项刚刚被改动，您的操作没有执行，请看最新内容后再决定。"),
        _l("返回上一页可以看到刚才填写的内容。"),
    ),
    410: Say(_l("内容已删除"), _l("它曾经存在，已按期删除，无法找回。"), _HOME),
    413: Say(_l("文件过大"), _l("发来的内容超过上限，没有保存。"), _l("请压缩或分次上传。")),
    415: Say(_l("格式不支持"), _l("不支持这种文件格式，没有保存。"), _l("请换用 JPEG、PNG 或 WebP 图片。")),
    422: Say(_l("内容需要更正"), _l("有内容不符合要求，没有保存。"), _l("请返回上一页更正。")),
    429: Say(_l("操作过于频繁"), _l("为了安全，暂时不能继续。"), _l("请稍后再试。")),
    500: Say(_l("出错了"), _l("是我们的问题，没有改动任何内容。"), _AGAIN),
    503: Say(_l("暂时不可用"), _l("服务的一部分没有应答，没有改动任何内容。"), _AGAIN),
}
CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media", 500: "internal"}


def install(app: Flask) -> None:
    app.register_error_handler(DomainError, on_domain_error)
    app.register_error_handler(HTTPException, on_http_error)


def on_domain_error(error: DomainError) -> ResponseReturnValue:
    """A refusal of our own, with its facts."""
    if wants_json():
        return _problem(error)
    if isinstance(error, Unauthenticated):
        return _to_sign_in()
    if isinstance(error, StepUpRequired) and (url := _step_up_url()):
        if request.method in SAFE or fragment_requested():
            return _go(url)
        return _page(error.status, text=error.message, step=_l("确认后请重做这一步。"), link=(url, _l("再次输入密码")))
    extra = {"conflict": error} if isinstance(error, Conflict) else {}
    response = _page(error.status, text=error.message, **extra)
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def on_http_error(error: HTTPException) -> ResponseReturnValue:
    """Werkzeug's errors; redirects it raises pass unchanged."""
    status = error.code or 500
    if status < 400:
        return error.get_response()
    if isinstance(error, NotFound) and not wants_json() and policy.current_actor().kind == "anonymous":
        return _page(404, step=_l("请核对地址，或先登录。"))
    if wants_json():
        say = SAYINGS.get(status, SAYINGS[400])
        answer = problem(status, CODES.get(status, "bad_request"), say.text, request_id=_request_id())
    elif isinstance(error, CSRFError):
        answer = _page(400, text=_l("页面停留过久或登录已变，没有改动任何内容。"))
    else:
        answer = _page(status)
    if status == 405 and getattr(error, "valid_methods", None):
        answer.headers["Allow"] = ", ".join(error.valid_methods or ())  # type: ignore[attr-defined]
    if not isinstance(error, InternalServerError) and (after := getattr(error, "retry_after", None)):
        answer.headers["Retry-After"] = str(after)
    return answer


def _problem(error: DomainError) -> Response:
    members: dict[str, Any] = {"request_id": _request_id(), **error.facts}
    if isinstance(error, Invalid) and error.fields:
        members["errors"] = {
            name: [str(m) for m in (found if isinstance(found, (list, tuple)) else [found])]
            for name, found in error.fields.items()
        }
    response = problem(error.status, error.code, error.message, **members)
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _page(status: int, *, text: Any = None, step: Any = None, link: Any = None, **extra: Any) -> Response:
    say = SAYINGS.get(status, SAYINGS[500 if status >= 500 else 400])
    facts = {"status": status, "title": say.title, "text": text or say.text, "step": step or say.step, "link": link}
    facts |= {"conflict": None, "request_id": _request_id(), **extra}
    template = "ui/error_fragment.html" if fragment_requested() else "ui/error.html"
    response = make_response(render_template(template, **facts), status)
    response.headers["Cache-Control"] = "no-store"
    return response


def _to_sign_in() -> ResponseReturnValue:
    """After the sign-in one stands where one was; a form that came too late waits there with its words."""
    came = here() if request.method in SAFE and not fragment_requested() else ""
    held = ""
    if request.method not in SAFE:
        held = next((url for url in (keep() for keep in lost_sessions) if url), "")
        came = held
    url = (url_or_none("staff.login") or "/login") + (f"?{urlencode({'next': came})}" if came else "")
    if request.method in SAFE or fragment_requested():
        return _go(url)
    if held:
        return _page(401, text=_HELD, step=_l("请在一小时内用同一个账号登录。"), link=(url, _l("登录后继续")))
    return _page(401, link=(url, _l("去登录")))


def _step_up_url() -> str | None:
    came = here() if request.method in SAFE and not fragment_requested() else "/"
    return url_or_none("staff.step_up", next=came)


def _go(url: str) -> ResponseReturnValue:
    """A redirect that htmx follows with the whole page."""
    if fragment_requested():
        response = make_response("", 401)
        response.headers["HX-Redirect"] = url
        return response
    return redirect(url)


def _request_id() -> str:
    return str(g.get("request_id", ""))
