"""A session that ends while somebody types loses nothing: the words wait, sealed, for the same person alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.staff.models import HeldForm, StaffSession
from app.staff.service import held
from app.tickets.models import TicketMessage
from tests.factories import staff
from tests.features.tickets.pages import Office, Ref, office
from tests.features.tickets.people import HOUR, MONDAY

WORDS = "科室来电：按钮卡住，\n已停用 <b>设备</b>"


@pytest.fixture
def o(app: Portal) -> Iterator[Office]:
    with clock.frozen(MONDAY):
        yield office(app)


@pytest.fixture
def ref(o: Office) -> Ref:
    found = o.report()
    o.get(found.url)
    return found


def late(o: Office, ref: Ref, at=MONDAY + HOUR, **data: str):  # type: ignore[no-untyped-def]
    with clock.frozen(at):
        return o.post(f"{ref.url}/say", {"to": "note", "text": WORDS, **data})


def rows(o: Office) -> int:
    with o.app.app_context(), unit_of_work(write=False):
        return db.session.scalar(sa.select(sa.func.count()).select_from(HeldForm)) or 0


def only(o: Office) -> str:
    with o.app.app_context(), unit_of_work(write=False):
        return f"/account/held/{db.session.scalars(sa.select(HeldForm.id)).one()}"


def test_a_note_typed_while_the_session_ended_waits_after_the_sign_in_and_is_sent_from_there(
    o: Office, ref: Ref
) -> None:
    answer = late(o, ref)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 401
    assert "登录后接着提交" in page and f"next={only(o).replace('/', '%2F')}" in page
    with clock.frozen(MONDAY + HOUR):
        o.clients.clear()
        shown = o.get(only(o))
        assert "&lt;b&gt;设备&lt;/b&gt;" in shown and "<b>设备" not in shown
        assert f'action="{ref.url}/say"' in shown and 'name="to" value="note"' in shown
        assert o.post(f"{ref.url}/say", {"to": "note", "text": WORDS}).status_code == 303
    with o.work():
        assert db.session.scalars(sa.select(TicketMessage)).one().text == WORDS


def test_it_is_sealed_in_the_database_and_gone_after_an_hour(o: Office, ref: Ref) -> None:
    late(o, ref)
    with o.app.app_context(), unit_of_work(write=False):
        row = db.session.scalars(sa.select(HeldForm)).one()
        assert WORDS.encode() not in (row.fields_sealed or b"")
        assert ["text", WORDS] in json.loads(row.fields or "[]")
        assert row.until == MONDAY + 2 * HOUR
    with clock.frozen(MONDAY + 2 * HOUR):
        o.clients.clear()
        assert o.client().get(only(o)).status_code == 404
        with o.app.app_context(), unit_of_work():
            assert held.forget_held() == 1


def test_nobody_else_opens_it(o: Office, ref: Ref) -> None:
    late(o, ref)
    with clock.frozen(MONDAY + HOUR):
        for who in ("colleague", "lead"):
            assert o.client(who).get(only(o)).status_code == 404
            assert o.post(f"{only(o)}/drop", {}, who).status_code == 404
        anonymous = o.app.test_client().get(only(o))
        assert anonymous.status_code == 302 and "/login" in anonymous.headers["Location"]


def test_it_can_be_thrown_away(o: Office, ref: Ref) -> None:
    late(o, ref)
    with clock.frozen(MONDAY + HOUR):
        o.clients.clear()
        assert o.post(f"{only(o)}/drop").status_code == 303
    assert rows(o) == 0


def test_five_forms_of_a_person_are_kept_the_latest(o: Office, ref: Ref) -> None:
    for n in range(7):
        late(o, ref, MONDAY + HOUR + timedelta(seconds=n), text=f"第 {n} 次")
    with o.app.app_context(), unit_of_work(write=False):
        kept = " ".join(row.fields or "" for row in db.session.scalars(sa.select(HeldForm)))
    assert rows(o) == 5 and "第 6 次" in kept and "第 1 次" not in kept


def test_what_may_not_be_kept_is_not(o: Office, ref: Ref) -> None:
    with clock.frozen(MONDAY + HOUR):
        client = o.client()
        assert client.post("/account/confirm", data={"password": "a quiet river"}).status_code in (302, 303, 401)
        assert client.post("/account/password", data={"current": "a", "new": "b", "again": "b"}).status_code >= 400
        assert client.post("/login", data={"email": "x@demo.invalid", "password": "secret words"}).status_code == 422
        assert client.post(f"{ref.url}/say", data={"password": "x", "text": "y"}).status_code == 401
        assert client.post(f"{ref.url}/say", data={"text": "长" * 70_000}).status_code == 401
        assert client.post("/nowhere", data={"text": "y"}).status_code == 404
        assert client.get(ref.url).status_code == 302
    assert rows(o) == 0


def test_a_cookie_that_was_signed_out_or_is_a_day_old_or_of_a_closed_account_keeps_nothing(o: Office, ref: Ref) -> None:
    with clock.frozen(MONDAY + 30 * HOUR):
        assert o.post(f"{ref.url}/say", {"text": WORDS}).status_code == 401
    with o.work():
        db.session.execute(sa.update(StaffSession).values(ended_at=MONDAY, ended_why="signed_out"))
    assert late(o, ref).status_code == 401
    unknown = o.app.test_client()
    unknown.set_cookie("portal", "x" * 43)
    assert unknown.post(f"{ref.url}/say", data={"text": WORDS}).status_code == 401
    assert rows(o) == 0


def test_another_sites_form_is_refused_before_anything_is_kept(o: Office, ref: Ref) -> None:
    o.app.config["WTF_CSRF_ENABLED"] = True
    answer = late(o, ref, csrf_token="forged")
    assert answer.status_code == 400
    assert rows(o) == 0


def test_a_form_of_the_dialog_goes_to_the_sign_in_and_waits_too(o: Office, ref: Ref) -> None:
    with clock.frozen(MONDAY + HOUR):
        answer = o.post(f"{ref.url}/act/called", {"text": WORDS}, headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert "account%2Fheld" in answer.headers["HX-Redirect"]
    assert rows(o) == 1


def test_the_sign_in_leads_there(app: Portal, o: Office) -> None:
    """The address is a path of this host, which the sign-in follows."""
    staff.with_password(app, "triager", email="held@demo.invalid")
    client = app.test_client()
    page = client.post(
        "/login",
        data={
            "email": "held@demo.invalid",
            "password": staff.PASSWORD,
            "next": "/account/held/0190f0f0-0000-7000-8000-000000000000",
        },
    )
    assert page.headers["Location"].startswith("/account/held/")
