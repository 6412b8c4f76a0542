"""The WeCom id of an account: who sets it, what it may hold, one person each, gone with the account."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from app.core import audit, clock
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.outbox import Message
from app.staff import reach, service
from app.staff.models import StaffAccount
from tests.factories import staff
from tests.features.staff.test_staff_races import at_once


@pytest.fixture
def admin(app):
    return replace(staff.member(app, "admin"), signed_in_at=clock.now())


@pytest.fixture
def page(app, admin):
    return staff.client_of(app, admin.id)


@pytest.fixture
def target(app):
    return staff.member(app, "engineer", name="样例工程师")


def wecom_of(target) -> str | None:
    return db.session.get_one(StaffAccount, target.id).wecom_user_id


def post(page, path: str, **data: str):
    return page.post(path, data={"csrf_token": staff.csrf(page), **data})


def test_set_change_and_take_away_on_the_persons_page(app, work, page, target):
    path = f"/staff/{target.id}/wecom"
    answer = post(page, path, wecom=" Zhang.San@Demo ")
    assert answer.location.endswith(f"/staff/{target.id}")
    text = page.get(answer.location).text
    assert "企业微信账号已保存" in text and "zhang.san@demo" in text
    assert post(page, path, wecom="").status_code == 302
    text = page.get(f"/staff/{target.id}").text
    assert "通知改为发邮件" in text and "未登记，通知发邮件" in text
    with work():
        events = db.session.scalars(sa.select(audit.AuditEvent).where(audit.AuditEvent.event == "staff.wecom_changed"))
        assert ["zhang" in repr(event.__dict__) for event in events] == [False, False]


@pytest.mark.parametrize("typed", ["张三", "-zhang", "zhang san", "z" * 65, "zhang|li", "@all", "<b>", "a\u0661"])
def test_a_wrong_id_is_refused_and_stays_in_the_field(page, target, typed):
    answer = post(page, f"/staff/{target.id}/wecom", wecom=typed)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert typed.replace("<", "&lt;").replace(">", "&gt;") in answer.text
    assert answer.text.count("未登记，通知发邮件") == 1


@pytest.mark.parametrize("typed", ["z", "z" * 64, "0a_-@.", "ZHANG"])
def test_what_wecom_takes_is_taken_in_lower_case(app, work, admin, target, typed):
    with work():
        service.set_wecom_id(admin, target.id, typed)
        assert wecom_of(target) == typed.lower()


def test_an_id_belongs_to_one_person(app, work, admin, page, target):
    other = staff.member(app, "engineer")
    with work():
        service.set_wecom_id(admin, target.id, "zhang")
        service.set_wecom_id(admin, target.id, "zhang")  # the same again is no change
    answer = post(page, f"/staff/{other.id}/wecom", wecom="ZHANG")
    assert answer.status_code == 422
    assert "这个企业微信账号已登记在另一位员工名下" in answer.text


def test_two_administrators_give_one_id_to_two_people_at_once(app, work, admin, target):
    other, colleague = staff.member(app), replace(staff.member(app, "admin"), signed_in_at=clock.now())
    answers = at_once(
        app,
        lambda: service.set_wecom_id(admin, target.id, "zhang"),
        lambda: service.set_wecom_id(colleague, other.id, "zhang"),
    )
    assert sorted(answers, key=str) == [None, "wecom_id_used"]
    with work():
        assert (
            len(db.session.scalars(sa.select(StaffAccount.id).where(StaffAccount.wecom_user_id == "zhang")).all()) == 1
        )


def test_who_may_set_it(app, work, admin, target):
    with pytest.raises(Forbidden), work():
        service.set_wecom_id(admin, admin.id, "zhang")
    reviewer = staff.member(app, "reviewer")
    with pytest.raises(Forbidden), work():
        service.set_wecom_id(reviewer, target.id, "zhang")
    own = staff.client_of(app, admin.id).get(f"/staff/{admin.id}").text
    assert "/wecom" not in own
    assert "企业微信账号" in staff.client_of(app, target.id).get("/account").text


def test_disabling_erases_it_for_whoever_gets_it_next(app, work, admin, target):
    other = staff.member(app)
    with work():
        service.set_wecom_id(admin, target.id, "zhang")
    with work():
        service.disable(admin, target.id)
        assert wecom_of(target) is None
        service.set_wecom_id(admin, other.id, "zhang")
    with pytest.raises(Conflict), work():
        service.set_wecom_id(admin, target.id, "li")


def test_an_invitation_takes_it_and_is_itself_sent_by_mail(app, work, page):
    data = {"email": "new@demo.invalid", "name": "样例新人", "role": "", "reach": "country", "wecom": "New.One"}
    assert post(page, "/staff/new", **data).status_code == 200
    with work():
        row = db.session.scalars(sa.select(StaffAccount).where(StaffAccount.email == "new@demo.invalid")).one()
        assert reach.addresses(row) == {"wecom": "new.one", "email": "new@demo.invalid"}
        message = db.session.scalars(sa.select(Message).where(Message.staff_id == row.id)).one()
        assert (message.channel, message.fallbacks) == ("email", [])  # the link goes to the address that signs in
    again = post(page, "/staff/new", **data | {"email": "else@demo.invalid"})
    assert again.status_code == 422
    assert "这个企业微信账号已登记" in again.text and "else@demo.invalid" in again.text
    bad = post(page, "/staff/new", **data | {"email": "else@demo.invalid", "wecom": "张三"})
    assert bad.status_code == 422 and "以字母或数字开头" in bad.text


def test_nothing_typed_is_no_id():
    assert reach.normal_wecom_id(None) is reach.normal_wecom_id("  ") is None
    with pytest.raises(Invalid):
        reach.normal_wecom_id("a b")
