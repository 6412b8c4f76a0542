"""Policy versions and the ledger: C46, C47, C51."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from datetime import date, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError

from app.consents import document, queries, service
from app.consents.models import ConsentEntry, PolicyVersion, Purpose
from app.core import audit, clock, numbers
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.policy import ANONYMOUS, SYSTEM, Actor
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal

CUSTOMER = Actor("customer", id=uuid4())
TEXT = service.FIRST_FILE.read_text(encoding="utf-8")


def publish(material: bool, text: str = "隐私政策\n新的正文") -> PolicyVersion:
    day = date(2026, 12, 1)
    return service.publish_version(
        SYSTEM, text, updated_on=day, effective_on=day, material=material, change_note="样例变更"
    )


def test_version_one_is_the_document_with_its_own_dates(app: Portal) -> None:
    with unit_of_work():
        assert service.seed() == 0
        row = queries.current_version()
        assert (row.no, row.updated_on, row.effective_on) == (1, date(2022, 7, 1), date(2022, 3, 1))
        assert row.text == TEXT
        assert row.text_hash == hashlib.sha256(service.FIRST_FILE.read_bytes()).hexdigest()


def test_given_withdrawn_given_again_are_three_rows(app: Portal) -> None:
    person = uuid4()
    with unit_of_work():
        assert queries.current(person, Purpose.BADGE) is None
        service.give(CUSTOMER, person, Purpose.BADGE, policy_version=1, channel="mini_program", wording="同意提交证件")
        service.require(person, Purpose.BADGE)
        service.withdraw(CUSTOMER, person, Purpose.BADGE, channel="mini_program")
        service.withdraw(CUSTOMER, person, Purpose.BADGE, channel="mini_program")
        assert queries.missing(person, Purpose.BADGE) == "withdrawn"
        service.give(CUSTOMER, person, Purpose.BADGE, policy_version=1, channel="mini_program")
        rows = queries.history(person)
        assert [(row.seq, row.given) for row in rows] == [(1, True), (2, False), (3, True)]
        assert rows[0].wording_hash == rows[1].wording_hash == service.digest("同意提交证件")
        assert rows[2].wording_hash == queries.current_version().text_hash
    with unit_of_work(write=False):
        log = db.session.scalars(sa.select(audit.AuditEvent.event).order_by(audit.AuditEvent.seq)).all()
    assert log == ["consent.given", "consent.withdrawn", "consent.given"]


def test_purposes_and_people_are_apart(app: Portal) -> None:
    one, two = uuid4(), uuid4()
    with unit_of_work():
        service.give(CUSTOMER, one, Purpose.SERVICE, policy_version=1, channel="mini_program")
        for person, purpose in ((one, Purpose.BADGE), (two, Purpose.SERVICE)):
            with pytest.raises(service.ConsentRequired) as caught:
                service.require(person, purpose)
            assert (caught.value.status, caught.value.code) == (403, "consent_required")
            assert caught.value.facts == {"purpose": purpose.value, "why": "never_given", "policy_version": 1}


def test_a_material_version_asks_again_and_a_small_one_does_not(app: Portal) -> None:
    person = uuid4()
    with unit_of_work():
        service.give(CUSTOMER, person, Purpose.SERVICE, policy_version=1, channel="mini_program")
        publish(material=False)
        service.require(person, Purpose.SERVICE)
        service.give(CUSTOMER, uuid4(), Purpose.SERVICE, policy_version=1, channel="mini_program")
        newest = publish(material=True)
        assert queries.missing(person, Purpose.SERVICE) == "new_version"
        with pytest.raises(service.ConsentRequired):
            service.require(person, Purpose.SERVICE)
        with pytest.raises(Invalid) as caught:
            service.give(CUSTOMER, person, Purpose.SERVICE, policy_version=1, channel="mini_program")
        assert caught.value.code == "policy_outdated"
        service.give(CUSTOMER, person, Purpose.SERVICE, policy_version=newest.no, channel="mini_program")
        service.require(person, Purpose.SERVICE)


def test_a_person_who_withdrew_is_not_asked_at_once(app: Portal) -> None:
    person = uuid4()
    with unit_of_work():
        service.give(CUSTOMER, person, Purpose.MARKETING, policy_version=1, channel="mini_program")
        service.withdraw(CUSTOMER, person, Purpose.MARKETING, channel="mini_program")
        assert not queries.may_ask_again(person, Purpose.MARKETING, clock.now() - timedelta(days=30))
        assert queries.may_ask_again(person, Purpose.MARKETING, clock.now() + timedelta(seconds=1))


@pytest.mark.parametrize("no", [0, -1, 2, 10**9, 10**20])
def test_unknown_versions_are_refused(app: Portal, no: int) -> None:
    with unit_of_work(), pytest.raises(Invalid) as caught:
        service.give(CUSTOMER, uuid4(), Purpose.SERVICE, policy_version=no, channel="mini_program")
    assert list(caught.value.fields) == ["policy_version"]


def test_nobody_unknown_consents_and_no_customer_publishes(app: Portal) -> None:
    with unit_of_work():
        with pytest.raises(Forbidden):
            service.give(ANONYMOUS, uuid4(), Purpose.SERVICE, policy_version=1, channel="page")
        with pytest.raises(Forbidden):
            service.publish_version(
                CUSTOMER, "x", updated_on=date(2026, 1, 1), effective_on=date(2026, 1, 1), material=True, change_note=""
            )
        with pytest.raises(Invalid):
            publish(material=True, text=" \n")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE consent_entry SET given = NOT given",
        "DELETE FROM consent_entry",
        "UPDATE policy_version SET text = 'x'",
        "DELETE FROM policy_version WHERE no = 1",
    ],
)
def test_the_database_refuses_to_change_the_past(app: Portal, statement: str) -> None:
    with unit_of_work():
        service.give(CUSTOMER, uuid4(), Purpose.SERVICE, policy_version=1, channel="mini_program")
    with pytest.raises(DatabaseError, match="append-only"), unit_of_work():
        db.session.execute(sa.text(statement))
    with unit_of_work(write=False):
        assert db.session.scalar(sa.select(ConsentEntry.given))
        assert db.session.scalar(sa.select(PolicyVersion.text)) == TEXT


def test_two_at_once_leave_an_unbroken_sequence(app: Portal) -> None:
    person, lost = uuid4(), []

    def one() -> None:
        with app.app_context():
            try:
                with unit_of_work():
                    service.give(CUSTOMER, person, Purpose.SERVICE, policy_version=1, channel="mini_program")
            except Conflict:
                lost.append(1)
            db.session.remove()

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with unit_of_work(write=False):
        assert [row.seq for row in queries.history(person)] == list(range(1, 9 - len(lost)))


def test_evidence_is_small_and_flat(app: Portal) -> None:
    with unit_of_work():
        row = service.give(
            CUSTOMER, uuid4(), Purpose.CONTACT_THIRD_PARTY, policy_version=1, channel="mini_program",
            evidence={f"k{n}": "x" * 1_000 for n in range(50)},
        )  # fmt: skip
        assert len(row.evidence) == 10
        assert max(map(len, row.evidence.values())) == 200


# the document and its pages


@pytest.mark.pure
def test_nothing_of_the_document_is_lost() -> None:
    parts = document.parts(TEXT)
    flat = "".join("".join(part.lines) + "".join("".join(row) for row in part.rows) for part in parts)
    strip: Callable[[str], str] = lambda text: "".join(c for c in text if not c.isspace() and c != "|")
    assert strip(document.title(TEXT) + flat) == strip(TEXT)


@pytest.mark.pure
def test_headings_lists_and_tables_are_found() -> None:
    parts = document.parts(TEXT)
    assert len([part for part in parts if part.kind == "chapter"]) == 10
    assert [len(part.rows) for part in parts if part.kind == "table"] == [7, 4, 5]
    assert all(len({len(row) for row in part.rows}) == 1 for part in parts if part.kind == "table")
    assert sum(len(part.lines) for part in parts if part.kind == "items") > 20
    assert document.parts("") == []


def test_the_page_reads_as_a_document(app: Portal) -> None:
    page = app.test_client().get("/policy").text
    for words in (
        "<h2>9. 联系方式</h2>",
        "<h3>2.2 ",
        "<li>(1)",
        "2022-07-01",
        "2022-03-01",
        numbers.text("contact_mailbox"),
    ):
        assert words in page
    assert page.count("<table") == 3


def test_old_versions_stay_readable(app: Portal) -> None:
    with unit_of_work():
        publish(material=True, text="隐私政策\n1. <script>alert(1)</script>\n样例|表\n甲|<b>乙")
    db.session.remove()
    client = app.test_client()
    page = client.get("/policy").text
    assert "<script>alert" not in page
    assert "第 2 版" in page
    old = client.get("/policy/1").text
    assert "这是旧版本" in old
    assert "1. 个人信息的定义" in old
    for missing in ("/policy/3", "/policy/0", "/policy/99999999999999999999", "/policy/x"):
        assert client.get(missing).status_code == 404


def test_no_version_is_not_found_rather_than_a_crash(app: Portal) -> None:
    with unit_of_work(write=False), pytest.raises(NotFound):
        queries.version(7)
