"""/notifications: what went out, what waits, what is stuck."""

from __future__ import annotations

import uuid

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import worklist
from app.core.policy import Permission, current_actor, permit
from app.notifications import queries, service, words
from app.ui import toasts

bp = Blueprint("notifications", __name__, url_prefix="/notifications", template_folder="../templates")
READ, RETRY = Permission.NOTIFICATIONS_READ, Permission.NOTIFICATIONS_RETRY


@bp.get("")
@permit(READ)
def index() -> ResponseReturnValue:
    """The worklist, with channels on hold above it."""
    actor = current_actor()
    page = worklist.page(queries.MESSAGES, actor, request.args)
    return render_template("notifications/index.html", page=page, holds=queries.holds(actor), may=actor.may(RETRY))


@bp.get("/<uuid:message_id>")
@permit(READ)
def show(message_id: uuid.UUID) -> ResponseReturnValue:
    """One message, with what can be done about it."""
    actor = current_actor()
    message = queries.read_message(actor, message_id)
    chip = words.STATES[message.state]
    return render_template("notifications/show.html", message=message, chip=chip, may=actor.may(RETRY))


@bp.post("/<uuid:message_id>/retry")
@permit(RETRY)
def retry(message_id: uuid.UUID) -> ResponseReturnValue:
    """Send a stuck message again."""
    service.retry_message(current_actor(), message_id)
    toasts.show("done", _("已重新排队，稍后发送。"))
    return redirect(url_for(".show", message_id=message_id))


@bp.post("/<uuid:message_id>/give-up")
@permit(RETRY)
def give_up(message_id: uuid.UUID) -> ResponseReturnValue:
    """Close a stuck message."""
    service.give_up_message(current_actor(), message_id)
    toasts.show("done", _("已放弃发送这条消息。"))
    return redirect(url_for(".show", message_id=message_id))


@bp.post("/channels/<channel>/restart")
@permit(RETRY)
def restart(channel: str) -> ResponseReturnValue:
    """Let a channel on hold go on."""
    service.restart_channel(current_actor(), channel)
    toasts.show("done", _("%(channel)s已重新启用。", channel=words.channel(channel)))
    return redirect(url_for(".index"))
