"""Collecting ratings: invitations frozen at the closing, a link that only a POST can use, one rating per round."""

from __future__ import annotations

import threading
import uuid

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import Conflict, Invalid, NotFound
from app.core.outbox import Message
from app.core.unit_of_work import unit_of_work
from app.customers import export
from app.customers.models import Customer
from app.satisfaction import service
from app.satisfaction.models import RatedJob, RatedPerson, Rating
from app.satisfaction.service import Answer, jobs
from tests.factories import staff
from tests.features.satisfaction.scene import DAY, HOUR, Scene
from tests.features.tickets.people import MONDAY


def page(scene: Scene, token: str, **data: object):
    client = scene.app.test_client()
    if not data:
        return client.get(f"/r/{token}")
    return client.post(f"/r/{token}", data={**data, "csrf_token": staff.csrf(client, "/login")})


def linked(scene: Scene) -> tuple[str, str]:
    number = scene.closed(caller=True)
    scene.settle()
    return number, scene.link()


def test_a_closed_ticket_is_asked_about_once_and_the_message_is_in_the_outbox(scene):
    number = scene.closed()
    assert scene.settle() == 1
    assert scene.settle() == 0
    job = scene.job(number)
    assert (job.status, job.expires_at) == ("invited", MONDAY + 14 * DAY)
    message = scene.read(
        lambda: db.session.scalars(sa.select(Message).where(Message.dedupe_key == job.message_key)).one()
    )
    assert (message.template, message.purpose) == ("rating_invitation", "satisfaction")


@pytest.mark.parametrize("status", ["cancelled", "rejected", "merged", "resolved"])
def test_other_ends_are_not_asked_about(scene, status):
    scene.closed(status=status)
    assert scene.settle() == 0


def test_rating_bound_to_a_snapshot_of_engineer_team_dealer_product_and_job_at_closing(scene):
    """Feature 14: hand the ticket on afterwards, and the figures by engineer stay."""
    number = scene.closed()
    scene.settle()
    before = scene.job(number)
    scene.ticket(
        number,
        assignee_name="别人",
        assignee_id=scene.customer.id,
        device_model="CF-Q150",
        province="44",
        service_mode="depot",
    )
    scene.rate(number, 2)
    after = scene.job(number)
    for name in ("engineer_id", "engineer_name", "province", "dealer_id", "product", "job_kind", "closed_at"):
        assert getattr(after, name) == getattr(before, name)
    assert (after.engineer_name, after.product, after.job_kind, after.province) == (
        "工程示例",
        "GIF-H290",
        "on_site",
        "31",
    )
    people = scene.read(lambda: set(db.session.execute(sa.select(RatedPerson.staff_id, RatedPerson.part))))
    assert people == {(scene.engineer.id, "engineer")}


def test_the_dealer_is_frozen_too(scene):
    dealer = uuid.uuid4()
    number = scene.closed(assignee_kind="dealer", assignee_id=dealer, assignee_name="华东样例商贸")
    scene.settle()
    job = scene.job(number)
    assert (job.dealer_id, job.dealer_name, job.engineer_id) == (dealer, "华东样例商贸", None)


def test_rating_stored_only_by_post_with_token_fifty_gets_of_a_link_scanner_leave_nothing(scene):
    """Feature 15."""
    number, token = linked(scene)
    for _n in range(50):
        answer = page(scene, token)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
    assert scene.count(Rating) == 0
    assert scene.job(number).status == "invited"
    assert page(scene, token, score="4", comment="修得快").status_code == 303
    assert scene.ratings(number) == [(1, 4)]


def test_one_per_job_editable_for_a_short_window_with_history(scene):
    """Feature 15 and decisions.md 24."""
    number = scene.closed()
    assert scene.rate(number, 3) is True
    assert scene.rate(number, 5, MONDAY + 23 * HOUR) is False
    assert scene.ratings(number) == [(1, 3), (2, 5)]
    assert ("signal", "raised") in scene.flags(number)
    with pytest.raises(Conflict) as refused:
        scene.rate(number, 1, MONDAY + 24 * HOUR)
    assert refused.value.code == "rating_closed"
    assert scene.ratings(number) == [(1, 3), (2, 5)]


