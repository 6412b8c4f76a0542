"""What was verified, field by field: seen on the badge, seen otherwise and how, or claimed only."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from app.core.db import db
from app.core.errors import Invalid
from app.customers.models import CustomerProfile
from app.registrations import service
from app.registrations.checks import How, Way
from app.registrations.models import FieldCheck
from app.registrations.service import Entered
from tests.features.registrations.story import ALL_SEEN, MONDAY, RETRY, reload, reviewer, take

OTHERWISE = {**ALL_SEEN, "position": "seen_otherwise", "title": "claimed_only"}


def test_a_field_seen_otherwise_says_how(work, story):
    me = reviewer()
    with work():
        row = story.case()
        seen = take(me, row)
        with pytest.raises(Invalid) as refusal:
            service.approve(me, row.id, seen, Entered(checks=OTHERWISE))
        assert refusal.value.code == "how_required"
        with pytest.raises(Invalid):
            service.approve(me, row.id, seen, Entered(checks=OTHERWISE, ways={"position": Way("by_magic")}))
        with pytest.raises(Invalid):
            service.approve(
                me, row.id, seen, Entered(checks=OTHERWISE, ways={"position": Way(How.DIRECTORY, "长" * 61)})
            )
        told = Entered(checks=OTHERWISE, ways={"position": Way(How.PHONE_CALL, "总机转护理部")})
        service.approve(me, row.id, seen, told)
    with work():
        found = {check.field: check for check in db.session.scalars(sa.select(FieldCheck))}
        assert (found["position"].verdict, found["position"].how) == ("seen_otherwise", "phone_call")
        assert found["position"].how_note == "总机转护理部"
        assert (found["name"].verdict, found["name"].how) == ("seen", None)
        assert found["title"].verdict == "claimed_only"


def test_a_way_without_its_verdict_is_not_kept(work, story):
    me = reviewer()
    with work():
        row = story.case()
        service.approve(me, row.id, take(me, row), Entered(checks=ALL_SEEN, ways={"name": Way(How.DIRECTORY)}))
        assert db.session.scalars(sa.select(FieldCheck.how)).all() == [None] * 5


def test_the_badges_own_date_goes_to_the_profile(work, story):
    me, day = reviewer(), date(2027, 6, 30)
    with work():
        row = story.case()
        service.approve(me, row.id, take(me, row), Entered(checks=ALL_SEEN, badge_valid_until=day))
        assert reload(row.id).badge_valid_until == day
        assert db.session.scalars(sa.select(CustomerProfile.badge_valid_until)).one() == day


def test_a_new_round_forgets_the_date_of_the_old_badge(work, story):
    me = reviewer()
    with work():
        row = story.case()
        service.ask_again(
            me, row.id, take(me, row), Entered(**{**_as_dict(RETRY), "badge_valid_until": date(2025, 1, 1)})
        )
        assert reload(row.id).badge_valid_until == date(2025, 1, 1)
    with work(MONDAY + timedelta(minutes=2)):
        service.resubmit(story.people[0], story.claim())
        assert reload(row.id).badge_valid_until is None


def test_a_draft_keeps_ways_and_date():
    entered = Entered(OTHERWISE, (), "", "", {"position": Way("directory", "官网")}, date(2027, 1, 1))
    assert Entered.from_json(entered.to_json()) == entered
    assert Entered.from_json('{"checks": {}, "reasons": [], "public_text": "", "private_note": ""}') == Entered()


def _as_dict(entered: Entered) -> dict[str, object]:
    return {name: getattr(entered, name) for name in Entered.__dataclass_fields__}
