"""The acceptance sentences of review.md 2 that concern grants, each under its own number."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.policy import SYSTEM
from app.core.unit_of_work import unit_of_work
from app.customers import service as customers
from app.customers.models import Customer, CustomerProfile
from app.grants import service
from app.grants.models import Campaign, Grant, GrantNode, ReviewDecision, ReviewItem, UseKind
from app.grants.service import NodeWish
from app.hospitals import service as hospitals
from app.registrations.models import Recusal
from app.tickets.queries import readable
from tests.features.grants import world
from tests.features.grants.world import NOW, TODAY

SECOND = timedelta(seconds=1)
WARDS = ("内镜中心", "消化内科", "手术室", "设备科", "妇科", "放射科")


def count(who) -> int:
    return readable.count(readable.reader(who))


def test_2_6_expiry_is_enforced_in_the_query_not_by_a_job(step):
    """Stop the scheduler, move the clock one minute past `ends_at`: the next read returns no department record."""
    with step():
        at = world.place()
        who = world.person(at)
        row = world.granted(at, who, "消化内科")
        row_id, ends = row.id, row.ends_at
    with step(ends - timedelta(days=1)):
        world.ticket(at, "消化内科", ago=timedelta(days=1))
        assert count(who) == 1
    for moment, rows in ((ends - SECOND, 1), (ends, 0), (ends + timedelta(minutes=1), 0)):
        with step(moment, write=False):
            assert count(who) == rows, moment
            assert world.reload(row_id).status == "active"  # no job ever ran


def test_2_11_a_grant_without_end_date_or_basis_is_not_saved_and_lists_departments_by_id(step):
    with step():
        at = world.place()
        below = hospitals.add_department(SYSTEM, at.id, "内镜一室", parent_id=at.wards["消化内科"])
        me, who = world.granter(), world.person(at)
        claimed, porter = world.person(at, verdict="claimed_only"), world.person(at, position="护工")
        for person in (claimed, porter):  # position only claimed; position outside of the matrix
            with pytest.raises(Invalid) as refused:
                service.propose(me, person.id, world.terms(at, "消化内科"), "报修")
            assert refused.value.code == "basis_required"
        with pytest.raises(sa.exc.IntegrityError), db.session.begin_nested():  # nor by the database
            row = service.propose(me, who.id, world.terms(at, "消化内科"), "报修")
            row.ends_at = row.starts_at
            db.session.flush()
        row = service.propose(me, who.id, world.terms(at, "消化内科"), "报修")
        ids = set(db.session.scalars(sa.select(GrantNode.department_id).where(GrantNode.grant_id == row.id)))
        assert ids == {at.wards["消化内科"]} and below.id not in ids
        assert row.ends_at is not None and row.basis_code == "head_nurse"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"start": TODAY + timedelta(days=5), "end": TODAY + timedelta(days=4)}, "end_before_start"),
        ({"start": TODAY - timedelta(days=1)}, "starts_in_past"),
        ({"end": TODAY.replace(year=2027, month=12)}, "too_long"),  # 13 months
        ({"end": TODAY.replace(year=2027)}, "too_long"),  # 12 months and one day
        ({"months": 7}, "invalid"),
    ],
)
def test_terms_that_cannot_be_are_refused_by_name(step, change, code):
    with step():
        at = world.place()
        who = world.person(at)
        with pytest.raises(Invalid) as refused:
            service.propose(world.granter(), who.id, world.terms(at, "消化内科", **change), "报修")
        assert refused.value.code == code
        assert db.session.scalar(sa.select(sa.func.count(Grant.id))) == 0


def test_twelve_months_to_the_day_are_allowed(step):
    with step():
        at = world.place()
        row = world.granted(at, world.person(at), "消化内科", end=TODAY.replace(year=2027) - timedelta(days=1))
        assert row.ends_at == datetime(2027, 11, 23, tzinfo=clock.SHANGHAI)


def test_departments_unknown_or_of_another_hospital_and_a_granter_outside_his_region(step):
    with step():
        at, far = world.place(), world.place("西川示范医院", "51")
        who, me = world.person(at), world.granter()
        for foreign in (far.wards["消化内科"], who.id):
            terms = replace(world.terms(at, "消化内科"), nodes=[NodeWish(foreign)])
            with pytest.raises(Invalid) as refused:
                service.propose(me, who.id, terms, "报修")
            assert "departments" in refused.value.fields
        away = world.granter(provinces=frozenset({"51"}))
        with pytest.raises(Forbidden) as outside:
            service.propose(away, who.id, world.terms(at, "消化内科"), "报修")
        assert outside.value.code == "outside_region"


def test_a_grant_on_a_suspended_registration_is_neither_proposed_nor_approved(step):
    with step():
        at = world.place()
        who = world.person(at)
        row = service.propose(world.granter(), who.id, world.terms(at, "消化内科"), "报修")
        profile = db.session.scalars(sa.select(CustomerProfile.registration_id)).one()
        customers.suspend(who.id, registration_id=profile)
        with pytest.raises(Invalid) as late:
            service.approve(world.granter(), row.id, row.version)
        assert late.value.code == "facts_changed"
        with pytest.raises(Invalid) as refused:
            service.propose(world.granter(), who.id, world.terms(at, "消化内科"), "报修")
        assert refused.value.code == "registration_not_approved"


def test_2_12_nobody_decides_on_himself_or_what_he_proposed(step):
    """Proposer, same mobile number, declared relation: refused by the server as proposer, approver and reviewer."""
    with step():
        at = world.place()
        who = world.person(at)
        one, two = world.granter("甲"), world.granter("乙")
        row = service.propose(one, who.id, world.terms(at, "消化内科"), "报修")
        with pytest.raises(Forbidden) as own:
            service.approve(one, row.id, row.version)
        assert own.value.code == "not_your_own_proposal"
        same = world.granter("本人", phone_index=db.session.get(Customer, who.id).phone_index)
        knows = world.granter("认识的人")
        service.recuse(knows, row.id)
        service.recuse(knows, row.id)  # twice counts once
        assert db.session.scalar(sa.select(sa.func.count(Recusal.id))) == 1
        _refused_everywhere(same, knows, row, at, who)
        service.approve(two, row.id, row.version)
        for actor in (same, knows):
            with pytest.raises(Forbidden):
                service.revoke(actor, row.id, row.version, "不合适")
        service.open_campaign(world.granter("组长"), TODAY + timedelta(days=7), province="31")
        item = db.session.scalars(sa.select(ReviewItem)).one()
        for actor in (one, two, same, knows):  # who proposed, who approved, himself, who knows him
            with pytest.raises(Forbidden):
                service.decide(actor, item.id, row.version, ReviewDecision.KEEP)


def _refused_everywhere(same, knows, row, at, who):
    for actor, code in ((same, "own_grant"), (knows, "recused")):
        with pytest.raises(Forbidden) as refused:
            service.approve(actor, row.id, row.version)
        assert refused.value.code == code
        with pytest.raises(Forbidden):
            service.refuse(actor, row.id, row.version, "不合适")
        with pytest.raises(Forbidden):
            service.propose(actor, who.id, world.terms(at, "消化内科"), "报修")


def test_2_12_who_is_recused_from_the_registration_is_refused_at_the_grant(step):
    with step():
        at = world.place()
        who = world.person(at)
        row = service.propose(world.granter(), who.id, world.terms(at, "消化内科"), "报修")
        knows = world.granter("认识的人")
        db.session.add(
            Recusal(
                staff_id=knows.id, staff_name="认识的人", customer_id=who.id, registration_id=row.registration_id,
                at=clock.now(),
            )
        )  # fmt: skip
        db.session.flush()
        with pytest.raises(Forbidden) as refused:
            service.approve(knows, row.id, row.version)
        assert refused.value.code == "recused"


@pytest.mark.parametrize(
    ("wards", "kw", "position", "over"),
    [
        (WARDS[1:4], {}, "护士长", []),
        (WARDS[1:5], {}, "护士长", ["departments"]),
        (WARDS, {}, "护士长", ["departments", "whole_hospital"]),
        (WARDS[1:2], {"months": 24}, "护士长", []),
        (WARDS[1:2], {"months": 36}, "护士长", ["lookback"]),
        (WARDS[1:2], {"exception": "由她统一报修"}, "护士", ["exception"]),
    ],
)
def test_2_13_four_eyes_on_the_listed_rules_and_not_on_others(step, wards, kw, position, over):
    with step():
        at = world.place(wards=WARDS)
        who = world.person(at, position=position)
        row = service.propose(world.granter("甲"), who.id, world.terms(at, *wards, **kw), "报修")
        assert list(row.over_limits) == over
        second = world.granter("乙")
        service.approve(second, row.id, row.version)
        assert row.status == ("awaiting_second" if over else "active")
        if over:
            with pytest.raises(Forbidden):
                service.approve(second, row.id, row.version)
            service.approve(world.granter("丙"), row.id, row.version)
            assert row.status == "active"


def test_2_25_an_unanswered_item_is_inactive_the_day_after_the_deadline(step):
    """Silence ends the grant at read time; one reminder a week before; what was decided stays."""
    with step():
        at = world.place()
        kept, silent = world.person(at), world.person(at)
        world.ticket(at, "消化内科")
        keep_id, silent_id = (world.granted(at, who, "消化内科").id for who in (kept, silent))
        service.open_campaign(world.granter("组长"), TODAY + timedelta(days=10), province="31")
        closes = db.session.scalars(sa.select(Campaign.closes_at)).one()
        item = db.session.scalars(sa.select(ReviewItem).where(ReviewItem.grant_id == keep_id)).one()
        service.decide(world.granter("复核"), item.id, world.reload(keep_id).version, ReviewDecision.KEEP)
    assert closes == datetime(2026, 12, 4, tzinfo=clock.SHANGHAI)  # the whole of the deadline's day counts
    for moment, rows in ((closes - SECOND, 1), (closes, 0)):
        with step(moment, write=False):
            assert (count(kept), count(silent)) == (1, rows)
    with step(closes):
        service.settle_due()
        row = world.reload(silent_id)
        assert (row.status, row.ended_cause) == ("expired", "not_reviewed")
        assert world.reload(keep_id).status == "active"


def test_2_25_last_use_is_shown_and_each_item_is_kept_reduced_or_revoked_by_itself(step):
    """One decision per item by somebody who had no part in it; what was shown is kept with it; no bulk KEEP."""
    with step():
        at = world.place()
        world.ticket(at, "消化内科"), world.ticket(at, "手术室")
        people = [world.person(at) for _n in range(3)]
        grants = [world.granted(at, who, "消化内科", "手术室", months=24).id for who in people]
        service.note_use(people[1].id, [at.wards["消化内科"]] * 4, UseKind.OPENED)
        service.open_campaign(world.granter("组长"), TODAY + timedelta(days=10), province="31")
        items = {item.grant_id: item.id for item in db.session.scalars(sa.select(ReviewItem))}
        me, R = world.granter("复核"), ReviewDecision

        def decide(n: int, decision: ReviewDecision, **kw: object) -> ReviewItem:
            return service.decide(me, items[grants[n]], world.reload(grants[n]).version, decision, **kw)

        for code, kw in (
            ("nothing_reduced", {"keep": list(at.wards.values())}),
            ("departments_required", {"keep": []}),
        ):
            with pytest.raises(Invalid) as refused:
                decide(1, R.REDUCE, **kw)
            assert refused.value.code == code
        with pytest.raises(Invalid) as silent:
            decide(2, R.REVOKE)
        assert silent.value.code == "note_required"
        decide(0, R.KEEP)
        reduced = decide(1, R.REDUCE, keep=[at.wards["消化内科"]], lookback_months=12)
        decide(2, R.REVOKE, note="已调岗")
        with pytest.raises(Conflict):
            decide(0, R.REVOKE, note="再想")
        assert (reduced.rows_opened, reduced.last_use_at) == (4, NOW)
        assert [count(who) for who in people] == [2, 1, 0]
        assert [world.reload(row).status for row in grants] == ["active", "active", "revoked"]
        assert world.reload(grants[1]).lookback_months == 12
    with step(datetime(2026, 12, 4, tzinfo=clock.SHANGHAI), write=False):  # all answered: nothing lapses
        assert [count(who) for who in people] == [2, 1, 0]


@pytest.fixture
def waiting(step):
    with step():
        at = world.place()
        return service.propose(world.granter("甲"), world.person(at).id, world.terms(at, "消化内科"), "报修").id


def test_two_approvals_at_once_one_wins_and_the_other_is_told_who_and_when(app, waiting):
    gate, won, lost = threading.Barrier(2), [], []

    def session(name: str) -> None:
        with app.app_context(), clock.frozen(NOW):
            actor = world.granter(name)
            gate.wait()
            try:
                with unit_of_work():
                    won.append((service.approve(actor, waiting, 1).status, name))
            except Conflict as refusal:
                lost.append((refusal.who, refusal.when))

    threads = [threading.Thread(target=session, args=(name,)) for name in ("乙", "丙")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [status for status, _name in won] == ["active"]
    assert lost == [(won[0][1], NOW)]
