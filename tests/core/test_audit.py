"""The audit log: what goes in, the chain's order under many writers, rollback, side rows, append-only triggers."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core import audit, clock
from app.core.audit import chain, verify
from app.core.audit.models import AuditEvent, AuditNote
from app.core.db import db
from app.core.policy import SYSTEM, Actor
from app.core.unit_of_work import WriteOnRead, evidence, unit_of_work
from app.core.web import Portal
from tests.core.mechanism_app import mechanism_app

STAFF = Actor("staff", uuid.uuid4(), "示范审核员", session_id=uuid.uuid4())
CUSTOMER = Actor("customer", uuid.uuid4(), "样例姓名")


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Portal]:
    with mechanism_app(tmp_path) as opened:
        yield opened


def write(count: int = 1, at: datetime | None = None) -> None:
    with unit_of_work():
        for number in range(count):
            audit.record("sample.counted", SYSTEM, "sample", number, at=at)


def rows() -> list[AuditEvent]:
    found = list(db.session.scalars(sa.select(AuditEvent).order_by(AuditEvent.chain, AuditEvent.seq)))
    db.session.rollback()
    return found


def test_an_event_says_who_did_what_and_nothing_about_a_customer(app: Portal) -> None:
    with app.test_request_context("/x", environ_base={"REMOTE_ADDR": "192.0.2.7"}), unit_of_work():
        audit.record(
            "sample.changed", STAFF, "sample", 7, reason_code="blurred", fields=["title", "name"], note="看不清印章"
        )
        audit.record("sample.changed", CUSTOMER, "sample", 8)
    first, second = rows()
    assert (first.actor_name, first.reason_code, first.fields) == ("示范审核员", "blurred", ["title", "name"])
    assert first.session_hash is not None and str(STAFF.session_id) not in first.session_hash
    assert (second.actor_id, second.actor_name) == (CUSTOMER.id, "")
    notes = {n.event_id: n for n in db.session.scalars(sa.select(AuditNote))}
    assert chain.open_note(notes[first.id]) == {"text": "看不清印章", "address": "192.0.2.7"}
    assert "印章".encode() not in notes[first.id].sealed
    assert verify.verify().ok


@pytest.mark.parametrize(
    ("event", "object_id", "more"),
    [
        ("Approved it", 1, {}),
        ("sample.changed", "138 0000 0000", {}),
        ("sample.changed", 1, {"reason_code": "因为看不清"}),
        ("sample.changed", 1, {"fields": ["样例姓名"]}),
        ("sample.changed", 1, {"result": "it did not work"}),
        ("sample.changed", "x" * 65, {}),
        ("sample.changed", 1, {"at": datetime(2026, 1, 1)}),  # noqa: DTZ001
    ],
)
def test_free_text_and_naive_times_are_refused(
    app: Portal, event: str, object_id: object, more: dict[str, object]
) -> None:
    with pytest.raises(ValueError), unit_of_work():
        audit.record(event, STAFF, "sample", object_id, **more)  # type: ignore[arg-type]
    assert rows() == []


def test_rows_are_gapless_and_linked_over_transactions(app: Portal) -> None:
    write(3)
    write(2)
    found = rows()
    assert [row.seq for row in found] == [1, 2, 3, 4, 5]
    assert found[0].prev_hash == chain.GENESIS
    assert all(b.prev_hash == a.row_hash for a, b in itertools.pairwise(found))
    assert [row.id for row in found] == sorted(row.id for row in found)


def test_a_rollback_leaves_no_gap(app: Portal) -> None:
    write()
    with pytest.raises(ZeroDivisionError), unit_of_work():
        audit.record("sample.counted", SYSTEM, "sample", 1)
        db.session.execute(sa.text("select 1"))
        raise ZeroDivisionError
    write()
    assert [row.seq for row in rows()] == [1, 2]


def test_evidence_keeps_its_events_when_the_main_work_is_given_up(app: Portal) -> None:
    with pytest.raises(ZeroDivisionError), unit_of_work():
        with evidence():
            audit.record("sample.refused", SYSTEM, "sample", 1)
        audit.record("sample.changed", SYSTEM, "sample", 1)
        raise ZeroDivisionError
    assert [row.event for row in rows()] == ["sample.refused"]


def test_a_read_cannot_record(app: Portal) -> None:
    with pytest.raises(WriteOnRead), unit_of_work(write=False):
        audit.record("sample.counted", SYSTEM, "sample", 1)
    with pytest.raises(RuntimeError, match="no unit of work"):
        audit.record("sample.counted", SYSTEM, "sample", 1)


def test_each_china_month_is_a_chain_that_begins_with_the_former_hash(app: Portal) -> None:
    with clock.frozen(datetime(2026, 10, 31, 15, 59, tzinfo=UTC)):  # 23:59 in China
        write(2)
    with clock.frozen(datetime(2026, 10, 31, 16, 1, tzinfo=UTC)):
        write()
    with clock.frozen(datetime(2026, 10, 31, 15, 58, tzinfo=UTC)):  # a machine whose clock is behind
        write()
    found = rows()
    assert [(row.chain, row.seq) for row in found] == [("2026-10", 1), ("2026-10", 2), ("2026-11", 1), ("2026-11", 2)]
    assert found[2].prev_hash == found[1].row_hash
    assert verify.verify().ok


def test_a_thousand_rows_in_one_transaction(app: Portal) -> None:
    write(1_001)
    assert verify.verify().rows == 1_001


def test_the_database_refuses_change_and_deletion(app: Portal) -> None:
    write()
    statements = ["UPDATE audit_event SET result = 'x'", "DELETE FROM audit_event"]
    if db.engine.dialect.name == "postgresql":
        statements.append("TRUNCATE audit_event")
    for statement in statements:
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), unit_of_work():
            db.session.execute(sa.text(statement))
    assert len(rows()) == 1


def test_erasing_a_note_keeps_the_chain_whole(app: Portal) -> None:
    with unit_of_work():
        audit.record("sample.changed", STAFF, "sample", 1, note="任意文字")
    with unit_of_work():
        db.session.execute(sa.delete(AuditNote))
    assert rows()[0].note_commitment is not None
    assert verify.verify().ok


def test_a_note_moved_or_changed_is_found(app: Portal) -> None:
    with unit_of_work():
        audit.record("sample.changed", STAFF, "sample", 1, note="甲")
        audit.record("sample.changed", STAFF, "sample", 2, note="乙")
    first, second = (row.id for row in rows())
    with unit_of_work():
        note = db.session.scalars(sa.select(AuditNote).where(AuditNote.event_id == first)).one()
        db.session.execute(sa.delete(AuditNote).where(AuditNote.event_id == second))
        note.event_id = second
    assert [f.code for f in verify.verify().findings] == ["note_altered"]


def test_twenty_four_threads_leave_no_gap(app: Portal) -> None:
    def run() -> None:
        with app.app_context():
            for _ in range(5):
                write(2)

    threads = [threading.Thread(target=run) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row.seq for row in rows()] == list(range(1, 241))
    assert verify.verify().ok


def test_writers_in_several_processes_leave_no_gap(app: Portal, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.core.mechanism_app", "record", str(tmp_path), "25"]
    writers = [subprocess.Popen(command) for _ in range(4)]
    assert [writer.wait() for writer in writers] == [0, 0, 0, 0]
    assert [row.seq for row in rows()] == list(range(1, 101))
    assert verify.verify().ok
