"""Exports: small ones at once, large ones by a worker; rights, expiry, calling off, a killed worker, one file."""

from __future__ import annotations

import csv
import io
import sys
import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa
from python_calamine import CalamineWorkbook

from app.core import clock, jobs
from app.core import unit_of_work as uow
from app.core.audit.models import AuditEvent
from app.core.db import db
from app.core.files import StoredFile, store
from app.core.unit_of_work import unit_of_work
from app.core.worklist import export
from app.lists.models import ListExport
from app.lists.service import build
from app.lists.workflow import Status, workflow
from app.staff.models import RoleAssignment
from tests.factories import staff
from tests.features.lists.conftest import LEAD, ROWS

EXPORT = "/lists/registrations/export"


@pytest.fixture
def large(monkeypatch):
    """Every file counts as large, is read in steps of three rows and stored in small parts."""
    monkeypatch.setattr(export, "DIRECT", 2)
    monkeypatch.setattr(export, "STEP", 3)
    monkeypatch.setattr(build, "PART_BYTES", 200)


def asked(app, client, post, **data):
    answer = post(client, EXPORT, **{"query": "tab=todo", "format": "csv", "columns": "all", **data})
    assert (answer.status_code, answer.location) == (303, "/exports"), answer.get_data(as_text=True)[:2000]
    return only(app).id


def only(app):
    with app.app_context():
        return db.session.scalars(sa.select(ListExport).order_by(ListExport.created_at.desc())).first()


def work_off(app):
    while jobs.run_one(app):
        pass


def events(app):
    with app.app_context():
        return [e for e in db.session.scalars(sa.select(AuditEvent.event).order_by(AuditEvent.id)) if "export" in e]


def lines_of(answer):
    return list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def test_a_small_file_comes_at_once_and_is_an_event(app, rows, lead, post):
    answer = post(lead, EXPORT, query="tab=todo", format="csv", columns="all")
    lines = lines_of(answer)
    assert answer.status_code == 200 and "attachment" in answer.headers["Content-Disposition"]
    assert len(lines) == ROWS + 1 and "编号" in lines[0] and "申请人" not in lines[0]
    assert sorted(line[0] for line in lines[1:]) == sorted(rows)
    assert events(app) == ["worklist.exported"]
    assert only(app) is None


def test_the_auditor_exports_the_log_by_the_same_mechanism(app, post):
    client = staff.signed_in(app, "auditor")
    answer = post(client, "/lists/audit/export", query="event=list_export", format="csv", columns="all")
    assert answer.status_code == 200 and events(app) == ["worklist.exported"]


def test_the_file_takes_the_chosen_columns_or_all(rows, lead, post):
    post(lead, "/lists/registrations/columns", order=["status", "number"], show=["status"])
    shown = lines_of(post(lead, EXPORT, query="", format="csv", columns="shown"))
    every = lines_of(post(lead, EXPORT, query="", format="csv", columns="all"))
    assert shown[0] == ["状态", "编号"] and len(every[0]) > 6


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_large_one_is_built_by_a_worker_and_downloaded(app, rows, lead, post, large, kind):
    export_id = asked(app, lead, post, format=kind)
    assert "排队" in lead.get("/exports").get_data(as_text=True)
    assert lead.get(f"/exports/{export_id}/file").status_code == 409
    work_off(app)
    row = only(app)
    assert (row.status, row.rows) == (Status.DONE, ROWS)
    assert row.expires_at - row.finished_at == pytest.approx(timedelta(hours=72), abs=timedelta(minutes=1))
    page = lead.get("/exports").get_data(as_text=True)
    assert "下载文件" in page and "every 2s" not in page
    answer = lead.get(f"/exports/{export_id}/file")
    if kind == "csv":
        found = lines_of(answer)
    else:
        found = CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert [line[0] for line in found[1:]] == rows and len(answer.data) == row.size == int(
        answer.headers["Content-Length"]
    )
    assert events(app) == [
        "list_export.requested", "list_export.started", "list_export.finished", "list_export.downloaded",
    ]  # fmt: skip


