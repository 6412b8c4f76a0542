"""What a dealer sees of a person, and what is written down about it: masked card, minimum, own tickets, contract."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from app.core import clock
from app.core.db import db
from app.core.masking import spaced_phone
from app.core.unit_of_work import unit_of_work
from app.customers.models import Customer
from app.dealers.models import DealerContract
from app.dispatch import service
from app.dispatch.models import Disclosure, Dispatch, Exclusion
from app.dispatch.models.ledger import AppendOnly
from app.dispatch.service import Order
from app.tickets import service as tickets
from tests.features.dispatch.people import MONDAY, dealer, dealer_user, engineer, ground, ticket_of
from tests.features.dispatch.test_jobs import DONE, MORNING, Job, offered, photo

SIX = {"contact_name", "contact_phone", "hospital", "department", "device", "fault"}
SECRETS = ("openid", "性别", "女士", "先生")


@pytest.fixture
def firms(at_work) -> tuple[Job, Job]:
    """A job of one dealer, and the same job as a user of another dealer would try it."""
    with unit_of_work():
        made, firm, other = ground(), dealer(may_repair=True, may_collect=True), dealer("另一家经销商")
        mine = offered(at_work, made, dealer_user(firm), firm.id)
        stranger = dealer_user(other, "外人")
        db.session.get_one(Customer, made.desk.customer.id).name = "赵敏之"
    return mine, Job(at_work, made, stranger, mine.number, mine.ticket_id, mine.dispatch_id)


def person(job: Job) -> tuple[str, str, str]:
    """Name, phone and fault of the report, in clear."""
    with unit_of_work(write=False):
        row = ticket_of(job.ticket_id)
        someone = db.session.get_one(Customer, row.customer_id)
        return str(someone.name), str(someone.phone), str(row.fault)


def ledger() -> list[Disclosure]:
    with unit_of_work(write=False):
        return list(db.session.scalars(sa.select(Disclosure).order_by(Disclosure.at, Disclosure.id)))


def test_before_acceptance_the_dealer_page_html_and_list_hold_no_phone_no_contact_name_and_no_free_text(firms):
    job, _stranger = firms
    name, phone, fault = person(job)
    pages = [job.text(), job.client.get("/jobs").get_data(as_text=True), job.client.get("/").get_data(as_text=True),
             job.client.get(f"{job.url}/accept").get_data(as_text=True)]  # fmt: skip
    with unit_of_work(write=False):
        serial = ticket_of(job.ticket_id).serial_number
    for text in pages:
        for secret in (name, phone, phone.removeprefix("+86"), spaced_phone(phone), fault, serial, "tel:", "消化内科"):
            assert secret not in text, secret
    assert "接单后显示联系人、科室、序列号和故障描述" in pages[0]
    assert ledger() == []


def test_after_acceptance_the_minimum_and_one_ledger_row_per_field_per_view(firms):
    job, _stranger = firms
    name, phone, fault = person(job)
    job.send("accept")
    text = job.text()
    assert name in text and f"tel:{phone}" in text and fault in text
    for secret in SECRETS:
        assert secret not in text.casefold()
    first = ledger()
    assert {one.field for one in first} <= SIX and {"contact_name", "contact_phone", "fault"} <= {
        o.field for o in first
    }
    with clock.frozen(MONDAY + timedelta(minutes=5)):
        job.text()
    rows = ledger()
    assert len(rows) == 2 * len(first) and len({(one.field, one.at) for one in rows}) == len(rows)
    with unit_of_work(write=False):
        contract = db.session.scalars(
            sa.select(DealerContract).where(DealerContract.dealer_id == first[0].dealer_id)
        ).one()
    for row in rows:
        assert (row.purpose, row.basis, row.staff_id, row.staff_name) == ("on_site", "entrusted", job.who.id, "经销甲")
        assert (row.contract_id, row.contract_number, row.contract_version) == (
            contract.id,
            contract.number,
            contract.version,
        )
        kept = " ".join(str(getattr(row, column.name)) for column in Disclosure.__table__.columns)
        assert not any(secret in kept for secret in (name, phone, fault))


def test_lists_and_forms_of_a_job_in_hand_show_nothing_of_a_person_and_write_nothing(firms):
    job, _stranger = firms
    name, phone, fault = person(job)
    job.send("accept")
    for path in ("/jobs", "/", f"{job.url}/arrive", f"{job.url}/move", f"{job.url}/photos"):
        text = job.client.get(path).get_data(as_text=True)
        assert not any(secret in text for secret in (name, phone, spaced_phone(phone), fault)), path
    assert ledger() == []


def test_our_own_engineer_is_no_disclosure(at_work):
    with unit_of_work():
        made, him = ground(), engineer()
        job = offered(at_work, made, him, him.id)
    job.send("accept")
    assert person(job)[1] in job.text()
    assert ledger() == []


def test_another_dealers_ticket_is_not_there_whatever_one_tries(firms):
    job, stranger = firms
    job.send("accept")
    assert stranger.client.get(stranger.url).status_code == 404
    for act in ("accept", "decline", "move", "arrive", "photos", "finish", "collect", "parts", "stuck", "deliver"):
        assert stranger.client.get(f"{stranger.url}/{act}").status_code == 404, act
        assert stranger.send(act, reason="too_far").status_code == 404, act
    assert job.number not in stranger.client.get("/jobs").get_data(as_text=True)
    for path in (f"/tickets/{job.number}", f"/depot/{job.number}", "/dispatch", f"/dispatch/{job.number}/candidates"):
        assert stranger.client.get(path).status_code in (403, 404), path
    assert job.status == "scheduled" and ledger() == []


def test_a_colleague_of_the_same_dealer_sees_it_and_is_named(firms):
    job, _stranger = firms
    job.send("accept")
    with unit_of_work():
        firm_id = db.session.get_one(Dispatch, job.dispatch_id).assignee_id
        from app.dealers.models import Dealer

        colleague = dealer_user(db.session.get_one(Dealer, firm_id), "经销乙")
    seen = Job(job.app, job.ground, colleague, job.number, job.ticket_id, job.dispatch_id)
    assert person(job)[1] in seen.text()
    late = seen.send("accept")
    assert late.status_code == 409 and "这张工单已经接了" in late.get_data(as_text=True)
    assert "经销甲" in late.get_data(as_text=True)
    assert {one.staff_name for one in ledger()} == {"经销乙"}


def end_contract_of(job: Job) -> None:
    """By the calendar alone: nothing runs, nobody presses anything."""
    with unit_of_work():
        firm_id = db.session.get_one(Dispatch, job.dispatch_id).assignee_id
        db.session.execute(
            sa.update(DealerContract)
            .where(DealerContract.dealer_id == firm_id)
            .values(ends_at=MONDAY, valid_until=date(2026, 11, 22))
        )


def test_a_contract_that_ended_today_is_no_access_today(firms):
    job, _stranger = firms
    job.send("accept")
    end_contract_of(job)
    assert job.client.get(job.url).status_code == 404
    assert job.send("arrive", reason="in_use").status_code == 404
    listed = job.client.get("/jobs").get_data(as_text=True)
    assert f'href="{job.url}"' not in listed and "请确认已删除" in listed  # nothing is left but the question
    assert ledger() == []


def test_an_offer_to_a_dealer_whose_contract_ends_meanwhile_cannot_be_accepted(firms):
    job, _stranger = firms
    end_contract_of(job)
    assert job.client.get(job.url).status_code == 404 and job.send("accept").status_code == 404


def test_re_dispatch_removes_the_former_dealer_at_once(firms):
    job, _stranger = firms
    job.send("accept")
    with unit_of_work():
        row = ticket_of(job.ticket_id)
        service.withdraw(job.ground.dispatcher, job.number, row.version, "better_choice")
    assert job.client.get(job.url).status_code == 404
    with unit_of_work():
        firm_id = db.session.get_one(Dispatch, job.dispatch_id).assignee_id
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Exclusion)) == 0
        row = ticket_of(job.ticket_id)
        him = engineer()
        service.offer(job.ground.dispatcher, job.number, Order(row.version, him.id, MORNING))
        assert firm_id != him.id
    assert job.client.get(job.url).status_code == 404


def test_the_contact_goes_with_the_close_and_the_job_seven_days_later(firms):
    job, _stranger = firms
    name, phone, fault = person(job)
    job.on_site()
    job.send("photos", **photo())
    assert job.send("finish", **DONE).status_code == 303
    assert name in job.text()  # an objection may still come
    with unit_of_work():
        tickets.close(job.ground.desk.triager, job.ticket_id, "已确认")
    before = len(ledger())
    text = job.text()
    assert "联系人和故障描述已收起" in text and not any(secret in text for secret in (name, phone, fault, "tel:"))
    assert len(ledger()) == before
    with clock.frozen(MONDAY + timedelta(days=7)):
        assert job.client.get(job.url).status_code == 404


def test_the_ledger_cannot_be_changed_or_deleted(firms):
    job, _stranger = firms
    job.send("accept")
    job.text()
    with pytest.raises(AppendOnly), unit_of_work():
        db.session.scalars(sa.select(Disclosure)).first().staff_name = "无人"
    for statement in (sa.update(Disclosure).values(staff_name="无人"), sa.delete(Disclosure)):
        with pytest.raises(DBAPIError), unit_of_work():
            db.session.execute(statement)
    assert {one.staff_name for one in ledger()} == {"经销甲"}
