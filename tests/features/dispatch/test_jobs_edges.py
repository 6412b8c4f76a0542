"""Jobs at their edges: three sends in one moment, wrong input of the smaller forms, a device that comes back, crashes."""

from __future__ import annotations

import io

import pytest

from app.core import clock
from app.core.db import db
from app.core.unit_of_work import unit_of_work
from app.dispatch.models import JobReceipt, Visit
from app.dispatch.service import jobs as verbs
from app.dispatch.service.once import forget
from app.tickets.models import CustodyLeg, PartLine, RepairRecord, TicketEvent, TicketFile
from tests.features.dispatch.people import MONDAY, ticket_of
from tests.features.dispatch.test_jobs import DONE, TYPED, Job, job, photo, png, rows, token  # noqa: F401
from tests.features.tickets.test_depot_races import at_once


def test_arrived_three_times_in_the_same_moment_is_one_event(job: Job):  # noqa: F811
    job.send("accept")
    same, who, dispatch_id = token(), job.who, job.dispatch_id
    acts = [lambda: verbs.arrive(who, dispatch_id, same, "", "in_use")] * 3
    assert at_once(job.app, *acts) == (3, [])
    assert rows(TicketEvent, ticket_id=job.ticket_id, action="arrive_on_site") == 1
    assert rows(JobReceipt, action="arrive") == 1


def test_accepted_twice_in_the_same_moment_is_one_visit(job: Job):  # noqa: F811
    who, dispatch_id = job.who, job.dispatch_id
    acts = [lambda: verbs.accept(who, dispatch_id, token())] * 2
    assert at_once(job.app, *acts) == (2, [])
    assert rows(Visit) == 1 and rows(TicketEvent, ticket_id=job.ticket_id, action="accept_offer") == 1


def test_a_crash_in_the_middle_of_finishing_leaves_nothing_behind(job: Job, monkeypatch):  # noqa: F811
    job.on_site()
    job.send("photos", **photo())
    same = token()
    monkeypatch.setattr(verbs, "end_dispatch", lambda *_a: 1 / 0)
    job.app.config["PROPAGATE_EXCEPTIONS"] = False
    try:
        assert (
            job.send(
                "finish", same, **DONE | {"part_number": "S-1", "part_name": "密封圈", "part_quantity": "1"}
            ).status_code
            == 500
        )
    finally:
        job.app.config["PROPAGATE_EXCEPTIONS"] = None
    assert job.status == "on_site"
    assert rows(RepairRecord) == rows(PartLine) == rows(JobReceipt, token=same) == 0
    monkeypatch.undo()
    assert job.send("finish", same, **DONE).status_code == 303  # the same form, sent again


@pytest.mark.parametrize("window", [{"day": "2026-11-25"}, {"half": "am"}, {"day": "soon", "half": "am"},
                                    {"day": "2026-11-25", "half": "night"}])  # fmt: skip
def test_half_a_window_is_no_window(job: Job, window):  # noqa: F811
    assert job.send("accept", **window).status_code == 422 and job.status == "offered"


def test_accepting_at_another_time_is_judged_for_that_time(job: Job):  # noqa: F811
    far = job.send("accept", day="2027-06-01", half="am")
    assert far.status_code in (409, 422, 503) and job.status == "offered"  # beyond certificate and calendar
    assert job.send("accept", day="2026-11-25", half="pm").status_code == 303
    assert "11-25 13:30–18:00" in job.text()


def test_photos_of_the_wrong_kind_none_or_too_many_are_refused(job: Job):  # noqa: F811
    job.send("accept")
    assert job.send("photos").status_code == 422
    wrong = job.send("photos", photos=(io.BytesIO(b"%PDF-1.4 no picture"), "a.jpg"))
    assert wrong.status_code == 422 and "第 1 张" in wrong.get_data(as_text=True)
    many = job.send("photos", photos=[(io.BytesIO(png()), f"{n}.png") for n in range(10)])
    assert many.status_code == 422 and rows(TicketFile) == 0
    for _time in range(9):
        assert job.send("photos", **photo()).status_code == 303
    assert job.send("photos", **photo()).status_code == 422 and rows(TicketFile) == 9


def test_an_act_of_another_status_is_refused_and_told(job: Job):  # noqa: F811
    for act, data in (("finish", DONE), ("parts", {}), ("stuck", {}), ("deliver", TYPED)):
        assert job.send(act, **data).status_code in (404, 409, 422), act
    job.send("accept")
    assert job.send("finish", **DONE).status_code == 409
    assert job.send("accept").status_code == 303 and rows(Visit) == 1  # accepted already: said, not repeated
    assert job.send("decline", reason="too_far").status_code == 409
    assert job.status == "scheduled"


def test_a_device_is_handed_back_against_a_signature(job: Job):  # noqa: F811
    job.send("accept")
    with unit_of_work():
        row = ticket_of(job.ticket_id)
        row.status = "returning"
        db.session.add(CustodyLeg(ticket_id=row.id, holder="engineer", holder_name="工程甲", opened_at=MONDAY))
    assert "送回签收" in job.text()
    assert job.send("deliver").status_code == 422
    same = token()
    for _time in range(2):
        assert job.send("deliver", same, **TYPED).status_code == 303
    assert job.status == "resolved" and rows(CustodyLeg, closed_at=None) == 0


def test_receipts_go_after_a_month(job: Job):  # noqa: F811
    job.send("accept")
    with unit_of_work():
        assert forget() == 0
    with clock.frozen(MONDAY.replace(month=12, day=24)), unit_of_work():
        assert forget() == 1
