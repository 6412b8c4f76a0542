"""Renewal, reminders, revocation of one grant alone; every action in every status; what the lists cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.audit.models import AuditEvent
from app.core.db import db
from app.core.errors import Forbidden, TransitionRefused
from app.core.outbox import Message
from app.core.policy import SYSTEM, Actor
from app.grants import service
from app.grants.models import Campaign, Grant, UseKind
from app.grants.service import record
from app.grants.service.facts import Facts
from app.grants.workflow import TRANSITIONS, Status, workflow
from app.tickets.queries import readable
from tests.factories import staff
from tests.features.grants import world
from tests.features.grants.world import NOW

SECOND = timedelta(seconds=1)
S = Status
# review.md 5.2, from -> to, typed by hand
REFERENCE = {
    (None, S.REQUESTED),
    (S.REQUESTED, S.ACTIVE), (S.REQUESTED, S.SCHEDULED), (S.REQUESTED, S.AWAITING_SECOND), (S.REQUESTED, S.REFUSED),
    (S.AWAITING_SECOND, S.ACTIVE), (S.AWAITING_SECOND, S.SCHEDULED), (S.AWAITING_SECOND, S.REFUSED),
    (S.SCHEDULED, S.ACTIVE), (S.SCHEDULED, S.PAUSED), (S.ACTIVE, S.PAUSED),
    (S.PAUSED, S.ACTIVE), (S.PAUSED, S.REVOKED), (S.PAUSED, S.EXPIRED),
    (S.ACTIVE, S.RENEWED), (S.ACTIVE, S.EXPIRED), (S.SCHEDULED, S.EXPIRED),
    (S.ACTIVE, S.REVOKED), (S.SCHEDULED, S.REVOKED),
    (S.ACTIVE, S.ACTIVE), (S.PAUSED, S.PAUSED),  # reviewed: kept or reduced
}  # fmt: skip


def test_the_table_is_the_reference_and_nothing_more():
    assert {(row.source, row.target) for row in TRANSITIONS} == REFERENCE


@pytest.mark.parametrize(("status", "action", "transition"), list(workflow.pairs()))
def test_every_action_in_every_status(step, status, action, transition):
    """What the table lists is done by whoever it names, and by nobody else; every other pair is refused."""
    with step():
        at = world.place()
        row = world.granted(at, world.person(at), "消化内科")
        db.session.execute(sa.update(Grant).where(Grant.id == row.id).values(status=status.value))
        row = world.reload(row.id)
        before = row.version
        over = ("departments",) if action == "endorse_grant" else ()
        facts = Facts(now=NOW, note="核实过", reduces=True, over=over)
        if transition is None:
            with pytest.raises(TransitionRefused):
                record.move(row, action, SYSTEM, facts=facts)
            assert (row.status, row.version) == (status, before)
            return
        wrong = Actor("customer", id=row.customer_id)
        with pytest.raises((Forbidden, TransitionRefused)):
            record.move(row, action, wrong, facts=facts)
        hand = SYSTEM if transition.who == "system" else world.granter("第三人")
        event = record.move(row, action, hand, facts=facts)
        assert (row.status, row.version) == (transition.target, before + 1)
        assert (event.status_from, event.status_to) == (status, transition.target)
    with step(write=False):  # audit events are appended when the unit of work is committed
        audited = sa.select(AuditEvent.event).where(AuditEvent.event == transition.audit_event)
        assert db.session.scalars(audited).all()


@pytest.fixture
def running(step):
    """A grant of half a year over two departments, with some use; its id, its end, whose it is, where."""
    with step():
        at = world.place()
        who = world.person(at)
        for n in range(3):
            world.ticket(at, "消化内科", ago=timedelta(days=n + 1))
        row = world.granted(at, who, "消化内科", "手术室")
        service.note_use(who.id, [at.wards["消化内科"]] * 3, UseKind.OPENED)
        return row.id, row.ends_at, who, at


def test_renewal_is_a_new_linked_row_from_thirty_days_before_the_end(step, running):
    former_id, ends, who, at = running
    opens = ends - timedelta(days=30)
    with step(opens - SECOND):
        with pytest.raises(TransitionRefused) as early:
            service.propose(world.granter(), who.id, world.terms(at, "消化内科"), "续", renews=former_id)
        assert early.value.code == "renewal_too_early"
    with step(opens):
        one, two = world.granter("甲"), world.granter("乙")
        row = service.propose(one, who.id, world.terms(at, "消化内科"), "续", renews=former_id)
        assert world.reload(former_id).status == "active"  # until the next one is approved
        service.approve(two, row.id, row.version)
        former = world.reload(former_id)
        assert (row.renews_id, row.status) == (former_id, "active")
        assert (former.status, former.ended_cause) == ("renewed", "renewed")


def test_nothing_renews_by_itself(step, running):
    former_id, ends, who, _at = running
    with step(ends):
        service.settle_due()
        assert world.reload(former_id).status == "expired"
        assert db.session.scalar(sa.select(sa.func.count(Grant.id))) == 1
        assert readable.count(readable.reader(who)) == 0


def test_3_3_the_renewal_shows_what_was_opened_since_the_start(app, step, running):
    former_id, ends, _who, _at = running
    with step(ends - timedelta(days=20)):
        number = world.reload(former_id).number
    with clock.frozen(ends - timedelta(days=20)):
        client = staff.client_of(app, staff.member(app, ("grant_manager", None, True)).id)
        page = client.get(f"/grants/new?renews={number}")
    assert page.status_code == 200
    text = page.get_data(as_text=True)
    assert number in text and "打开过的记录" in text and "3 次" in text


def test_reminders_go_out_thirty_and_seven_days_before_the_end_once_each(step, running):
    row_id, ends, _who, _at = running

    def told() -> int:
        kinds = sa.select(Message.template).where(Message.template == "grant_expiring")
        return len(db.session.scalars(kinds).all())

    for moment, wanted in (
        (ends - timedelta(days=30) - SECOND, 0), (ends - timedelta(days=30), 1), (ends - timedelta(days=29), 1),
        (ends - timedelta(days=7) - SECOND, 1), (ends - timedelta(days=7), 2), (ends - SECOND, 2),
    ):  # fmt: skip
        with step(moment):
            service.settle_due()
            service.settle_due()
            assert told() == wanted, moment
    with step(ends - SECOND, write=False):
        assert world.reload(row_id).reminded_days == 7


def test_revocation_concerns_this_grant_alone_and_is_gone_at_the_next_read(step, running):
    row_id, _ends, who, at = running
    with step():
        world.ticket(at, "妇科")
        other = world.granted(at, who, "妇科")
        assert readable.count(readable.reader(who)) == 4
        row = world.reload(row_id)
        service.revoke(world.granter(), row.id, row.version, "调岗")
        assert readable.count(readable.reader(who)) == 1
        assert world.reload(other.id).status == "active"


@contextmanager
def sent(app: Any) -> Iterator[list[str]]:
    """Statements to the portal's database inside the block."""
    found: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            found.append(statement)

    with app.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def test_the_lists_of_grants_and_of_reviews_cost_the_same_for_many_rows_as_for_one(app, work):
    client = staff.client_of(app, staff.member(app, ("grant_manager", None, True)).id)

    def make(n: int) -> None:
        with work():
            at = world.place(f"样例第{n}医院")
            for _each in range(n):
                world.granted(at, world.person(at), "消化内科")
            service.open_campaign(world.granter(), clock.today() + timedelta(days=7), hospital_id=at.id)

    def cost(path: str) -> int:
        client.get(path)
        with sent(app) as statements:
            assert client.get(path).status_code == 200
        return len(statements)

    def reviews() -> list[str]:
        with work():
            return list(db.session.scalars(sa.select(Campaign.number)))

    make(1)
    few = {path: cost(path) for path in ("/grants?tab=active", "/grants/reviews")}
    one = cost(f"/grants/reviews/{reviews()[0]}")
    make(8)
    assert {path: cost(path) for path in few} == few
    assert max(few.values()) <= 4, few
    assert cost(f"/grants/reviews/{sorted(reviews())[-1]}") == one


def test_a_declared_relation_on_the_page(app, work):
    with work():
        at = world.place()
        row = service.propose(world.granter(), world.person(at).id, world.terms(at, "消化内科"), "报修")
        number, version = row.number, row.version
    client = staff.client_of(app, staff.member(app, ("grant_manager", None, True)).id)
    assert "我认识此人" in client.get(f"/grants/{number}").get_data(as_text=True)
    csrf = {"csrf_token": staff.csrf(client)}
    assert client.post(f"/grants/{number}/recuse", data=csrf).status_code == 303
    assert "您已声明认识此人" in client.get(f"/grants/{number}").get_data(as_text=True)
    assert client.post(f"/grants/{number}/approve", data={**csrf, "version": str(version)}).status_code == 403
    far = staff.client_of(app, staff.member(app, ("grant_manager", ["51"], True)).id)
    assert far.post(f"/grants/{number}/recuse", data={"csrf_token": staff.csrf(far)}).status_code == 404
