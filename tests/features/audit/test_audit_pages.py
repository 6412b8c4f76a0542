"""The auditor's pages: list, filters, paging, one event with its note, verification, export."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.core import audit, jobs
from app.core.audit import AuditEvent, AuditNote, ddl
from app.core.db import db
from app.core.policy import Permission
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from tests.core.floor_app import staff
from tests.features.audit.conftest import OBJECT, REVIEWER
from tests.inspector import Inspector


def numbers(page: TestResponse) -> list[str]:
    return re.findall(r'data-href="/audit/(2026-11-\d+)"', page.text)


def events() -> list[str]:
    found = list(db.session.scalars(sa.select(AuditEvent.event).order_by(AuditEvent.chain, AuditEvent.seq)))
    db.session.rollback()
    return found


def test_the_list_is_newest_first_and_names_no_customer(client: Inspector) -> None:
    page = client.get("/audit")
    assert numbers(page) == ["2026-11-4", "2026-11-3", "2026-11-2", "2026-11-1"]
    assert "样例审核员" in page.text and "样例姓名" not in page.text
    assert "看不清" not in page.text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("event=badge.opened", [2]), ("event=registration", [4, 3, 1]), ("event=registr", []),
        (f"object={OBJECT}", [3, 1]), (f"object=registration:{OBJECT}", [3, 1]), (f"object=badge_image:{OBJECT}", []),
        ("who=样例审核员", [2, 1]), (f"who={REVIEWER.id}", [2, 1]), ("day=2026-11-24", [4, 3, 2, 1]),
        ("day=2026-11-23", []), ("day=yesterday", []), ("day=9999-12-31", []), ("event=%25", []),
    ],
)  # fmt: skip
def test_filters(client: Inspector, query: str, found: list[int]) -> None:
    assert numbers(client.get(f"/audit?{query}")) == [f"2026-11-{n}" for n in found]


def test_pages_follow_each_other_without_loss(client: Inspector) -> None:
    with unit_of_work():
        for number in range(120):
            audit.record("sample.counted", REVIEWER, "sample", number)
    page, seen = client.get("/audit"), []
    while True:
        seen += numbers(page)
        following = re.search(r'href="([^"]+)" rel="next"', page.text)
        if following is None:
            break
        page = client.get(following[1].replace("&amp;", "&"))
    assert seen == [f"2026-11-{n}" for n in range(124, 0, -1)]


def test_an_event_shows_its_facts_and_its_note_only_on_request(
    client: Inspector, post: Callable[..., TestResponse]
) -> None:
    page = client.get("/audit/2026-11-1")
    assert page.status_code == 200
    assert "blurred" in page.text and "看不清" not in page.text
    assert len(events()) == 4  # looking at the facts leaves nothing
    opened = post("/audit/2026-11-1/note", page="/audit/2026-11-1")
    assert "&lt;b&gt;看不清&lt;/b&gt;" in opened.text
    assert events()[-1] == "audit_note.opened"


def test_an_erased_note_is_gone_and_said_so(client: Inspector, post: Callable[..., TestResponse]) -> None:
    with unit_of_work():
        db.session.execute(sa.delete(AuditNote))
    assert "已按期删除" in client.get("/audit/2026-11-1").text
    assert post("/audit/2026-11-1/note").status_code == 410
    assert len(events()) == 4


@pytest.mark.parametrize("number", ["2026-11-99", "2026-11-0", "x", "2026-11-²", "2026-11-" + "9" * 40, "2026-11--1"])
def test_what_is_not_there_is_404(client: Inspector, number: str) -> None:
    assert client.get(f"/audit/{number}").status_code == 404


def test_others_are_refused(app: Portal, client: Inspector) -> None:
    app.extensions["acting"] = staff(Permission.STAFF_READ, Permission.SETTINGS_READ)
    for path in ("/audit", "/audit/2026-11-1", "/audit/verification"):
        assert client.get(path).status_code == 403


def test_a_verification_is_asked_for_run_and_shown(
    app: Portal, client: Inspector, post: Callable[..., TestResponse]
) -> None:
    assert "还没有核对过" in client.get("/audit/verification").text
    assert post("/audit/verification").status_code == 303
    jobs.run_worker(app, threading.Event(), once=True)
    assert "完好" in client.get("/audit/verification").text
    with unit_of_work():
        for statement in ddl.DROP[db.engine.dialect.name]:
            db.session.execute(sa.text(statement))
        db.session.execute(sa.text("UPDATE audit_event SET result = 'refused' WHERE seq = 2"))
    post("/audit/verification")
    jobs.run_worker(app, threading.Event(), once=True)
    page = client.get("/audit/verification").text
    assert "发现问题" in page and "内容被改动" in page


def test_commands_write_checkpoints_verify_and_fail_with_one(app: Portal) -> None:
    run = app.test_cli_runner().invoke
    assert "checkpoint 1: 2026-11/4" in run(args=["audit", "checkpoint"]).output
    assert "nothing new" in run(args=["audit", "checkpoint"]).output
    whole = run(args=["audit", "verify"])
    assert (whole.exit_code, whole.output[:7]) == (0, "ok: 4 r")
    with unit_of_work():
        for statement in ddl.DROP[db.engine.dialect.name]:
            db.session.execute(sa.text(statement))
        db.session.execute(sa.text("DELETE FROM audit_event WHERE seq > 2"))
    broken = run(args=["audit", "verify"])
    assert broken.exit_code == 1
    assert broken.stderr == "cut_off 2026-11/3: a checkpoint speaks of row 4, the chain ends here\n"


def test_statements_per_page(client: Inspector) -> None:
    seen: list[str] = []
    listener = lambda *args: seen.append(args[2])
    sa.event.listen(db.engine, "before_cursor_execute", listener)
    try:
        client.get("/audit")
        selects = [s for s in seen if s.startswith("SELECT")]
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", listener)
    assert len(selects) <= 2, selects