def test_the_same_sent_twice_is_one_version(scene):
    number = scene.closed()
    assert scene.rate(number, 4, comment="好", reasons=("fixed",)) is True
    assert scene.rate(number, 4, comment="好 ", reasons=("fixed",)) is False
    assert scene.ratings(number) == [(1, 4)]


def test_a_rating_comes_before_the_job_and_makes_its_invitation(scene):
    number = scene.closed()
    scene.rate(number, 5)
    assert scene.job(number).status == "answered"
    assert scene.settle() == 0


def test_the_first_to_answer_closes_the_invitation(scene):
    number = scene.closed()
    with scene.work():
        contact = db.session.scalars(sa.select(jobs.Ticket).where(jobs.Ticket.number == number)).one()
        row = jobs.invite.job_of(contact, MONDAY)
        jobs.invite.send_link(row, contact.subject_id, "+8613900000009")
    token = scene.link()
    scene.rate(number, 5)
    again = page(scene, token, score="1")
    assert again.status_code == 409 and "已有人评价" in again.get_data(as_text=True)
    assert scene.ratings(number) == [(1, 5)]


def test_an_expired_invitation_is_refused_whether_or_not_the_job_came(scene):
    number, token = linked(scene)
    own = scene.closed()
    scene.settle()
    late = MONDAY + 14 * DAY
    with clock.frozen(late):
        assert page(scene, token, score="5").status_code == 410
        assert page(scene, token).status_code == 410
        with pytest.raises(Conflict) as refused:
            scene.rate(own, 5, late)
    assert refused.value.code == "rating_expired"
    assert scene.count(Rating) == 0
    scene.settle(late + HOUR)
    assert {scene.job(n).status for n in (number, own)} == {"expired"}


def test_withdrawn_when_the_ticket_is_opened_again_and_asked_again_in_the_next_round(scene):
    number, token = linked(scene)
    scene.ticket(number, cycle=2, status="to_dispatch", closed_at=None)
    refused = page(scene, token, score="5")
    assert refused.status_code == 410 and "重新处理" in refused.get_data(as_text=True)
    scene.settle()
    assert scene.job(number).status == "withdrawn"
    messages = sa.select(Message.state).where(Message.template == "rating_link")
    assert scene.read(lambda: db.session.scalars(messages).all()) == ["cancelled"]
    scene.ticket(number, status="closed", closed_at=MONDAY + DAY)
    scene.settle(MONDAY + DAY)
    assert scene.job(number, 2).status == "invited"
    assert page(scene, token, score="5").status_code == 410


def test_a_rating_after_reopening_belongs_to_the_round_that_it_is_about(scene):
    number = scene.closed()
    scene.rate(number, 2)
    scene.ticket(number, cycle=2, status="to_dispatch", closed_at=None)
    with pytest.raises(Conflict) as refused:
        scene.rate(number, 5, MONDAY + HOUR)
    assert refused.value.code == "ticket_not_closed"
    scene.ticket(number, status="closed", closed_at=MONDAY + 2 * HOUR)
    assert scene.rate(number, 5, MONDAY + 3 * HOUR) is True
    assert [scene.job(number, cycle).score for cycle in (1, 2)] == [2, 5]


@pytest.mark.parametrize("token", ["x", "0" * 43, "../../etc", "A" * 43, "%00"])
def test_a_foreign_token_finds_nothing(scene, token):
    linked(scene)
    assert page(scene, token).status_code == 404
    assert page(scene, token, score="5").status_code == 404
    assert scene.count(Rating) == 0


