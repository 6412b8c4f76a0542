"""Photos of a job: whose may be opened by whom, with a mark on them and an event before the first byte; parts arrived."""

from __future__ import annotations

import io

import pytest
import sqlalchemy as sa

from app.core.audit import AuditEvent
from app.core.db import db, new_id
from app.core.files.images import intake
from app.core.policy import Actor
from app.core.unit_of_work import unit_of_work
from app.dispatch import service
from app.dispatch.models import Visit
from app.dispatch.queries.mine import stands_for
from app.tickets.models import FileKind, PartLine, TicketFile
from app.tickets.service.files import attach_photos
from tests.factories import staff
from tests.features.dispatch.people import engineer, ground, ticket_of
from tests.features.dispatch.test_disclosure import firms  # noqa: F401
from tests.features.dispatch.test_jobs import Job, offered, photo, png
from tests.features.dispatch.test_offers import MORNING


def customers_photo(job: Job) -> str:
    """One that came with the report."""
    with unit_of_work():
        row = ticket_of(job.ticket_id)
        made = attach_photos(row, Actor("customer", id=row.customer_id), [intake(io.BytesIO(png()))])
        return str(made[0].id)


def own_photo(job: Job) -> str:
    assert job.send("photos", **photo()).status_code == 303
    with unit_of_work(write=False):
        query = sa.select(TicketFile.id).where(TicketFile.kind == FileKind.CONDITION.value)
        return str(db.session.scalars(query.order_by(TicketFile.at.desc(), TicketFile.id.desc())).first())


def opened() -> int:
    with unit_of_work(write=False):
        query = sa.select(sa.func.count()).select_from(AuditEvent).where(AuditEvent.event == "ticket.photo_opened")
        return db.session.scalar(query)


def test_a_dealer_opens_the_photos_of_its_own_people_and_never_the_customers(firms):  # noqa: F811
    job, stranger = firms
    told = customers_photo(job)
    assert job.client.get(f"{job.url}/photos/{told}").status_code == 404  # an offer shows no photo at all
    job.send("accept")
    mine = own_photo(job)
    assert mine in job.text() and told not in job.text()
    for size in ("", "?thumb"):
        answer = job.client.get(f"{job.url}/photos/{mine}{size}")
        assert answer.status_code == 200 and answer.mimetype == "image/jpeg" and answer.data[:2] == b"\xff\xd8"
    assert opened() == 2
    for foreign in (told, str(new_id())):
        assert job.client.get(f"{job.url}/photos/{foreign}").status_code == 404
    assert stranger.client.get(f"{stranger.url}/photos/{mine}").status_code == 404
    assert job.client.get(f"/tickets/{job.number}/photos/{mine}").status_code == 403
    assert opened() == 2


def test_another_dealers_attachment_is_not_there_under_ones_own_ticket_either(firms):  # noqa: F811
    job, stranger = firms
    job.send("accept")
    theirs = own_photo(job)
    with unit_of_work():
        row = job.ground.ticket()
        firm_id = stands_for(stranger.who)
        made = service.offer(
            job.ground.dispatcher, row.number,
            service.Order(row.version, next(iter(firm_id)), MORNING, override_reason="same_trip"),
        )  # fmt: skip
        own = Job(job.app, job.ground, stranger.who, row.number, row.id, made.id)
    assert own.send("accept").status_code == 303
    assert own.client.get(f"{own.url}/photos/{theirs}").status_code == 404


def test_an_engineer_opens_what_came_with_the_report_until_the_job_is_somebody_elses(at_work):
    with unit_of_work():
        made, him = ground(), engineer()
        job = offered(at_work, made, him, him.id)
    told = customers_photo(job)
    assert job.client.get(f"{job.url}/photos/{told}").status_code == 404
    job.send("accept")
    assert job.client.get(f"{job.url}/photos/{told}").status_code == 200
    other_site = {"Sec-Fetch-Site": "cross-site"}
    assert job.client.get(f"{job.url}/photos/{told}", headers=other_site).status_code == 403
    with unit_of_work():
        service.withdraw(made.dispatcher, job.number, ticket_of(job.ticket_id).version, "better_choice")
    assert job.client.get(f"{job.url}/photos/{told}").status_code == 404


@pytest.fixture
def waiting(at_work) -> Job:
    """A repair on the spot that waits for a part."""
    with unit_of_work():
        made, him = ground(), engineer()
        job = offered(at_work, made, him, him.id)
    job.on_site()
    line = {"part_number": "P-9", "part_name": "按钮", "part_quantity": "1", "part_eta": "2026-11-24"}
    assert job.send("parts", **line).status_code == 303
    return job


def test_when_the_parts_are_here_dispatch_agrees_on_the_next_visit(waiting):
    page = staff.client_of(waiting.app, waiting.ground.dispatcher.id)
    url = f"/dispatch/{waiting.number}/resume"
    assert "备件已到，约下次上门" in page.get(f"/tickets/{waiting.number}").get_data(as_text=True)
    asked = page.get(url).get_data(as_text=True)
    assert "按钮" in asked
    version = asked.partition('name="version"')[2].partition('value="')[2].partition('"')[0]
    for wrong in ({}, {"day": "soon", "half": "am"}, {"day": "2026-11-20", "half": "am"}):
        answer = page.post(url, data={"version": version, **wrong})
        assert answer.status_code in (409, 422), (wrong, answer.status_code)
    assert page.post(url, data={"version": "1", "call_first": "y"}).status_code == 409
    wanted = {"version": version, "day": "2026-11-25", "half": "am"}
    answer = page.post(url, data=wanted)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    assert page.post(url, data=wanted).status_code == 409  # twice
    assert waiting.status == "scheduled" and "11-25 09:00–12:00" in waiting.text()
    with unit_of_work(write=False):
        assert db.session.scalars(sa.select(PartLine.state)).all() == ["arrived"]
        assert db.session.scalars(sa.select(Visit.outcome).order_by(Visit.n)).all() == ["parts", ""]


def test_only_dispatch_resumes_and_only_what_waits(waiting, at_work):
    url = f"/dispatch/{waiting.number}/resume"
    elsewhere = staff.signed_in(at_work, ("dispatcher", ["11"], False))
    assert elsewhere.get(url).status_code == 404 and elsewhere.post(url, data={"call_first": "y"}).status_code == 404
    with unit_of_work():
        version = ticket_of(waiting.ticket_id).version
    page = staff.client_of(at_work, waiting.ground.dispatcher.id)
    assert waiting.client.get(url).status_code == 403
    assert page.post(url, data={"version": version, "call_first": "y"}).status_code == 303
    assert "先打电话约时间" in waiting.text()
