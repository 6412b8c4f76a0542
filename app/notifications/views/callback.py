"""WeChat's callback address."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue

import config
from app.core.policy import public
from app.core.web import problem
from app.notifications import callback, service
from app.notifications.wechat.crypto import CallbackRefused

bp = Blueprint("wechat", __name__, url_prefix="/wechat")
log = logging.getLogger(__name__)
MAX_CALLBACK = 64 * 1024
WHY = "WeChat's server calls it; the signature is checked before anything else"


@bp.get("/callback")
@public(WHY)
def check() -> ResponseReturnValue:
    """WeChat's check of the address: the signature holds, so its word is sent back."""
    try:
        text = callback.echo(_settings(), _query(), request.args.get("echostr", ""))
    except CallbackRefused as refused:
        return _refuse(refused)
    return Response(text, content_type="text/plain; charset=utf-8")


@bp.post("/callback")
@public(WHY)
def receive() -> ResponseReturnValue:
    """One event, in safe mode only. A repeated event is answered and not taken again."""
    request.max_content_length = MAX_CALLBACK
    try:
        callback.receive(_settings(), _query(), request.get_data(cache=False), service.report_delivery)
    except CallbackRefused as refused:
        return _refuse(refused)
    return Response("success", content_type="text/plain; charset=utf-8")


def _settings() -> config.WeChat:
    settings: config.Settings = current_app.extensions["settings"]
    return settings.wechat


def _query() -> callback.Query:
    names = ("timestamp", "nonce", "signature", "msg_signature", "encrypt_type")
    return callback.Query(**{name: request.args.get(name, "")[:128] for name in names})


def _refuse(refused: CallbackRefused) -> Response:
    """A returned answer, so that a remembered nonce stays remembered."""
    log.warning("wechat callback refused: %s", refused)
    return problem(403, "callback_refused", "The call is not from WeChat, or was taken before.")
