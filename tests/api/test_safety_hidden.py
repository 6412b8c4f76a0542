"""A harm told in a report opens a case that the mini program never hears of; its export holds the person's own answer."""

from __future__ import annotations

import sqlalchemy as sa

from app.core.db import db
from app.safety.models import SafetyCase
from tests.api.test_reports import approved, at, monday, report, who  # noqa: F401


def test_a_report_with_a_harm_opens_a_case_of_which_no_answer_of_the_api_shows_a_trace(who, at, work):  # noqa: F811
    answer = report(who, at, patient_harm="yes")
    assert answer.status_code == 201
    number = answer.json["number"]
    with work():
        row = db.session.scalars(sa.select(SafetyCase)).one()
        assert row.how == "mini_program"
        case_number = row.number
    said = [answer.get_data(as_text=True)]
    for path in (
        "/tickets",
        f"/tickets/{number}",
        f"/tickets/{number}/messages",
        "/tickets/count",
        "/tickets?q=漏水",
        "/me",
    ):
        found = who.get(path)
        assert found.status_code == 200, path
        said.append(found.get_data(as_text=True))
    refused = who.post(f"/tickets/{number}/cancel")
    assert (refused.status_code, refused.json["code"]) == (409, "on_hold")
    export = who.get("/me/export")
    assert export.json["classes"]["sensitive"]["ticket_harm"] == [{"number": number, "harm": "yes"}]
    for text in (*said, refused.get_data(as_text=True), export.get_data(as_text=True)):
        for trace in ("SAF-", case_number, "safety", "不良事件", "hold_"):
            assert trace not in text, (trace, text)
