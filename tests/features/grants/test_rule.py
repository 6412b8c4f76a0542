"""The rule of who reads what, at its boundaries and without any job having run."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import Forbidden, NotFound
from app.core.policy import SYSTEM
from app.customers import service as customers
from app.customers.models import Customer, CustomerProfile
from app.grants import service
from app.grants.lookback import months_back
from app.grants.models import GrantEvent
from app.grants.scope import Which
from app.hospitals import service as hospitals
from app.hospitals.models import Department
from app.tickets.queries import readable
from tests.features.grants import world
from tests.features.grants.world import NOW, TODAY

SECOND = timedelta(seconds=1)


def numbers(actor, which=Which.ALL):
    """What this person reads, asked of every door; they must agree."""
    found = readable.reader(actor)
    listed = {row.number for row in readable.page(found, which=which, limit=100).rows}
    assert readable.count(found, which=which) == len(listed)
    assert {row.number for row in readable.everything(found, which=which)[0]} == listed
    return listed


def test_a_person_with_department_a_sees_a_and_not_b(step):
    with step():
        at = world.place()
        who = world.person(at)
        a, b = world.ticket(at, "消化内科"), world.ticket(at, "手术室")
        own = world.ticket(at, "妇科", by=who)
        assert numbers(who) == {own.number}
        world.granted(at, who, "消化内科")
        assert numbers(who) == {own.number, a.number}
        assert numbers(who, Which.DEPARTMENT) == {a.number}
        assert numbers(who, Which.MINE) == {own.number}
        readable.one(readable.reader(who), a.number)
        with pytest.raises(NotFound):
            readable.one(readable.reader(who), b.number)


def test_the_department_that_counts_is_the_reporters_not_the_devices(step):
    with step():
        at = world.place()
        who = world.person(at)
        theirs = world.ticket(at, "消化内科", device_ward="手术室")
        world.ticket(at, "手术室", device_ward="消化内科")
        world.granted(at, who, "消化内科")
        assert numbers(who, Which.DEPARTMENT) == {theirs.number}


def test_the_start_the_end_and_both_look_backs_to_the_second(step):
    with step():
        at = world.place()
        who = world.person(at)
        start, end = TODAY + timedelta(days=3), TODAY + timedelta(days=100)
        row = world.granted(at, who, "消化内科", start=start, end=end, months=12)
        assert row.status == "scheduled"
        world.ticket(at, "消化内科", ago=timedelta(hours=3))
        begins, ends = row.starts_at, row.ends_at
    assert begins == datetime(2026, 11, 26, tzinfo=clock.SHANGHAI)
    assert ends == datetime(2027, 3, 4, tzinfo=clock.SHANGHAI)  # the whole last day counts
    for at_time, open_rows in ((begins - SECOND, 0), (begins, 1), (ends - SECOND, 1), (ends, 0)):
        with step(at_time, write=False):
            assert len(numbers(who)) == open_rows, at_time
    with step(begins):
        edge = months_back(12)
        inside = world.ticket(at, "消化内科", opened_at=edge)
        world.ticket(at, "消化内科", opened_at=edge - SECOND)
        assert inside.number in numbers(who) and len(numbers(who)) == 2
    with step(begins):
        edge = months_back(12)  # the general look-back, of one's own
        mine = world.ticket(at, "妇科", by=who, opened_at=edge)
        outside = world.ticket(at, "妇科", by=who, opened_at=edge - SECOND)
        assert mine.number in numbers(who) and outside.number not in numbers(who)


def test_ones_own_older_record_of_the_department_is_read_by_the_longer_look_back(step):
    with step():
        at = world.place()
        who = world.person(at)
        old = world.ticket(at, "消化内科", by=who, ago=timedelta(days=500))
        assert numbers(who) == set()
        world.granted(at, who, "消化内科", months=24)
        assert numbers(who) == {old.number}


def test_two_grants_over_one_department_show_each_row_once(step):
    with step():
        at = world.place()
        who = world.person(at)
        rows = {world.ticket(at, "消化内科", ago=timedelta(days=d)).number for d in (5, 200, 600)}
        world.granted(at, who, "消化内科", months=12)
        world.granted(at, who, "消化内科", "手术室", months=24)
        assert numbers(who) == rows


CHANGES = {
    "registration_suspended": lambda who, p, at: customers.suspend(who.id, registration_id=p),
    "registration_ended": lambda who, p, at: customers.end(who.id, registration_id=p),
    "position_changed": lambda who, p, at: _again(who, at, position="护士"),
    "title_changed": lambda who, p, at: _again(who, at, title="护师"),
    "department_changed": lambda who, p, at: _again(who, at, ward="妇科"),
    "badge_expired": lambda who, p, at: _again(who, at, badge=TODAY - timedelta(days=1)),
    "hospital_changed": lambda who, p, at: _again(who, world.place("西川示范医院", "51"), ward="内镜中心"),
    "department_merged": lambda who, p, at: _set(at.wards["消化内科"], merged_into=at.wards["手术室"], active=False),
    "department_moved": lambda who, p, at: _set(at.wards["消化内科"], parent_id=at.wards["手术室"]),
    "hospital_merged": lambda who, p, at: _merge(at),
}


def _again(who, at, *, ward="内镜中心", **kw):
    world.approve(db.session.get(Customer, who.id), at, ward, **kw)


def _set(department_id, **values):
    db.session.execute(sa.update(Department).where(Department.id == department_id).values(**values))


def _merge(at):
    into = hospitals.create_hospital(SYSTEM, hospitals.HospitalData("合并后的示范医院", "31"))
    hospitals.merge_hospitals(SYSTEM, at.id, into.code)


@pytest.mark.parametrize("cause", CHANGES)
def test_3_4_position_drift_suspends_the_grant_at_the_next_read_and_the_job_says_so(step, cause):
    """Change of hospital, department, position or title, a badge past its date, a merge: paused, no job needed."""
    with step():
        at = world.place()
        who = world.person(at)
        shown = world.ticket(at, "消化内科").number
        row_id = world.granted(at, who, "消化内科").id
        assert numbers(who) == {shown}
        profile = db.session.scalars(sa.select(CustomerProfile.registration_id)).one()
    with step(NOW + timedelta(minutes=1)):
        CHANGES[cause](who, profile, at)
        assert shown not in numbers(who)  # before any job
    with step(NOW + timedelta(minutes=2)):
        with pytest.raises(Forbidden) as refused:
            numbers(who, Which.DEPARTMENT)
        assert refused.value.code == "no_department_scope"
        assert service.settle_due() == 1
        row = world.reload(row_id)
        assert (row.status, row.pause_cause) == ("paused", cause)
        assert service.settle_due() == 0  # once
        until = row.pause_until
    with step(until - SECOND, write=False):
        assert shown not in numbers(who)
    with step(until):
        service.settle_due()
        row = world.reload(row_id)
        assert (row.status, row.ended_cause) == ("expired", "not_reconfirmed")
        events = db.session.scalars(sa.select(GrantEvent.action).order_by(GrantEvent.version)).all()
        assert events == ["propose_grant", "activate_grant", "pause_grant", "lapse_pause"]


def test_a_badge_is_good_on_its_last_day(step):
    last = date(2026, 12, 1)
    with step():
        at = world.place()
        who = world.person(at)
        world.approve(db.session.get(Customer, who.id), at, "内镜中心", badge=last)
        world.ticket(at, "消化内科")
        world.granted(at, who, "消化内科")
    midnight = datetime(2026, 12, 2, tzinfo=clock.SHANGHAI)
    for moment, rows in ((midnight - SECOND, 1), (midnight, 0)):
        with step(moment, write=False):
            assert len(numbers(who)) == rows


def test_an_approval_in_its_undo_window_is_no_drift_yet(step):
    with step():
        at = world.place()
        who = world.person(at)
        world.ticket(at, "消化内科")
        world.granted(at, who, "消化内科")
        world.approve(db.session.get(Customer, who.id), at, "妇科", since=NOW + timedelta(seconds=60))
    for moment, rows in ((NOW + timedelta(seconds=59), 1), (NOW + timedelta(seconds=60), 0)):
        with step(moment, write=False):
            assert len(numbers(who)) == rows


def test_children_come_only_when_ticked_and_later_ones_not_by_themselves(step):
    with step():
        at = world.place()
        room = hospitals.add_department(SYSTEM, at.id, "内镜一室", parent_id=at.wards["消化内科"])
        deep = hospitals.add_department(SYSTEM, at.id, "洗消间", parent_id=room.id)
        at.wards |= {"内镜一室": room.id, "洗消间": deep.id}
        plain, ticked = world.person(at), world.person(at)
        rows = {name: world.ticket(at, name).number for name in ("消化内科", "内镜一室", "洗消间")}
        world.granted(at, plain, "消化内科")
        world.granted(at, ticked, "消化内科", children=("消化内科",))
        assert numbers(plain) == {rows["消化内科"]}
        assert numbers(ticked) == set(rows.values())
        later = hospitals.add_department(SYSTEM, at.id, "内镜二室", parent_id=at.wards["消化内科"])
        at.wards["内镜二室"] = later.id
        world.ticket(at, "内镜二室")
        assert numbers(ticked) == set(rows.values())
