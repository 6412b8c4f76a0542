"""Saved views: save, use, rename, delete, make it the start, share with a role; limits and other people's views."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from app.core.audit.models import AuditEvent
from app.core.db import db
from app.core.worklist import SavedView
from tests.factories import staff
from tests.features.lists.conftest import LEAD

VIEWS = "/lists/registrations/views"


def stored(app, *what):
    with app.app_context():
        return db.session.execute(sa.select(*what).order_by(SavedView.created_at)).all()


def id_of(app, name):
    with app.app_context():
        return str(db.session.scalar(sa.select(SavedView.id).where(SavedView.name == name)))


def test_a_view_is_saved_used_renamed_and_deleted(app, rows, lead, post):
    saved = post(lead, VIEWS, query="tab=late&province=31&after=xyz", name=" 上海  超时 ")
    assert (saved.status_code, saved.location) == (303, "/registrations?tab=late&province=31")
    listed = lead.get(VIEWS).get_data(as_text=True)
    assert 'href="/registrations?tab=late&amp;province=31"' in listed and "上海 超时" in listed
    assert lead.get("/registrations?tab=late&province=31").status_code == 200

    assert 'value="上海 超时"' in lead.get(f"/lists/views/{id_of(app, '上海 超时')}").get_data(as_text=True)
    assert post(lead, f"/lists/views/{id_of(app, '上海 超时')}", name="沪").status_code == 303
    assert stored(app, SavedView.name, SavedView.query) == [("沪", "tab=late&province=31")]
    assert post(lead, f"/lists/views/{id_of(app, '沪')}/delete").status_code == 303
    assert stored(app, SavedView.name) == []


def test_the_dialog_is_the_same_page_as_a_part(rows, lead):
    part = lead.get(VIEWS, headers={"HX-Request": "true"}).get_data(as_text=True)
    whole = lead.get(VIEWS).get_data(as_text=True)
    assert "<h1" not in part and "保存当前视图" in part and "保存当前视图" in whole
    assert f'href="{VIEWS}?query=" data-dialog' in lead.get("/registrations").get_data(as_text=True)


@pytest.mark.parametrize(
    "name, said",
    [
        ("", "请给视图起个名字"),
        ("   ", "请给视图起个名字"),
        ("长" * 41, "名字最多 40 个字"),
        ("同名", "您已有同名的视图"),
    ],
)
def test_a_bad_name_gets_a_clear_error_and_keeps_what_was_typed(app, lead, post, name, said):
    post(lead, VIEWS, query="tab=late", name="同名")
    answer = post(lead, VIEWS, query="tab=hold", name=name)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert said in page and 'value="tab=hold"' in page and (not name.strip() or name in page)
    assert stored(app, SavedView.query) == [("tab=late",)]


def test_renaming_to_a_taken_name_is_refused(app, lead, post):
    for name in ("甲", "乙"):
        post(lead, VIEWS, query="", name=name)
    assert post(lead, f"/lists/views/{id_of(app, '乙')}", name="甲").status_code == 422
    assert stored(app, SavedView.name) == [("甲",), ("乙",)]


def test_twenty_views_per_list_and_no_more(app, lead, post):
    for i in range(20):
        assert post(lead, VIEWS, query="", name=f"v{i}").status_code == 303
    answer = post(lead, VIEWS, query="", name="v20")
    assert answer.status_code == 422 and "每个列表最多保存 20 个视图" in answer.get_data(as_text=True)
    assert post(lead, "/lists/hospitals/views", query="", name="v0").status_code == 303, "another list has its own"


def test_another_persons_view_is_not_there(app, lead, post):
    post(lead, VIEWS, query="", name="mine")
    other = staff.signed_in(app, "reviewer")
    path = f"/lists/views/{id_of(app, 'mine')}"
    assert other.get(path).status_code == 404
    assert post(other, path, name="x").status_code == 404
    assert post(other, f"{path}/delete").status_code == 404
    assert "mine" not in other.get(VIEWS).get_data(as_text=True)
    assert stored(app, SavedView.name) == [("mine",)]


def test_a_list_that_one_may_not_see_has_no_views_for_one(app):
    assert staff.signed_in(app, "engineer").get(VIEWS).status_code == 403
    assert staff.signed_in(app, "engineer").get("/lists/nothing/views").status_code == 404


def test_the_start_opens_with_the_bare_address_and_can_be_undone(app, rows, lead, post):
    post(lead, VIEWS, query="tab=done", name="已办")
    assert 'aria-current="page">已办' not in lead.get("/registrations").get_data(as_text=True)
    assert post(lead, "/lists/registrations/start", query="tab=done").status_code == 303
    assert re.search(r'tab=done" aria-current="page"', lead.get("/registrations").get_data(as_text=True))
    assert not re.search(r'tab=done" aria-current="page"', lead.get("/registrations?tab=todo").get_data(as_text=True))
    assert "打开列表时先显示" in lead.get(VIEWS).get_data(as_text=True)
    post(lead, "/lists/registrations/start", clear="1")
    assert not re.search(r'tab=done" aria-current="page"', lead.get("/registrations").get_data(as_text=True))


def test_a_deleted_view_is_no_start_any_more(app, rows, lead, post):
    post(lead, VIEWS, query="tab=done", name="已办")
    post(lead, "/lists/registrations/start", query="tab=done")
    post(lead, f"/lists/views/{id_of(app, '已办')}/delete")
    assert not re.search(r'tab=done" aria-current="page"', lead.get("/registrations").get_data(as_text=True))


def test_leads_share_with_their_role_and_take_it_back(app, lead, post):
    member, outsider = staff.signed_in(app, "reviewer"), staff.signed_in(app, "admin")
    assert post(lead, VIEWS, query="tab=late", name="组里看", share_with="reviewer").status_code == 303
    seen = member.get(VIEWS).get_data(as_text=True)
    assert "组里看" in seen and "共享给审核员" in seen and "删除：组里看" not in seen
    assert outsider.get(VIEWS).status_code == 403
    assert post(member, f"/lists/views/{id_of(app, '组里看')}/delete").status_code == 404
    other_lead = staff.signed_in(app, LEAD)
    assert post(other_lead, f"/lists/views/{id_of(app, '组里看')}/delete").status_code == 303
    with app.app_context():
        events = list(db.session.scalars(sa.select(AuditEvent.event).where(AuditEvent.event.like("saved_view.%"))))
    assert events == ["saved_view.shared", "saved_view.unshared"]


def test_who_leads_nothing_shares_nothing(app, post):
    member = staff.signed_in(app, "reviewer")
    assert "共享给" not in member.get(VIEWS).get_data(as_text=True)
    assert post(member, VIEWS, query="", name="x", share_with="reviewer").status_code == 422


def test_filters_that_name_a_customer_are_not_kept(app, lead, post):
    page = lead.get(f"{VIEWS}?query=q%3D冯虚构%26phone%3D13800000000%26tab%3Dlate").get_data(as_text=True)
    assert "不会存入视图" in page
    post(lead, VIEWS, query="q=冯虚构&phone=13800000000&tab=late", name="查人")
    post(lead, "/lists/registrations/start", query="q=冯虚构&tab=late")
    assert stored(app, SavedView.query) == [("tab=late",)]
    assert "冯虚构" not in lead.get("/registrations").get_data(as_text=True)


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "=1+1", "\u202eabc", "'; DROP TABLE saved_view; --"])
def test_hostile_names_are_shown_as_text(app, lead, post, name):
    assert post(lead, VIEWS, query="tab=late", name=name).status_code == 303
    assert "<script>alert" not in lead.get(VIEWS).get_data(as_text=True)
    assert len(stored(app, SavedView.name)) == 1
