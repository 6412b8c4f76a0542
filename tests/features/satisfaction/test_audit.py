"""Auditing ratings: a draw that anybody can repeat, nobody judges himself, complaints decided, scores untouched."""

from __future__ import annotations

import uuid

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.outbox import Message
from app.core.statistics.sampling import position
from app.safety.models import SafetyCase
from app.satisfaction.models import ComplaintDecision, FollowUp, RatedJob, Rating, RatingAudit, RatingDraw
from app.satisfaction.service import draw
from app.staff.service import disable, holdings
from app.tickets.models import Ticket
from app.tickets.service.harm import on_harm
from tests.features.satisfaction.scene import CARD, DAY, HOUR, OK, Scene
from tests.features.tickets.people import MONDAY

NO = {"complaint": "no", "reportable": "no", "reason": "只是等待时间长"}
YES = {"complaint": "yes", "reportable": "no", "reason": "同一故障第三次"}
DONE = {"contact": "reached", "root_cause": "waiting", "action": "当面说明并改约"}


def text_of(scene: Scene, number: str, who: str = "auditor") -> str:
    answer = scene.client(who).get(f"/satisfaction/{number}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def low(scene: Scene, score: int = 1, comment: str = "等了很久") -> str:
    scene.member("auditor")
    number = scene.closed()
    scene.rate(number, score, comment=comment)
    return number


def test_low_score_opens_a_follow_up_with_owner_and_due_time_in_working_hours(scene):
    """Feature 16, first half: Monday 09:00 and one working day is Monday 18:00."""
    number = low(scene, 2)
    row = scene.follow(number)
    assert row is not None
    assert (row.why, row.status, row.owner_name) == ("low", "open", "样例auditor")
    assert row.due_at == MONDAY + 9 * HOUR
    assert scene.job(number).follow_due_at == row.due_at


def test_a_disabled_owners_follow_ups_go_to_the_auditor_with_the_fewest(scene):
    number = low(scene)
    admin, leaver = scene.member("admin", "admin"), scene.people["auditor"]
    with scene.work():
        assert [line.count for line in holdings(admin, leaver.id)] == [1]
    second = scene.member("second")
    with scene.work():
        assert disable(admin, leaver.id) == 1
    assert scene.follow(number).owner_id == second.id
    with scene.work():
        assert disable(admin, second.id) == 1
    assert (scene.follow(number).owner_id, scene.follow(number).owner_name) == (None, "")


def test_a_good_score_opens_none(scene):
    number = scene.closed()
    scene.rate(number, 3)
    assert scene.follow(number) is None and scene.job(number).status == "answered"


@pytest.mark.parametrize("missing", ["contact", "root_cause", "action"])
def test_a_follow_up_cannot_be_closed_with_any_of_them_empty(scene, missing):
    """Feature 16, second half."""
    number = low(scene)
    answer = scene.post(number, "follow-up/finish", **{**DONE, missing: "  " if missing == "action" else ""})
    assert answer.status_code == 422
    assert scene.follow(number).status == "open"
    assert scene.post(number, "follow-up/finish", **DONE).status_code == 303
    assert scene.follow(number).status == "asked"
    assert scene.post(number, "follow-up/finish", **DONE).status_code == 409


def test_the_second_survey_reopens_while_unhappy_and_settles_when_content(scene):
    number = low(scene)
    scene.post(number, "follow-up/finish", **DONE)
    first = scene.link("rating_second")
    assert "现在满意吗" in scene.app.test_client().get(f"/r/{first}").get_data(as_text=True)
    assert again(scene, first, "").status_code == 422
    assert again(scene, first, "2").status_code == 303
    row = scene.follow(number)
    assert (row.status, row.round) == ("open", 2) and scene.job(number).follow_due_at is not None
    assert again(scene, first, "5").status_code == 409
    with clock.frozen(MONDAY + HOUR / 6):
        scene.post(number, "follow-up/finish", **DONE)
        second = scene.link("rating_second")
        assert second != first and again(scene, second, "4").status_code == 303
    row = scene.follow(number)
    assert (row.status, row.end) == ("settled", "happy") and scene.job(number).follow_due_at is None
    assert scene.ratings(number) == [(1, 1)]


def again(scene: Scene, token: str, score: str):
    from tests.factories import staff

    client = scene.app.test_client()
    return client.post(f"/r/{token}/again", data={"score": score, "csrf_token": staff.csrf(client, "/login")})


def test_a_second_survey_that_nobody_answers_ends_with_its_own_instant(scene):
    number = low(scene)
    scene.post(number, "follow-up/finish", **DONE)
    token = scene.link("rating_second")
    with clock.frozen(MONDAY + 14 * DAY):
        assert scene.app.test_client().get(f"/r/{token}").status_code == 410
    scene.settle(MONDAY + 20 * DAY)
    row = scene.follow(number)
    assert (row.status, row.end, row.settled_at) == ("settled", "silent", MONDAY + 14 * DAY)


def test_the_third_time_of_a_cause_needs_a_corrective_action(scene):
    for _n in range(2):
        assert scene.post(low(scene), "follow-up/finish", **DONE).status_code == 303
    number = low(scene)
    refused = scene.post(number, "follow-up/finish", **DONE)
    assert refused.status_code == 422 and "第 3 次出现这个原因" in refused.get_data(as_text=True)
    assert scene.post(number, "follow-up/finish", **DONE, corrective="CAPA-2026-07").status_code == 303


@pytest.mark.parametrize(
    "score, comment", [(1, ""), (2, "慢"), (5, "病人感染了"), (4, "镜子前端断裂"), (3, "出 血"), (5, "ＢＵＲＮ")]
)
def test_complaint_determination_on_every_low_score_and_every_text_that_names_harm(scene, score, comment):
    """Feature 17: closing without yes or no and a reason is refused; yes shows the reporting clocks."""
    number = low(scene, score, comment)
    assert scene.job(number).status == "flagged"
    assert "7 日内" in text_of(scene, number) and "20 日内" in text_of(scene, number)
    refused = scene.post(number, "audit", **OK)
    assert refused.status_code == 409 and "请先判定" in refused.get_data(as_text=True)
    for gap in ("complaint", "reportable", "reason"):
        assert scene.post(number, "complaint", **{**NO, gap: ""}).status_code == 422
    assert scene.count(ComplaintDecision) == 0
    assert scene.post(number, "complaint", **NO).status_code == 303
    assert scene.post(number, "audit", **OK).status_code == 303
    assert scene.job(number).status == "audited"
    made = scene.read(lambda: db.session.scalars(sa.select(ComplaintDecision)).one())
    assert (made.complaint, made.by_name) == (False, "样例auditor")


def test_a_complaint_that_names_harm_tells_the_safety_room_and_opens_the_follow_up(scene):
    told = []
    on_harm.add("test", lambda actor, row, answer: told.append((actor.name, row.number, answer.value)))
    try:
        number = low(scene, 5, "病人出血")
        assert scene.follow(number) is None
        assert scene.post(number, "complaint", **YES).status_code == 303
    finally:
        on_harm._entries.pop("test")
    assert told == [("样例auditor", number, "possible")]
    assert scene.read(lambda: db.session.scalar(sa.select(Ticket.harm).where(Ticket.number == number))) == "possible"
    assert scene.follow(number).why == "complaint"
    cases = sa.select(sa.func.count()).select_from(SafetyCase).join(Ticket, Ticket.id == SafetyCase.ticket_id)
    assert scene.read(lambda: db.session.scalar(cases.where(Ticket.number == number))) == 1


def test_a_complaint_without_harm_tells_nobody(scene):
    number = low(scene, 1, "太慢")
    scene.post(number, "complaint", **YES)
    assert scene.read(lambda: db.session.scalar(sa.select(Ticket.harm).where(Ticket.number == number))) == ""


def test_reportable_is_always_a_complaint(scene):
    number = low(scene)
    assert scene.post(number, "complaint", complaint="no", reportable="yes", reason="x").status_code == 422


def test_sampling_twice_with_the_same_seed_draws_the_same(scene):
    for _n in range(30):
        scene.rate(scene.closed(), 5)
    with scene.work(MONDAY + DAY):
        made = draw.sample(seed=b"0123456789abcdef")
        assert made is not None
        frame, picked, percent = list(made.frame), made.drawn, made.percent
    assert len(frame) == 30 and percent == 10
    chosen = draw.chosen(b"0123456789abcdef", frame, percent)
    assert chosen == draw.chosen(b"0123456789abcdef", frame, percent) and len(chosen) == picked
    assert chosen == [case for case in frame if position(b"0123456789abcdef", case.encode()) < 0.1]
    sampled = sa.select(RatedJob.id).where(RatedJob.status == "sampled")
    assert scene.read(lambda: {str(i) for i in db.session.scalars(sampled)}) == set(chosen)
    with scene.work(MONDAY + DAY):
        assert draw.sample(seed=b"another seed ...") is None  # each rating is in one frame
    assert scene.count(RatingDraw) == 1


def test_ratings_that_can_still_change_are_not_drawn(scene):
    scene.rate(scene.closed(), 5)
    with scene.work(MONDAY + 23 * HOUR):
        assert draw.sample() is None


def test_an_auditor_who_is_the_engineer_finds_nothing(scene):
    """Rated people see no single rating, so none to audit either."""
    scene.member("both", "satisfaction_auditor", "engineer")
    number = scene.closed(assignee_id=scene.people["both"].id, assignee_name="样例both")
    scene.rate(number, 1)
    assert scene.client("both").get(f"/satisfaction/{number}").status_code == 404
    for act, data in (("audit", OK), ("complaint", NO), ("follow-up/finish", DONE), ("second", OK)):
        assert scene.post(number, act, "both", **data).status_code == 404
    listed = scene.client("both").get("/satisfaction?view=flagged").get_data(as_text=True)
    assert number not in listed
    assert scene.follow(number).owner_id != scene.people["both"].id


def test_nobody_audits_a_rating_he_is_named_in(scene):
    scene.member("named", "satisfaction_auditor")
    number = low(scene, 1, "样例named 在电话里态度很差")
    assert scene.client("named").get(f"/satisfaction/{number}").status_code == 404
    assert scene.client("auditor").get(f"/satisfaction/{number}").status_code == 200


@pytest.mark.parametrize("provinces, status", [(["31"], 403), (["44"], 303)])
def test_nobody_audits_his_teams_ratings_when_he_leads_it(scene, provinces, status):
    number = low(scene, 1)
    scene.member("lead", "satisfaction_auditor", ("engineer", provinces, True))
    assert scene.post(number, "complaint", "lead", **NO).status_code == status
    assert "您带领的组" in text_of(scene, number, "lead") or status == 303


def test_void_without_reason_is_refused_and_void_deletes_nothing(scene):
    number = low(scene, 1)
    scene.post(number, "complaint", **NO)
    for outcome in ("void", "disputed"):
        refused = scene.post(number, "audit", **{**OK, "outcome": outcome})
        assert refused.status_code == 422 and "须选原因" in refused.get_data(as_text=True)
    assert scene.post(number, "audit", **{**OK, "outcome": "void", "reason": "other"}).status_code == 422
    assert scene.post(number, "audit", **{**OK, "outcome": "void", "reason": "test"}).status_code == 303
    assert scene.job(number).outcome == "void"
    assert scene.ratings(number) == [(1, 1)]
    assert "等了很久" in text_of(scene, number)


@pytest.mark.parametrize("gap", [*CARD, "outcome"])
def test_an_audit_needs_the_whole_score_card(scene, gap):
    number = low(scene, 1)
    scene.post(number, "complaint", **NO)
    assert scene.post(number, "audit", **{**OK, gap: "", "note": "写过的话"}).status_code == 422
    assert scene.count(RatingAudit) == 0


def test_two_auditors_at_once_the_loser_is_told(scene):
    number = low(scene, 1)
    scene.post(number, "complaint", **NO)
    version = str(scene.job(number).version)
    scene.member("other", "satisfaction_auditor")
    assert scene.post(number, "audit", "other", **OK, version=version).status_code == 303
    assert scene.post(number, "audit", **OK, version=version).status_code == 409
    assert scene.count(RatingAudit) == 1


def test_a_version_that_changed_meanwhile_is_not_judged_unseen(scene):
    number = low(scene, 1)
    scene.post(number, "complaint", **NO)
    version = str(scene.job(number).version)
    scene.rate(number, 2, comment="病人感染")
    assert scene.post(number, "audit", **OK, version=version).status_code == 409
    assert scene.post(number, "audit", **OK).status_code == 409  # the new version names harm: decide again
    scene.post(number, "complaint", **NO)
    assert scene.post(number, "audit", **OK).status_code == 303


def test_scores_cannot_be_edited_by_anyone(scene):
    """No route of staff takes a score, and no other method is there."""
    number = low(scene, 1)
    scene.post(number, "complaint", **NO, score="5")
    scene.post(number, "audit", **OK, score="5")
    assert scene.ratings(number) == [(1, 1)] and scene.job(number).score == 1
    for rule in scene.app.url_map.iter_rules():
        if rule.rule.startswith(("/satisfaction", "/r/")) or rule.rule.endswith("/rating"):
            assert not {"PUT", "PATCH", "DELETE"} & (rule.methods or set()), rule
    answer = scene.app.test_client().put("/api/v1/tickets/TKT-1/rating", json={"score": 5})
    assert answer.status_code == 405
    assert scene.count(Rating) == 1


def test_the_second_auditor_cannot_see_the_first_audit_and_the_first_cannot_give_the_second(scene):
    number = low(scene, 3, "一般")
    scene.post(number, "flag")
    verdict = {**OK, "outcome": "disputed", "reason": "contradiction", "note": "暗号甲"}
    assert scene.post(number, "audit", **verdict).status_code == 303
    with scene.work(MONDAY + 2 * HOUR):
        db.session.execute(sa.update(RatedJob).values(second_due_at=MONDAY + DAY))
    scene.member("second", "satisfaction_auditor")
    seen = text_of(scene, number, "second")
    assert "暗号甲" not in seen and "样例auditor" not in seen and "盲复审" in seen
    assert scene.post(number, "second", **OK).status_code == 403
    assert scene.post(number, "second", "second", **OK).status_code == 303
    assert scene.post(number, "second", "second", **OK).status_code == 409
    assert scene.job(number).outcome == "disputed"
    lead = scene.client("lead", ("satisfaction_auditor", None, True)).get("/satisfaction/agreement")
    assert lead.status_code == 200 and "1 件里 0 件一致" in lead.get_data(as_text=True)


def test_the_second_draw_takes_audits_each_once(scene):
    number = low(scene, 1)
    scene.post(number, "complaint", **NO)
    scene.post(number, "audit", **OK)
    with scene.work(MONDAY + 2 * HOUR):
        made = draw.second(seed=b"0123456789abcdef")
        assert made is not None and len(made.frame) == 1
        assert draw.second() is None


@pytest.mark.parametrize("role", ["engineer", "dealer_user", "dispatcher", "triager", "depot", "admin", "reviewer"])
def test_single_ratings_are_for_auditors_alone(scene, role):
    number = low(scene, 1)
    client = scene.client("x", role)
    assert client.get(f"/satisfaction/{number}").status_code == 403
    assert client.get("/satisfaction").status_code == 403


def test_an_auditor_of_another_province_finds_nothing(scene):
    number = low(scene, 1)
    scene.member("south", ("satisfaction_auditor", ["44"], False))
    assert scene.client("south").get(f"/satisfaction/{number}").status_code == 404
    assert scene.post(number, "complaint", "south", **NO).status_code == 404


def test_every_tab_of_the_list_and_todays_page_show_what_waits(scene):
    number = low(scene, 1)
    scene.settle()
    client = scene.client()
    for tab in ("flagged", "mine", "follow", "given", "all"):
        assert number in client.get(f"/satisfaction?tab={tab}").get_data(as_text=True), tab
    for tab in ("sampled", "second"):
        assert number not in client.get(f"/satisfaction?tab={tab}").get_data(as_text=True), tab
    assert number in client.get("/").get_data(as_text=True)


def test_harm_words_are_proposed_by_one_and_approved_by_another(scene):
    scene.member("one", ("satisfaction_auditor", None, True))
    scene.member("two", ("satisfaction_auditor", None, True))
    from tests.factories import staff

    def post(who: str, path: str, **data: str):
        client = scene.client(who)
        return client.post(f"/satisfaction/harm-words{path}", data={**data, "csrf_token": staff.csrf(client)})

    words = dict.fromkeys(("infection", "burn", "bleeding", "breakage", "shock", "injury"), "感染")
    assert post("one", "", **words, fire="", note="加一个词").status_code == 422
    assert post("one", "", **words, fire="焦味、冒烟", note="加一个词").status_code == 303
    assert post("two", "", **words, fire="焦味", note="又一版").status_code == 409
    number = scene.closed()
    scene.rate(number, 5, comment="有焦味")
    assert scene.job(number).status == "answered"
    assert post("one", "/2/approve").status_code == 403
    assert post("two", "/2/approve").status_code == 303
    later = scene.closed()
    scene.rate(later, 5, comment="有焦味")
    assert (scene.job(later).status, scene.flags(later)) == (
        "flagged",
        {("harm", "fire"), ("signal", "praise_negative")},
    )
    lists = sa.select(Rating.harm_list).order_by(Rating.harm_list)
    assert scene.read(lambda: list(db.session.scalars(lists))) == [1, 2]


def test_the_messages_of_ratings_hold_no_text_of_the_rater(scene):
    number = low(scene, 1, "内部机密四字")
    scene.post(number, "follow-up/finish", **DONE)
    params = scene.read(lambda: [repr(row.params) for row in db.session.scalars(sa.select(Message))])
    assert params and not any("内部机密四字" in found for found in params)


def test_a_follow_up_can_be_taken_over(scene):
    number = low(scene, 1)
    scene.member("other", "satisfaction_auditor")
    assert scene.post(number, "follow-up/take", "other").status_code == 303
    assert scene.follow(number).owner_id == scene.people["other"].id


def test_without_an_auditor_the_follow_up_is_open_to_all(scene):
    number = scene.closed()
    scene.rate(number, 1)
    assert scene.follow(number).owner_id is None
    assert number in scene.client().get("/satisfaction?tab=mine").get_data(as_text=True)


def test_unknown_ids_are_not_found(scene):
    client = scene.client()
    assert client.get(f"/satisfaction/{uuid.uuid4()}").status_code == 404
    assert scene.post("TKT-20260101-0001", "audit", **OK).status_code == 404
    assert scene.count(FollowUp) == 0
