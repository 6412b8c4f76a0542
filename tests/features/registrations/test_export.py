"""The queue as a file: leads with a fresh sign-in, no names in it, an event for it."""

from __future__ import annotations

import io
from datetime import timedelta

import sqlalchemy as sa
from python_calamine import CalamineWorkbook

from app.core import clock
from app.core.audit.models import AuditEvent
from app.core.db import db
from tests.factories import staff

LEAD = ("reviewer", None, True)


def test_a_lead_exports_the_queue_without_names(app):
    client = staff.signed_in(app, LEAD)
    answer = client.get("/registrations/export")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert answer.status_code == 200 and "attachment" in answer.headers["Content-Disposition"]
    assert "编号" in rows[0] and "申请人" not in rows[0]
    with app.app_context():
        assert "worklist.exported" in list(db.session.scalars(sa.select(AuditEvent.event)))


def test_without_the_right_or_a_fresh_sign_in_there_is_no_file(app):
    assert staff.signed_in(app, "reviewer").get("/registrations/export").status_code == 403
    stale = staff.client_of(app, staff.member(app, LEAD).id, signed_in_at=clock.now() - timedelta(minutes=11))
    assert stale.get("/registrations/export").status_code in (302, 303, 403)


def test_an_unknown_format_is_said(app):
    assert staff.signed_in(app, LEAD).get("/registrations/export?format=exe").status_code == 422
