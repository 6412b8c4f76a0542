"""Override learning: why not the best, what other weights would have done, and a change that two people make."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.unit_of_work import unit_of_work
from app.dispatch import service
from app.dispatch.eligibility import FIRST_WEIGHTS, load
from app.dispatch.models import Dispatch, Weights
from app.dispatch.queries import replay
from app.dispatch.service import Order
from app.dispatch.service import weights as versions
from tests.factories import staff
from tests.features.dispatch.people import MONDAY, engineer, planner
from tests.features.dispatch.test_board import text_of
from tests.features.dispatch.test_offers import MORNING

NEAR_ONLY = {"slack": 0, "travel": 100, "load": 0, "continuity": 0, "first_fix": 0, "cost": 0}
FIXES = {"slack": 0, "travel": 0, "load": 0, "continuity": 0, "first_fix": 100, "cost": 0}


def offered(room, who, reason: str = "", note: str = "") -> Dispatch:
    row = room.ground.ticket()
    order = Order(row.version, who.id, MORNING, override_reason=reason, override_note=note)
    return service.offer(room.ground.dispatcher, row.number, order)


@pytest.fixture
def pair(room):
    """The nearer one, who is the best, and one who mends more at the first visit."""
    with unit_of_work():
        near = engineer("近工", capacity=9)
        return near, engineer("准工", lat=31.5, capacity=9, visits_done=40, visits_fixed=40)


def test_another_than_the_best_asks_for_a_reason_and_other_for_words_that_are_kept_sealed(room, pair):
    near, sure = pair
    with unit_of_work():
        for reason, note, field in (
            ("", "", "override_reason"),
            ("other", " ", "override_note"),
            ("other", "长" * 201, "override_note"),
            ("because", "", "override_reason"),
        ):
            with pytest.raises(Invalid) as wanted:
                offered(room, sure, reason, note)
            assert list(wanted.value.fields) == [field]
        made = offered(room, sure, "other", "院方点名要他")
        assert (made.rank, made.override_reason, made.override_note) == (2, "other", "院方点名要他")
        assert "院方点名要他".encode() not in made.override_sealed
        kept = {line["id"]: line for line in made.ranking}
        assert set(kept) == {near.id.hex, sure.id.hex}
        assert all(set(line["shares"]) == set(FIRST_WEIGHTS) for line in kept.values())
        best = offered(room, near, "other", "白写")
        assert (best.rank, best.override_reason, best.override_note) == (1, "", None)


def test_the_report_replays_history_and_shows_what_a_weight_change_would_have_done(room, pair):
    near, sure = pair
    with unit_of_work():
        offered(room, near)
        for _n in range(2):
            offered(room, sure, "knows_device")
        old = offered(room, near)
        old.ranking = [
            {key: line[key] for key in ("id", "parts")} for line in old.ranking
        ]  # of before shares were kept
        late = offered(room, near)
        late.offered_at = MONDAY - timedelta(days=40)
    with unit_of_work(write=False):
        past = replay.history(MONDAY - timedelta(days=30))
        assert (len(past.choices), past.unknown) == (3, 1)
        now = replay.replay(past.choices, FIRST_WEIGHTS)
        assert (now.offers, now.changed, now.overrides, now.agreed, now.against) == (3, 0, 2, 0, 0)
        sums = replay.replay(past.choices, FIXES)
        assert (sums.changed, sums.agreed, sums.against) == (3, 2, 1)
        assert sums.kilometres(sums.after) > sums.kilometres(sums.before)
        assert replay.replay(past.choices, NEAR_ONLY).changed == 0
        (reason,) = replay.reasons(past.choices)
        assert (reason.code, reason.count, reason.stronger) == ("knows_device", 2, "first_fix") and reason.by > 0
        assert replay.history(clock.now() + timedelta(seconds=1)).choices == ()


def test_replaying_with_the_weights_of_then_gives_the_order_of_then(room, pair):
    with unit_of_work():
        made = offered(room, pair[0])
        choice = replay.history(MONDAY).choices[0]
        totals = [sum(line["parts"].values()) for line in made.ranking]
        assert totals == sorted(totals, reverse=True)
        assert choice.best_by(FIRST_WEIGHTS) == choice.best == made.ranking[0]["id"]


def test_weights_change_only_after_review_by_somebody_else(room, pair):
    g = room.ground
    bounded = staff_lead_of(room, ["31"])
    with unit_of_work():
        for content in ({**FIXES, "cost": 1}, {**FIXES, "cost": -1}, {**FIXES, "cost": None}, {"slack": 101}, {}):
            with pytest.raises(Invalid):
                versions.propose(g.dispatcher, content, "试")
        for note in ("", "x" * 201):
            with pytest.raises(Invalid):
                versions.propose(g.dispatcher, FIXES, note)
        with pytest.raises(Invalid):
            versions.propose(g.dispatcher, FIRST_WEIGHTS, "没有改动")
        made = versions.propose(g.dispatcher, FIXES, "一次修好最要紧")
        with pytest.raises(Conflict):
            versions.propose(g.colleague, NEAR_ONLY, "另一版")
        first = offered(room, pair[0])
        assert first.weights_version == 1  # what waits changes nothing
        with pytest.raises(Forbidden):
            versions.publish(g.colleague, made.version)  # no lead
        with pytest.raises(Forbidden):
            versions.publish(bounded, made.version)  # not for one province alone
        with pytest.raises(Forbidden):
            versions.drop(g.colleague, made.version)
        versions.publish(g.lead, made.version)
        with pytest.raises(NotFound):
            versions.publish(g.lead, made.version)
        row = g.ticket()
        assert load.job_of(row.id).weights == FIXES
        second = service.offer(g.dispatcher, row.number, Order(row.version, pair[1].id, MORNING))
        assert (second.rank, second.weights_version) == (1, made.version)
        own = versions.propose(g.lead, NEAR_ONLY, "近的先")
        with pytest.raises(Forbidden):
            versions.publish(g.lead, own.version)
        versions.drop(g.lead, own.version)
        assert [row.version for row in db.session.scalars(sa.select(Weights))] == [2]


def staff_lead_of(room, provinces):
    with unit_of_work():
        found = planner("外省组长", lead=True)
    rights = dict.fromkeys(found.rights, frozenset(provinces))
    return type(found)("staff", id=found.id, name=found.name, rights=rights, roles=found.roles)


def test_the_page_tries_proposes_previews_and_publishes(room, pair):
    with unit_of_work():
        offered(room, pair[1], "knows_device")
    one, lead = room.client(room.ground.dispatcher), room.client(room.ground.lead)
    text = text_of(one.get("/dispatch/weights"))
    assert "现行第 1 版" in text and "熟悉这台设备" in text and "选的人平均强在" in text
    tried = text_of(one.get("/dispatch/weights", query_string={**FIXES, "try": "1", "days": "30"}))
    assert re.search(r"其中，选的人会成为首选</td><td[^>]*>1</td>", tried) and 'name="first_fix"' in tried
    wrong = one.get("/dispatch/weights", query_string={**FIXES, "cost": 7, "try": "1"})
    assert wrong.status_code == 422 and "现在是 107 分" in text_of(wrong) and 'value="7"' in text_of(wrong)
    refused = one.post("/dispatch/weights", data={**FIXES, "note": ""})
    assert refused.status_code == 422 and 'value="100"' in text_of(refused)
    assert one.post("/dispatch/weights", data={**FIXES, "note": "一次修好最要紧"}).status_code == 303
    assert "自己提出的权重须由别人发布" in text_of(one.get("/dispatch/weights"))
    assert one.post("/dispatch/weights/2/publish").status_code == 403
    text = text_of(lead.get("/dispatch/weights"))
    assert "发布权重" in text and "一次修好最要紧" in text and "用过去的派单试算" in text
    assert lead.post("/dispatch/weights/2/publish").status_code == 303
    assert "现行第 2 版" in text_of(one.get("/dispatch/weights"))
    assert one.post("/dispatch/weights/2/drop").status_code == 404
    assert staff.signed_in(room.app, "engineer").get("/dispatch/weights").status_code == 403


def test_the_loser_of_a_race_keeps_the_words_that_were_typed(room, pair):
    with unit_of_work():
        row = room.ground.ticket()
        number, version = row.number, row.version
        service.offer(room.ground.dispatcher, number, Order(version, pair[0].id, MORNING))
    typed = {"version": version, "assignee_id": pair[1].id, "day": "2026-11-24", "half": "am",
             "override_reason": "other", "override_note": "院方点名要准工"}  # fmt: skip
    answer = room.client(room.ground.colleague).post(f"/dispatch/{number}/offer", data=typed)
    text = text_of(answer)
    assert answer.status_code == 409 and "调度甲" in text and "11-23 09:00" in text and "院方点名要准工" in text
