"""The portal in processes of its own, which tests kill: `gunicorn wsgi:app`, and a worker whose channels reach stubs.

As a module this is the worker's application: that of wsgi.py, except that messages go to the addresses in the
settings instead of the development console. ``python -m tests.features.registrations.crash_portal waiting|approved N``
migrates the database and makes N registrations; a line of JSON says what there is.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import timedelta
from typing import Any

import config
from app import create_app
from app.cli.database import upgrade
from app.core import clock
from app.core.db import db
from app.core.policy import Actor
from app.core.unit_of_work import unit_of_work
from app.customers.models import Customer, WechatIdentity
from app.notifications import follow
from app.registrations import service
from app.registrations.models import Registration
from tests.factories import staff
from tests.features.registrations import story as stories

app = create_app(config.load(console_channel=False))


def prepare(kind: str, count: int) -> dict[str, Any]:
    """``waiting``: cases to decide, with cookies of a reviewer and an administrator. ``approved``: their messages are due, by WeChat or SMS."""
    upgrade(app)
    reviewer = staff.member(app, "reviewer")
    with app.app_context():
        with unit_of_work():
            told = stories.begin()
        made = [_case(told, reviewer, approve=kind == "approved") for _ in range(count)]
    return {"reviewer": _cookie(reviewer), "admin": _cookie(staff.member(app, "admin")), "cases": made}


def _cookie(member: Actor) -> str:
    assert member.id is not None
    cookie = staff.client_of(app, member.id).get_cookie(app.extensions["settings"].cookie_name)
    assert cookie is not None
    return cookie.value


def _case(told: stories.Story, reviewer: Actor, *, approve: bool) -> dict[str, str]:
    with clock.advanced(-timedelta(minutes=5)):  # the time for undoing an approval is over
        with unit_of_work():
            row = told.case()
            _follow(row)
            found = {"id": str(row.id), "number": row.number}
        if approve:
            with unit_of_work():
                row = stories.reload(row.id)
                service.approve(reviewer, row.id, stories.take(reviewer, row), stories.APPROVE)
    return found


def _follow(row: Registration) -> None:
    """The applicant follows the official account, when there is one."""
    appid, now = app.extensions["settings"].wechat.official_appid, clock.now()
    if not appid:
        return
    person = db.session.get_one(Customer, row.customer_id)
    openid = f"o-{row.id.hex[:20]}"
    db.session.add(
        WechatIdentity(
            customer_id=person.id, subject_id=person.subject_id, appid=appid, openid=openid, created_at=now,
            last_used_at=now,
        )
    )  # fmt: skip
    follow.set_following(db.session(), appid, openid, True)
    db.session.flush()


if __name__ == "__main__":
    logging.disable(logging.INFO)
    print(json.dumps(prepare(sys.argv[1], int(sys.argv[2]))))
