"""The clock one second before, at, and one second after each boundary, through every door, without any job."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import Conflict, Invalid, NotFound, TransitionRefused
from app.core.outbox import Message
from app.customers import service as customers
from app.customers.models import Customer, CustomerProfile
from app.grants import service
from app.grants.lookback import months_back
from app.grants.models import Campaign, Grant
from app.grants.queries import own
from app.tickets.queries import readable
from tests.features.grants import world
from tests.features.grants.test_foreign_ids import token_for
from tests.features.grants.world import NOW, TODAY

SECOND = timedelta(seconds=1)
AROUND = (-SECOND, timedelta(), SECOND)
LATER = NOW + timedelta(days=40)
OPEN, SHUT = "open", "shut"


def at_boundary(instant: datetime) -> tuple[datetime, ...]:
    return tuple(instant + shift for shift in AROUND)


def starts(at: Any, who: Any) -> datetime:
    day = TODAY + timedelta(days=3)
    return world.granted(at, who, "消化内科", start=day, end=day + timedelta(days=90)).starts_at


def ends(at: Any, who: Any) -> datetime:
    return world.granted(at, who, "消化内科", end=TODAY + timedelta(days=50)).ends_at


def leaves_the_look_back(at: Any, who: Any) -> datetime:
    world.granted(at, who, "消化内科", months=3)
    opened = db.session.scalar(sa.select(readable.T.opened_at))
    edge = opened.replace(year=opened.year + 1, month=opened.month - 9)  # 20 November: 20 February
    assert months_back(3, edge) == opened
    return edge + SECOND  # at three months to the second it is still inside


def review_closes(at: Any, who: Any) -> datetime:
    world.granted(at, who, "消化内科")
    return service.open_campaign(world.granter("组长"), TODAY + timedelta(days=9), province="31").closes_at


def badge_ends(at: Any, who: Any) -> datetime:
    last = date(2026, 12, 20)
    world.approve(db.session.get(Customer, who.id), at, "内镜中心", badge=last)
    world.granted(at, who, "消化内科")
    return datetime(2026, 12, 21, tzinfo=clock.SHANGHAI)


def is_suspended(at: Any, who: Any) -> datetime:
    world.granted(at, who, "消化内科")
    profile = db.session.scalars(sa.select(CustomerProfile)).one()
    profile.suspended_at = LATER
    return LATER


def changes_position(at: Any, who: Any) -> datetime:
    """An approval in its undo window says so already, and counts from its end on."""
    world.granted(at, who, "消化内科")
    world.approve(db.session.get(Customer, who.id), at, "内镜中心", position="护士", since=LATER)
    return LATER


def lapses_unconfirmed(at: Any, who: Any) -> datetime:
    world.granted(at, who, "消化内科")
    profile = db.session.scalars(sa.select(CustomerProfile.registration_id)).one()
    customers.suspend(who.id, registration_id=profile)
    service.settle_due()
    until = db.session.scalars(sa.select(Grant.pause_until)).one()
    assert until == NOW + timedelta(days=14)
    return until


BOUNDARIES = {
    starts: (SHUT, OPEN, OPEN),
    ends: (OPEN, SHUT, SHUT),
    leaves_the_look_back: (OPEN, SHUT, SHUT),
    review_closes: (OPEN, SHUT, SHUT),
    badge_ends: (OPEN, SHUT, SHUT),
    is_suspended: (OPEN, SHUT, SHUT),
    changes_position: (OPEN, SHUT, SHUT),
    lapses_unconfirmed: (SHUT, SHUT, SHUT),
}


def doors(who: Any, number: str) -> dict[str, str]:
    """Whether a department's ticket is open, asked of each door of the query."""
    found = readable.reader(who)
    said = lambda open_now: OPEN if open_now else SHUT
    try:
        readable.one(found, number)
        detail = OPEN
    except NotFound:
        detail = SHUT
    return {
        "list": said(number in {row.number for row in readable.page(found).rows}),
        "count": said(readable.count(found) == 1),
        "search": said([row.number for row in readable.page(found, q="漏水").rows] == [number]),
        "export": said([row.number for row in readable.everything(found)[0]] == [number]),
        "detail": detail,
    }


def calls(http: Any, head: dict[str, str], number: str) -> dict[str, str]:
    """The same of the mini program."""
    said = lambda open_now: OPEN if open_now else SHUT
    get = lambda path: http.get(f"/api/v1/tickets{path}", headers=head)
    department = get("?scope=department")
    return {
        "api list": said([item["number"] for item in get("").json["items"]] == [number]),
        "api department": said(
            department.status_code == 200 and [i["number"] for i in department.json["items"]] == [number]
        ),
        "api count": said(get("/count").json["count"] == 1),
        "api export": said(number in get("/export").get_data(as_text=True)),
        "api detail": said(get(f"/{number}").status_code == 200),
    }


@pytest.mark.parametrize("boundary", BOUNDARIES, ids=lambda found: found.__name__)
def test_one_second_before_and_after_each_boundary_through_every_door(app, step, boundary):
    with step():
        at = world.place()
        who = world.person(at, since=NOW - timedelta(days=60))
        number = world.ticket(at, "消化内科", ago=timedelta(days=3)).number
        instant = boundary(at, who)
    http, wanted = app.test_client(), BOUNDARIES[boundary]
    for moment, state in zip(at_boundary(instant), wanted, strict=True):
        with step(moment):
            _id, head = token_for(who, moment.strftime("%H%M%S"))
        with step(moment, write=False):
            found = doors(who, number)
        with clock.frozen(moment):
            found |= calls(http, head, number)
        assert found == dict.fromkeys(found, state), (moment, found)


