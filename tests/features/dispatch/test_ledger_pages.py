"""The ledger's pages for privacy officers and leads, its export, and what dealers confirm as deleted."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db, new_id
from app.core.policy import SYSTEM
from app.core.unit_of_work import unit_of_work
from app.dealers.models import Dealer, DealerContract, EndKind
from app.dispatch import service
from app.dispatch.models import Disclosure, Dispatch
from app.tickets import service as tickets
from tests.factories import staff
from tests.features.dispatch.people import MONDAY, dealer, dealer_user, engineer, ground, ticket_of
from tests.features.dispatch.test_disclosure import person
from tests.features.dispatch.test_jobs import DONE, Job, offered, photo
from tests.features.dispatch.test_offers import counted

LEDGER = "/privacy/disclosures"
LEAD = ("dispatcher", ["31"], True)


@pytest.fixture
def job(at_work) -> Job:
    """Accepted and looked at once by a dealer's user."""
    with unit_of_work():
        made, firm = ground(), dealer(may_repair=True)
        found = offered(at_work, made, dealer_user(firm), firm.id)
    found.send("accept")
    found.text()
    return found


@pytest.fixture
def officer(at_work):
    return staff.signed_in(at_work, "privacy_officer")


def test_the_ledger_says_who_saw_which_field_for_what_and_under_which_contract(job, officer):
    text = officer.get(LEDGER).get_data(as_text=True)
    for words in (
        "联系人电话",
        "故障描述",
        "示范经销商",
        "经销甲",
        "上门检查维修",
        "委托处理（个保法第 21 条）",
        job.number,
        " v1",
    ):
        assert words in text, words
    name, phone, fault = person(job)
    proof = officer.get(f"{LEDGER}/{job.number}").get_data(as_text=True)
    assert "仍在办理" in proof and "联系人电话" in proof
    for secret in (phone, fault, *([name] if name != "None" else [])):
        assert secret not in text and secret not in proof
    assert officer.get(f"{LEDGER}/TKT-20200101-0001").status_code == 404


def test_filters_find_field_dealer_ticket_and_day(job, officer):
    def shown(**query: str) -> int:
        return officer.get(LEDGER, query_string=query).get_data(as_text=True).count("data-row")

    everything = shown()
    assert everything > 2
    assert shown(field="contact_phone") == 1
    assert shown(number=job.number) == everything and shown(number="TKT-1") == 0
    assert shown(dealer="示范") == everything and shown(dealer="%") == 0
    assert shown(day="2026-11-23") == everything and shown(day="2026-11-22") == shown(day="soon") == 0
    assert shown(province="31") == everything and shown(province="11") == shown(province="xx") == 0
    assert shown(field="openid") == 0


def test_a_dispatch_lead_reads_and_exports_the_own_provinces_alone(job, at_work):
    here, elsewhere = staff.signed_in(at_work, LEAD), staff.signed_in(at_work, ("dispatcher", ["11"], True))
    assert here.get(f"{LEDGER}/{job.number}").status_code == 200
    assert job.number not in elsewhere.get(LEDGER).get_data(as_text=True)
    assert elsewhere.get(f"{LEDGER}/{job.number}").status_code == 404
    assert exported(elsewhere) == []
    assert len(exported(here)) == len(ledger_rows())


def exported(client) -> list[dict[str, str]]:
    answer = client.post("/lists/disclosures/export", data={"format": "csv", "columns": "all", "query": ""})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def ledger_rows() -> list[Disclosure]:
    with unit_of_work(write=False):
        return list(db.session.scalars(sa.select(Disclosure)))


def test_the_export_gives_exactly_the_rows_and_no_values(job, officer):
    found = exported(officer)
    assert len(found) == len(ledger_rows()) and {one["工单"] for one in found} == {job.number}
    assert person(job)[1] not in str(found)


def test_no_other_role_reads_the_ledger_nor_a_dealers_user_an_export(job, at_work):
    for role in ("dealer_user", "engineer", "triager", "dispatcher", "admin", "auditor", "depot"):
        client = job.client if role == "dealer_user" else staff.signed_in(at_work, role)
        for path in (LEDGER, f"{LEDGER}/{job.number}", f"{LEDGER}/deletions", "/lists/disclosures/export"):
            assert client.get(path).status_code in (403, 404), (role, path)
        assert client.post(
            "/lists/disclosures/export", data={"format": "csv", "columns": "all", "query": ""}
        ).status_code in (403, 404), role
    for key in ("tickets", "dealers", "customers", "audit"):
        assert job.client.post(
            f"/lists/{key}/export", data={"format": "csv", "columns": "all", "query": ""}
        ).status_code in (403, 404), key


