"""Opening a disabled account again: a one-time link, no password, no roles; never one's own, never twice."""

from __future__ import annotations

import sqlalchemy as sa

from app.core.audit.models import AuditEvent
from app.core.db import db
from app.core.unit_of_work import unit_of_work
from app.staff import service
from app.staff.models import AccountState, RoleAssignment, StaffAccount
from tests.factories import staff


def disabled(app, admin):
    person = staff.member(app, "reviewer")
    with app.app_context(), unit_of_work():
        service.disable(admin, person.id)
    return person


def test_it_comes_back_without_password_and_roles_by_a_new_link(app):
    admin = staff.member(app, "admin")
    person = disabled(app, admin)
    client = staff.client_of(app, admin.id)
    page = client.get(f"/staff/{person.id}").get_data(as_text=True)
    assert "重新启用" in page
    answer = client.post(f"/staff/{person.id}/enable", data={"csrf_token": staff.csrf(client)})
    assert answer.status_code == 200 and "/staff/invitation/" in answer.get_data(as_text=True)
    with app.app_context():
        row = db.session.get(StaffAccount, person.id)
        assert (row.state, row.password_hash, row.disabled_at) == (AccountState.INVITED, None, None)
        assert db.session.scalar(sa.select(sa.func.count()).where(RoleAssignment.staff_id == person.id)) == 0
        assert "staff.enabled" in list(db.session.scalars(sa.select(AuditEvent.event)))
    link = answer.get_data(as_text=True).split("/staff/invitation/")[1].split('"')[0].split("<")[0].strip()
    newcomer = app.test_client()
    token = staff.csrf(newcomer, f"/staff/invitation/{link}")
    data = {"csrf_token": token, "password": "a new river under old pines", "again": "a new river under old pines"}
    assert newcomer.post(f"/staff/invitation/{link}", data=data).status_code == 302
    with app.app_context():
        assert db.session.get(StaffAccount, person.id).state == AccountState.ACTIVE


def test_an_account_that_is_not_disabled_or_ones_own_is_refused(app):
    admin = staff.member(app, "admin")
    client, person = staff.client_of(app, admin.id), staff.member(app, "reviewer")
    token = staff.csrf(client)
    assert client.post(f"/staff/{person.id}/enable", data={"csrf_token": token}).status_code == 409
    assert client.post(f"/staff/{admin.id}/enable", data={"csrf_token": token}).status_code == 403


def test_twice_is_once(app):
    admin = staff.member(app, "admin")
    person = disabled(app, admin)
    client = staff.client_of(app, admin.id)
    token = staff.csrf(client)
    answers = [client.post(f"/staff/{person.id}/enable", data={"csrf_token": token}).status_code for _ in range(2)]
    assert answers == [200, 409]