@pytest.mark.parametrize("score", ["", "0", "6", "-1", "5; drop", "５", "5.0", "abc", "5" * 40])
def test_a_score_that_is_none_stores_nothing_and_keeps_what_was_typed(scene, score):
    number, token = linked(scene)
    answer = page(scene, token, score=score, comment="等了两周才来")
    assert answer.status_code == 422
    assert "请选 1 到 5" in answer.get_data(as_text=True) and "等了两周才来" in answer.get_data(as_text=True)
    assert scene.ratings(number) == []


def test_a_comment_of_ten_thousand_characters_is_refused_and_kept_on_the_page(scene):
    number, token = linked(scene)
    answer = page(scene, token, score="2", comment="慢" * 10_000)
    assert answer.status_code == 422
    assert "最多 1000 个字" in answer.get_data(as_text=True) and "慢" * 10_000 in answer.get_data(as_text=True)
    assert scene.ratings(number) == []


def test_reasons_belong_to_the_score(scene):
    number = scene.closed()
    with pytest.raises(Invalid):
        scene.rate(number, 5, reasons=("slow",))
    with pytest.raises(Invalid):
        scene.rate(number, 2, reasons=("fast",))
    with pytest.raises(Invalid):
        scene.rate(number, 2, dimensions={"looks": 3})
    assert scene.rate(number, 2, reasons=("slow", "price"), dimensions={"timeliness": 1})


def test_somebody_elses_ticket_cannot_be_rated(scene):
    number = scene.closed()
    with scene.work():
        stranger = scene.story.applicant()
    with pytest.raises(NotFound), scene.work():
        service.give_own(stranger, number, Answer(5))


def test_two_devices_at_once_leave_one_first_version(scene):
    number, token = linked(scene)
    done: list[object] = []

    def send(score: int) -> None:
        with clock.frozen(MONDAY), scene.app.app_context(), unit_of_work():
            done.append(service.give_by_token(token, Answer(score)))

    threads = [threading.Thread(target=send, args=(score,)) for score in (4, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(map(str, done)) == ["False", "True"]
    assert [version for version, _score in scene.ratings(number)] == [1, 2]
    assert scene.job(number).score == scene.ratings(number)[-1][1]


def test_nothing_can_change_a_stored_score(scene):
    """Triggers refuse it below every service; the row itself stays."""
    number = scene.closed()
    scene.rate(number, 1)
    for statement in ("UPDATE rating SET score = 5", "DELETE FROM rating"):
        with pytest.raises(sa.exc.DBAPIError, match="cannot be changed"), scene.work():
            db.session.execute(sa.text(statement))
    assert scene.ratings(number) == [(1, 1)]


def test_the_token_is_kept_as_a_hash_alone(scene):
    number, token = linked(scene)
    row = scene.job(number)
    stored = scene.read(lambda: [tuple(r) for r in db.session.execute(sa.select(RatedJob.__table__))])
    assert token not in repr(stored) and row.token_hash and token.encode() not in row.token_hash


def test_the_page_reads_in_english_and_needs_no_script(scene):
    _number, token = linked(scene)
    client = scene.app.test_client()
    client.get(f"/r/{token}?lang=en")
    text = client.get(f"/r/{token}?lang=en").get_data(as_text=True)
    assert "<form" in text and 'type="radio"' in text


def test_a_persons_own_export_holds_every_version_of_his_ratings(scene):
    number = scene.closed()
    scene.rate(number, 3, comment="一般")
    scene.rate(number, 4, comment="后来好了")
    with scene.work():
        found = export.everything(db.session.get_one(Customer, scene.customer.id))
    assert [row["score"] for row in found["usage"]["ratings"]] == [3, 4]
    assert [row["comment"] for row in found["free_text"]["rating_comments"]] == ["一般", "后来好了"]


def test_a_job_that_dies_in_the_middle_leaves_nothing_and_is_done_again(scene, monkeypatch):
    number = scene.closed(caller=True)
    with monkeypatch.context() as patch:
        patch.setattr(jobs.invite, "send_link", lambda *_args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            scene.settle()
    assert scene.count(RatedJob) == 0
    assert scene.settle() == 1
    assert scene.job(number).link_key