def test_ones_own_look_back_to_the_second(app, step):
    with step():
        at = world.place()
        who = world.person(at)
        number = world.ticket(at, "妇科", by=who, opened_at=months_back(12)).number
    for moment, state in ((NOW - SECOND, OPEN), (NOW, OPEN), (NOW + SECOND, SHUT)):
        with step(moment, write=False):
            found = doors(who, number)
        assert found == dict.fromkeys(found, state), (moment, found)


def test_fourteen_days_of_a_pause_to_the_second(step):
    """What it is, and whether it can still be confirmed."""
    with step():
        at = world.place()
        who = world.person(at)
        row_id = world.granted(at, who, "消化内科").id
        until = NOW + timedelta(days=14)
        world.approve(db.session.get(Customer, who.id), at, "内镜中心", title="副主任护师")
        service.settle_due()
        assert world.reload(row_id).pause_until == until
    for moment, status in zip(at_boundary(until), ("paused", "expired", "expired"), strict=True):
        with step(moment, write=False):
            assert [row.status for row in own.grants_of(who)] == [status]
        with pytest.raises(Undone), step(moment):
            confirm = lambda: service.reconfirm(
                world.granter("丁"), row_id, world.reload(row_id).version, [at.wards["消化内科"]], "新任命已核"
            )
            if status == "paused":
                confirm()
                assert readable.has_department(readable.reader(who))
            else:
                with pytest.raises(Conflict):
                    confirm()
            raise Undone


class Undone(Exception):
    """Ends a step without a trace, so that each second is tried on the same world."""


@pytest.mark.parametrize("days", [30, 7])
def test_reminders_to_the_second(step, days):
    with step():
        at = world.place()
        ends_at = world.granted(at, world.person(at), "消化内科").ends_at
    told = []
    for moment in at_boundary(ends_at - timedelta(days=days)):
        with step(moment):
            service.settle_due()
            told.append(db.session.scalar(sa.select(sa.func.count()).where(Message.template == "grant_expiring")))
    earlier = 1 if days == 7 else 0  # the one of thirty days, late but not lost
    assert told == [earlier, earlier + 1, earlier + 1]


def test_the_review_reminder_to_the_second(step):
    with step():
        at = world.place()
        world.granted(at, world.person(at), "消化内科")
        closes = service.open_campaign(world.granter("组长"), TODAY + timedelta(days=20), province="31").closes_at
    told = []
    for moment in at_boundary(closes - timedelta(days=7)):
        with step(moment):
            service.settle_due()
            told.append(db.session.scalars(sa.select(Campaign.reminded_at)).one() is not None)
    assert told == [False, True, True]


def test_twelve_months_to_the_day_the_first_instant_beyond_is_refused(step):
    """Ends are whole days: the last allowed one closes at the very second at which twelve months are over."""
    with step():
        at = world.place()
        found = world.person(at)
        last = TODAY.replace(year=2027) - timedelta(days=1)
        row = world.granted(at, found, "消化内科", end=last)
        assert row.ends_at == row.starts_at.replace(year=row.starts_at.year + 1)
        with pytest.raises(Invalid) as refused:
            service.propose(
                world.granter(), world.person(at).id, world.terms(at, "消化内科", end=last + timedelta(days=1)), "报修"
            )
        assert refused.value.code == "too_long"


def test_renewal_opens_to_the_second(step):
    with step():
        at = world.place()
        who = world.person(at)
        row = world.granted(at, who, "消化内科", end=TODAY + timedelta(days=60))
        row_id, opens = row.id, row.ends_at - timedelta(days=30)
    for moment, may in zip(at_boundary(opens), (False, True, True), strict=True):
        with pytest.raises(Undone), step(moment):
            terms = world.terms(at, "消化内科", start=clock.today())
            if may:
                assert service.propose(world.granter(), who.id, terms, "续", renews=row_id).renews_id == row_id
            else:
                with pytest.raises(TransitionRefused):
                    service.propose(world.granter(), who.id, terms, "续", renews=row_id)
            raise Undone


def test_a_request_whose_period_is_over_is_not_approved(step):
    with step():
        at = world.place()
        row = service.propose(
            world.granter("甲"), world.person(at).id, world.terms(at, "消化内科", end=TODAY + timedelta(days=2)), "x"
        )
        row_id, over = row.id, row.ends_at
    for moment, may in zip(at_boundary(over), (True, False, False), strict=True):
        with pytest.raises(Undone), step(moment):
            if may:
                assert service.approve(world.granter("乙"), row_id, 1).status == "active"
            else:
                with pytest.raises(Invalid) as refused:
                    service.approve(world.granter("乙"), row_id, 1)
                assert refused.value.code == "period_over"
            raise Undone


def test_a_sign_in_ends_to_the_second(app, step):
    with step():
        who = world.person(world.place())
        heads = [token_for(who, key)[1] for key in ("one", "two", "three")]  # using one makes it last longer
    http = app.test_client()
    ends_at = at_boundary(NOW + timedelta(days=20))
    for moment, head, status in zip(ends_at, heads, (200, 401, 401), strict=True):
        with clock.frozen(moment):
            assert http.get("/api/v1/tickets", headers=head).status_code == status, moment
