"""Every page of staff opens, looks right to the inspector, and costs a bounded number of statements."""

from __future__ import annotations

import re

import pyotp
import pytest
import sqlalchemy as sa

from app.core.db import db
from app.staff.models import Invitation, StaffAccount, StaffSession
from tests.factories import staff


@pytest.fixture
def admin(app):
    return staff.signed_in(app, "admin", name="样例管理员")


@pytest.fixture
def other(app):
    return staff.member(app, ("reviewer", ["33", "31"], True), name="样例审核员").id


@pytest.mark.parametrize(
    "path",
    [
        "/account",
        "/account/password",
        "/account/second-factor",
        "/account/confirm",
        "/staff",
        "/staff?tab=invited",
        "/staff?q=样例&role=reviewer",
        "/staff/new",
        "/staff/{other}",
        "/staff/{other}/roles",
        "/staff/{other}/roles?role=reviewer",
    ],
)
def test_pages_open(admin, other, path):
    answer = admin.get(path.format(other=other))
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_list_says_roles_and_bounds_in_words(admin, other):
    assert "审核员" in admin.get("/staff").text
    page = admin.get(f"/staff/{other}").text
    assert "浙江省" in page
    assert "组长" in page


def test_a_page_costs_one_statement_for_session_account_and_roles(app, admin):
    seen = []
    with app.app_context():
        sa.event.listen(db.engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
        admin.get("/help")
    about_staff = [s for s in seen if "staff_session" in s]
    assert len(about_staff) == 1


def test_preferences_are_kept_and_closed(app, admin):
    token = staff.csrf(admin)
    answer = admin.post(
        "/account/preferences", data={"csrf_token": token, "theme": "dark", "lang": "xx", "next": "/help"}
    )
    assert answer.location == "/help"
    page = admin.get("/help").text
    assert 'data-theme="dark"' in page
    assert 'lang="zh-CN"' in page
    fragment = admin.post(
        "/account/preferences", data={"csrf_token": token, "nav": "slim"}, headers={"HX-Request": "true"}
    )
    assert fragment.status_code == 204
    assert 'data-nav="slim"' in admin.get("/help").text
    assert 'data-theme="dark"' in admin.get("/help").text


def test_an_invitation_is_one_link_for_one_password(app, admin, client):
    token = staff.csrf(admin, "/staff/new")
    fields = {
        "csrf_token": token,
        "email": "New@demo.invalid ",
        "name": "样例新人",
        "role": "triager",
        "reach": "country",
    }
    page = admin.post("/staff/new", data=fields).text
    path = re.search(r"http://localhost(/staff/invitation/[\w-]{43})", page).group(1)
    form = client.get(path).text
    assert "new@demo.invalid" in form
    own = staff.csrf(client, path)
    weak = client.post(path, data={"csrf_token": own, "password": "Password2026!!", "again": "Password2026!!"})
    assert weak.status_code == 422
    differs = client.post(path, data={"csrf_token": own, "password": staff.PASSWORD, "again": staff.PASSWORD + "x"})
    assert differs.status_code == 422
    assert (
        client.post(path, data={"csrf_token": own, "password": staff.PASSWORD, "again": staff.PASSWORD}).location
        == "/login"
    )
    assert client.get(path).status_code == 410
    login = staff.csrf(client, "/login")
    answer = client.post("/login", data={"csrf_token": login, "email": "new@demo.invalid", "password": staff.PASSWORD})
    assert answer.status_code == 302
    assert client.get("/account").status_code == 200


def test_a_second_link_ends_the_first_and_links_expire(app, admin, client, work):
    token = staff.csrf(admin, "/staff/new")
    fields = {"csrf_token": token, "email": "late@demo.invalid", "name": "样例新人", "role": "", "reach": "country"}
    first = re.search(r"/staff/invitation/[\w-]{43}", admin.post("/staff/new", data=fields).text).group()
    with work():
        staff_id = db.session.scalars(sa.select(StaffAccount.id).where(StaffAccount.email == "late@demo.invalid")).one()
    second = re.search(
        r"/staff/invitation/[\w-]{43}", admin.post(f"/staff/{staff_id}/link", data={"csrf_token": token}).text
    ).group()
    assert client.get(first).status_code == 410
    assert client.get(second).status_code == 200
    with work():
        row = db.session.scalars(sa.select(Invitation).where(Invitation.used_at.is_(None))).one()
        row.expires_at = row.created_at
    assert client.get(second).status_code == 410


def test_inviting_the_same_address_twice_is_a_field_error(admin):
    token = staff.csrf(admin, "/staff/new")
    fields = {"csrf_token": token, "email": "twice@demo.invalid", "name": "样例新人", "role": "", "reach": "country"}
    assert admin.post("/staff/new", data=fields).status_code == 200
    again = admin.post("/staff/new", data=fields)
    assert again.status_code == 422
    assert "已有账号" in again.text
    wrong = admin.post("/staff/new", data={**fields, "email": "no address"})
    assert wrong.status_code == 422


def test_extra_fields_change_nothing_15_3_3(app, admin, other, work):
    token = staff.csrf(admin)
    admin.post(
        "/account/preferences", data={"csrf_token": token, "theme": "light", "role": "auditor", "state": "disabled"}
    )
    assert admin.get("/account").status_code == 200
    assert "审计员" not in admin.get("/account").text


def test_one_can_set_and_remove_a_second_factor(app, admin, work):
    token = staff.csrf(admin)
    started = admin.post("/account/second-factor/start", data={"csrf_token": token})
    assert started.location == "/account/second-factor"
    page = admin.get("/account/second-factor").text
    secret = re.search(r'enrol-key">([^<]+)<', page).group(1).replace(" ", "")
    picture = admin.get("/account/second-factor/qr.svg")
    assert picture.mimetype == "image/svg+xml"
    assert admin.post("/account/second-factor", data={"csrf_token": token, "code": "000000"}).status_code == 422
    done = admin.post("/account/second-factor", data={"csrf_token": token, "code": pyotp.TOTP(secret).now()})
    assert len(re.findall(r"<li><code>", done.text)) == 10
    assert admin.get("/account/second-factor/qr.svg").status_code == 404
    renewed = admin.post("/account/recovery-codes", data={"csrf_token": token})
    assert len(re.findall(r"<li><code>", renewed.text)) == 10
    assert set(re.findall(r"<li><code>([^<]+)", renewed.text)).isdisjoint(re.findall(r"<li><code>([^<]+)", done.text))
    assert admin.post("/account/second-factor/remove", data={"csrf_token": token}).status_code == 302
    with work():
        assert db.session.scalars(sa.select(StaffAccount.totp_sealed)).all() == [None]


def test_signing_out_one_device_leaves_the_others(app, work):
    actor = staff.member(app, "engineer")
    one, two = staff.client_of(app, actor.id), staff.client_of(app, actor.id)
    page = one.get("/account").text
    path = re.search(r"/account/sessions/[\w-]+/end", page).group()
    assert one.post(path, data={"csrf_token": staff.csrf(one)}).status_code == 302
    assert two.get("/account").status_code == 302
    assert one.get("/account").status_code == 200
    with work():
        rows = db.session.scalars(sa.select(StaffSession).where(StaffSession.ended_at.is_not(None))).all()
        assert [row.ended_why for row in rows] == ["own"]