def test_reading_the_ledger_costs_the_same_with_many_rows(job, officer):
    def cost(path: str) -> int:
        with counted() as statements:
            assert officer.get(path).status_code == 200
        return len(statements)

    paths = (LEDGER, f"{LEDGER}/{job.number}", f"{LEDGER}/deletions")
    [cost(path) for path in paths]
    before = [cost(path) for path in paths]
    for minute in range(1, 8):
        with clock.frozen(MONDAY + timedelta(minutes=minute)):
            job.text()
    assert [cost(path) for path in paths] == before


def tasks(client) -> str:
    return client.get("/jobs").get_data(as_text=True).partition("请确认已删除")[2]


def withdraw(job: Job) -> None:
    with unit_of_work():
        row = ticket_of(job.ticket_id)
        service.withdraw(job.ground.dispatcher, job.number, row.version, "better_choice")


def test_a_deletion_confirmation_is_asked_for_once_the_work_went_to_somebody_else(job, officer):
    assert tasks(job.client) == ""
    withdraw(job)
    assert job.number in tasks(job.client)
    assert "确认已删除" in job.client.get("/").get_data(as_text=True)
    assert "请勾选确认" in job.send("deleted").get_data(as_text=True)
    for _time in range(2):
        assert job.send("deleted", sure="1").status_code == 303
    assert tasks(job.client) == ""
    assert job.dispatch().data_deleted_at == MONDAY
    assert job.number in officer.get(f"{LEDGER}/deletions?tab=done").get_data(as_text=True)


def test_while_the_work_goes_on_there_is_nothing_to_confirm(job):
    answer = job.send("deleted", sure="1")
    assert answer.status_code == 409 and job.dispatch().data_deleted_at is None


def test_after_the_close_it_is_asked_for_and_overdue_ones_are_listed_for_the_lead(job, at_work):
    job.on_site()
    job.send("photos", **photo())
    job.send("finish", **DONE)
    assert tasks(job.client) == ""
    with unit_of_work():
        tickets.close(job.ground.desk.triager, job.ticket_id, "已确认")
    assert job.number in tasks(job.client)
    lead = staff.signed_in(at_work, LEAD)
    assert job.number in lead.get(f"{LEDGER}/deletions?tab=open").get_data(as_text=True)
    assert job.number not in lead.get(f"{LEDGER}/deletions?tab=late").get_data(as_text=True)
    with clock.frozen(MONDAY + timedelta(days=7)):
        late = staff.signed_in(at_work, LEAD).get(f"{LEDGER}/deletions?tab=late").get_data(as_text=True)
        assert job.number in late and "逾期未确认" in late


def test_another_dealer_cannot_confirm_and_our_own_people_are_not_asked(job, at_work):
    withdraw(job)
    with unit_of_work():
        stranger, own = dealer_user(dealer("另一家经销商"), "外人"), engineer()
    for person_ in (stranger, own):
        client = staff.client_of(at_work, person_.id)
        assert tasks(client) == ""
        assert client.post(f"{job.url}/deleted", data={"sure": "1"}).status_code == 404
        with unit_of_work(write=False):
            contract_id = db.session.scalar(sa.select(DealerContract.id).order_by(DealerContract.created_at))
        assert client.post(f"/jobs/contracts/{contract_id}/deleted", data={"sure": "1"}).status_code in (404, 409)
    assert job.client.post(f"/jobs/contracts/{new_id()}/deleted", data={"sure": "1"}).status_code == 404
    assert job.dispatch().data_deleted_at is None


def test_an_ended_contract_asks_for_all_of_it_and_the_answer_stands_in_the_register(job, officer):
    with unit_of_work():
        contract = db.session.scalars(sa.select(DealerContract)).one()
        service.end_contract(SYSTEM, contract.id, EndKind.REVOKED, "breach")
        contract_id, number = contract.id, contract.number
    assert job.client.get(job.url).status_code == 404
    asked = tasks(job.client)
    assert number in asked and job.number in asked
    url = f"/jobs/contracts/{contract_id}/deleted"
    assert job.client.post(url).status_code == 422
    for _time in range(2):
        assert job.client.post(url, data={"sure": "1"}).status_code == 303
    assert tasks(job.client) == ""
    with unit_of_work(write=False):
        assert db.session.get_one(DealerContract, contract_id).deletion_confirmed_at == MONDAY
        assert db.session.scalars(sa.select(Dispatch.data_deleted_at)).all() == [MONDAY]


def test_a_contract_in_force_cannot_be_confirmed_as_deleted(job):
    with unit_of_work(write=False):
        contract_id = db.session.scalar(
            sa.select(DealerContract.id).join(Dealer, Dealer.id == DealerContract.dealer_id)
        )
    assert job.client.post(f"/jobs/contracts/{contract_id}/deleted", data={"sure": "1"}).status_code == 409
