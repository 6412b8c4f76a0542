"""Messages to one person, on that person's page: what was sent, how, and whether it arrived."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask import url_for
from flask_babel import lazy_gettext as _l

from app.core.db import db
from app.core.outbox import Message
from app.core.policy import Actor, Permission
from app.customers.models import Customer
from app.customers.panels import CustomerPanel, customer_panels
from app.notifications import words

SHOWN = 20


def install() -> None:
    panel = CustomerPanel(
        "messages", _l("发给本人的消息"), 40, Permission.CUSTOMERS_READ, "notifications/customer_panel.html", _context
    )
    customer_panels.add(panel.key, panel)


def _context(actor: Actor, customer: Customer) -> Mapping[str, Any]:
    """The newest messages; neither address nor text. One statement."""
    m = Message
    rows = db.session.execute(
        sa.select(m.id, m.template, m.channel, m.state, m.error_code, m.created_at, m.sent_at)
        .where(m.subject_id == customer.subject_id)
        .order_by(m.created_at.desc(), m.id.desc())
        .limit(SHOWN + 1)
    ).all()
    linked = actor.may(Permission.NOTIFICATIONS_READ)
    return {
        "more": len(rows) > SHOWN,
        "messages": [
            {
                "url": url_for("notifications.show", message_id=row.id) if linked else None,
                "what": words.template(row.template),
                "channel": words.channel(row.channel),
                "chip": words.STATES[row.state],
                "error": words.error(row.error_code),
                "at": row.sent_at or row.created_at,
            }
            for row in rows[:SHOWN]
        ],
    }