def test_what_lies_in_the_store_is_in_sealed_parts(app, rows, lead, post, large):
    export_id = asked(app, lead, post)
    work_off(app)
    plain = lead.get(f"/exports/{export_id}/file").data
    with app.app_context():
        files = db.session.scalars(sa.select(StoredFile).where(StoredFile.kind == "list_export")).all()
        assert len(files) == -(-len(plain) // 200) > 1
        assert all(rows[0].encode() not in store().get(file.object_key) for file in files)


def test_only_the_one_who_asked_takes_it_and_only_with_the_right(app, rows, lead, post, large):
    export_id = asked(app, lead, post)
    work_off(app)
    other = staff.signed_in(app, LEAD)
    assert other.get(f"/exports/{export_id}/file").status_code == 404
    assert post(other, f"/exports/{export_id}/cancel").status_code == 404
    assert str(export_id) not in other.get("/exports").get_data(as_text=True)
    with app.app_context(), unit_of_work():
        db.session.execute(
            sa.update(RoleAssignment).where(RoleAssignment.staff_id == only(app).staff_id).values(lead=False)
        )
    assert lead.get(f"/exports/{export_id}/file").status_code == 403
    assert events(app)[-1] == "list_export.finished"


def test_a_stale_sign_in_neither_asks_nor_takes(app, rows, post):
    person = staff.member(app, LEAD)
    stale = staff.client_of(app, person.id, signed_in_at=clock.now() - timedelta(minutes=11))
    assert stale.get(EXPORT).status_code in (302, 303)
    assert post(stale, EXPORT, query="", format="csv", columns="all").status_code == 403
    assert stale.get(f"/exports/{uuid.uuid4()}/file").status_code in (302, 303)


def test_after_72_hours_it_is_gone(app, rows, lead, post, large):
    export_id = asked(app, lead, post)
    work_off(app)
    with app.app_context(), unit_of_work():
        db.session.execute(sa.update(ListExport).values(expires_at=clock.now() - timedelta(seconds=1)))
    answer = lead.get(f"/exports/{export_id}/file")
    assert answer.status_code == 410 and "72 小时" in answer.get_data(as_text=True)
    assert "已过期" in lead.get("/exports").get_data(as_text=True)
    with app.app_context():
        due = db.session.scalars(sa.select(StoredFile.erase_at).where(StoredFile.kind == "list_export")).all()
        assert due and all(at is not None for at in due), "the store's own upkeep erases the parts"


def test_calling_off_before_and_during_the_work(app, rows, lead, post, large, monkeypatch):
    first = asked(app, lead, post)
    assert post(lead, f"/exports/{first}/cancel").status_code == 303
    work_off(app)
    assert only(app).status == Status.CANCELLED

    second = asked(app, lead, post)

    def meanwhile(row, count, progress=build._progress):
        """The person calls it off from a browser: another process, so another frame."""
        token = uow._frame.set(None)
        try:
            with app.app_context():
                post(lead, f"/exports/{second}/cancel")
        finally:
            uow._frame.reset(token)
        progress(row, count)

    monkeypatch.setattr(build, "_progress", meanwhile)
    work_off(app)
    row = only(app)
    assert (row.id, row.status) == (second, Status.CANCELLED)
    assert post(lead, f"/exports/{second}/cancel").status_code == 409, "twice"
    assert lead.get(f"/exports/{second}/file").status_code == 409


def test_a_killed_worker_leaves_one_file_after_the_next_run(app, rows, lead, post, large, monkeypatch):
    export_id = asked(app, lead, post)

    class Killed(BaseException):
        """As SIGKILL: nothing of the worker's own clean-up runs."""

    def dies(row, size):
        raise Killed

    with monkeypatch.context() as once:
        once.setattr(build, "_finish", dies)
        with pytest.raises(Killed):
            work_off(app)
    assert only(app).status == Status.RUNNING
    with clock.frozen(clock.now() + build.LEASE + timedelta(minutes=1)):
        work_off(app)
        row = only(app)
        assert row.status == Status.DONE
        with app.app_context():
            kept = db.session.scalars(
                sa.select(StoredFile).where(StoredFile.kind == "list_export", StoredFile.erased_at.is_(None))
            ).all()
            assert sum(file.size for file in kept) == row.size, "the parts of the first run are erased"
        assert len(lines_of(staff.client_of(app, row.staff_id).get(f"/exports/{export_id}/file"))) == ROWS + 1


def test_a_run_that_was_overtaken_gives_up(app, rows, lead, post, large, monkeypatch):
    asked(app, lead, post)
    seal = build._seal

    nested: list[int] = []

    def once(row, file):
        if nested:
            return seal(row, file)
        nested.append(1)
        build.run({"export": row.id.hex})  # another worker takes the row and finishes it
        return seal(row, file)

    monkeypatch.setattr(build, "_seal", once)
    work_off(app)
    row = only(app)
    assert row.status == Status.DONE
    assert events(app).count("list_export.finished") == 1


def test_a_lost_right_ends_the_work_as_failed(app, rows, lead, post, large):
    asked(app, lead, post)
    with app.app_context(), unit_of_work():
        db.session.execute(sa.update(RoleAssignment).values(lead=False))
    work_off(app)
    row = only(app)
    assert (row.status, row.error) == (Status.FAILED, "forbidden")
    assert "没有生成文件" in lead.get("/exports").get_data(as_text=True)


def test_one_that_no_worker_finished_has_failed_after_a_day(app, rows, lead, post, large):
    asked(app, lead, post)
    with app.app_context(), unit_of_work():
        db.session.execute(sa.update(ListExport).values(created_at=clock.now() - timedelta(hours=25)))
    assert "失败" in lead.get("/exports").get_data(as_text=True)


def test_three_at_a_time(app, rows, lead, post, large):
    for _ in range(3):
        asked(app, lead, post)
    answer = post(lead, EXPORT, query="", format="csv", columns="all")
    assert answer.status_code == 422 and "还没完成" in answer.get_data(as_text=True)


def test_a_filter_that_names_a_customer_is_never_queued(app, rows, lead, post, large):
    answer = post(lead, EXPORT, query="q=REG-", format="csv", columns="all")
    assert answer.status_code == 422 and "不能排队导出" in answer.get_data(as_text=True)
    assert only(app) is None


@pytest.mark.parametrize("fields", [{"format": "exe"}, {"columns": "some"}, {"format": ""}])
def test_an_unknown_format_or_columns_is_said(rows, lead, post, fields):
    answer = post(lead, EXPORT, **{"query": "", "format": "csv", "columns": "all", **fields})
    assert answer.status_code == 422


def test_without_the_right_there_is_no_file(app, rows, post):
    member = staff.signed_in(app, "reviewer")
    assert "导出当前筛选" not in member.get("/registrations").get_data(as_text=True)
    assert member.get(EXPORT).status_code == 403
    assert post(member, EXPORT, query="", format="csv", columns="all").status_code == 403
    admin = staff.signed_in(app, "admin")
    assert admin.get("/lists/hospitals/export").status_code == 403, "a list that is not for export"


def test_formulas_are_neutral_in_a_built_file(app, rows, lead, post, large, monkeypatch):
    module = sys.modules["app.core.worklist.export"]
    plain = module._plain
    monkeypatch.setattr(module, "_plain", lambda value: "=1+1" if value == rows[0] else plain(value))
    export_id = asked(app, lead, post)
    work_off(app)
    assert "'=1+1" in lead.get(f"/exports/{export_id}/file").get_data(as_text=True)


@pytest.mark.pure
def test_every_status_and_action():
    legal = {(s.value, a): t.target.value for s, a, t in workflow.pairs() if t is not None}
    assert legal == {
        ("queued", "start_export"): "running", ("running", "start_export"): "running",
        ("running", "finish_export"): "done", ("queued", "fail_export"): "failed", ("running", "fail_export"): "failed",
        ("queued", "cancel_export"): "cancelled", ("running", "cancel_export"): "cancelled",
    }  # fmt: skip
