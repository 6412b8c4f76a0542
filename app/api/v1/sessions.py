"""Signing in and out: login codes, sessions."""

from __future__ import annotations

from datetime import timedelta

from flask import Response, request
from flask_babel import lazy_gettext as _l

from app.api.v1 import views
from app.api.v1.blueprint import bp
from app.api.v1.operations import operation
from app.api.v1.schemas import LoginCodeRequest, SessionOut, SessionRequest
from app.api.v1.wechat import shown_by
from app.core import devices, throttle
from app.core.db import db
from app.core.errors import TooManyRequests
from app.core.masking import to_e164
from app.core.policy import Actor, current_actor, customer, public
from app.core.unit_of_work import evidence
from app.core.web import client_address, problem
from app.customers import service
from app.customers.service import Proof

# failed sign-ins of one address; a hospital's people share one
FAILURES = ((60, timedelta(minutes=10)), (600, timedelta(days=1)))
BUCKET = "session.address"
REFUSALS = {
    "code_wrong": (401, _l("验证码不正确。")),
    "code_expired": (401, _l("验证码已过期，请重新获取。")),
    "code_used": (401, _l("验证码已使用过，请重新获取。")),
    "code_locked": (401, _l("输错次数过多，请重新获取验证码。")),
    "wechat_refused": (401, _l("微信登录码无效或已使用，请重试。")),
    "wechat_unknown": (401, _l("这个微信尚未绑定手机号码，请用手机号码登录。")),
    "name_required": (403, _l("账号长期未使用，请填写注册时的姓名。")),
    "name_wrong": (403, _l("姓名与注册时的不一致。")),
    "account_frozen": (403, _l("账号已冻结，我们会与您联系核实。")),
    "audience_not_available": (422, _l("这个验证码用于另一个网站，尚不能在此登录。")),
}


@bp.post("/login-codes")
@public("whoever has no session asks for a code; known and unknown numbers are answered alike")
@operation(
    "Send a login code", body=LoginCodeRequest, answers={202: None}, idempotent=False,
    problems={422: ("phone_invalid",), 429: ("too_many_requests",)},
)  # fmt: skip
def send_login_code(body: LoginCodeRequest) -> Response:
    seconds = service.throttle_codes(body.phone, client_address())
    if seconds is not None:
        raise TooManyRequests(retry_after=seconds)
    service.send_code(body.phone, body.audience)
    return Response(status=202)


@bp.post("/sessions")
@public("signing in")
@operation(
    "Sign in", body=SessionRequest, answers={201: SessionOut}, idempotent=False,
    problems={
        401: ("code_wrong", "code_expired", "code_used", "code_locked", "wechat_refused", "wechat_unknown"),
        403: ("name_required", "name_wrong", "account_frozen"), 422: ("audience_not_available", "phone_invalid"),
        429: ("too_many_requests",), 503: ("wechat_unavailable",),
    },
)  # fmt: skip
def create_session(body: SessionRequest) -> object:
    _refuse_flood()
    shown = shown_by(body.wechat_code, body.wechat_phone_code)
    if shown is None:
        return _refused("wechat_refused")
    number = to_e164(body.phone) if body.phone is not None else shown.phone
    proof = Proof(
        phone=number, code=body.code, appid=shown.appid, openid=shown.openid, unionid=shown.unionid, name=body.name,
        device=devices.words(request.headers.get("User-Agent", "")),
    )  # fmt: skip
    found = service.sign_in(proof)
    if found.refusal is not None or found.customer is None or found.expires_at is None:
        return _refused(found.refusal or "code_wrong")
    actor = Actor("customer", found.customer.id)
    return 201, SessionOut(
        token=found.token, expires_at=found.expires_at, customer=views.customer_out(actor, found.customer)
    )


@bp.delete("/sessions/current")
@customer()
@operation("Sign out", answers={204: None})
def end_session() -> None:
    service.sign_out(current_actor())


def _refuse_flood() -> None:
    with evidence() as session:
        seconds = throttle.wait(session, BUCKET, client_address(), FAILURES)
    if seconds is not None:
        raise TooManyRequests(retry_after=seconds)


def _refused(code: str) -> Response:
    """A returned answer: what was counted stays counted (decisions.md 6)."""
    throttle.hit(db.session(), BUCKET, client_address(), FAILURES)
    status, words = REFUSALS[code]
    response = problem(status, code, words)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
