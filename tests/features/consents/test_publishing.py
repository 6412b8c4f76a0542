"""Publishing a version of the policy: who may, what is refused, and that old versions stay as they were."""

from __future__ import annotations

import io

import pytest
import sqlalchemy as sa

from app.consents.models import PolicyVersion
from app.core.audit.models import AuditEvent
from app.core.db import db
from tests.conftest import app, client, work  # noqa: F401 -- the whole portal, not the one of this folder
from tests.factories import staff

NEW = "/privacy/policies/new"
TEXT = "隐私政策\n1. 我们收集什么\n姓名和手机号。\n"


def publish(who, **fields):
    data = {
        "csrf_token": staff.csrf(who), "newest": "1", "updated_on": "2026-11-24", "effective_on": "2026-12-01",
        "material": "yes", "change_note": "写明了收集的种类。", "text": TEXT, **fields,
    }  # fmt: skip
    return who.post(NEW, data=data, content_type="multipart/form-data")


def versions(app):  # noqa: F811
    with app.app_context():
        return db.session.execute(sa.select(PolicyVersion.no, PolicyVersion.material).order_by(PolicyVersion.no)).all()


@pytest.mark.parametrize("role", ["privacy_officer", "admin"])
def test_a_version_is_published_and_the_old_one_stays(app, client, role):  # noqa: F811
    officer = staff.signed_in(app, role)
    before = client.get("/policy/1").get_data(as_text=True)
    assert publish(officer).status_code == 303
    assert versions(app) == [(1, True), (2, True)]
    now, old = client.get("/policy").get_data(as_text=True), client.get("/policy/1").get_data(as_text=True)
    assert "姓名和手机号" in now and "写明了收集的种类" in now and "2026-12-01" in now
    assert "这是旧版本" in old and before.split("<article")[1].split("</article>")[0] in old
    assert "第 2 版" in officer.get("/privacy/policies").get_data(as_text=True)
    with app.app_context():
        assert "policy_version.published" in list(db.session.scalars(sa.select(AuditEvent.event)))


def test_a_file_serves_as_well(app, client):  # noqa: F811
    file = (io.BytesIO(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode()), "policy.txt")
    assert publish(staff.signed_in(app, "privacy_officer"), text="", file=file).status_code == 303
    assert "姓名和手机号" in client.get("/policy").get_data(as_text=True)


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"text": ""}, "政策正文不能为空"),
        ({"text": "   \n "}, "政策正文不能为空"),
        ({"text": "x" * 300_000}, "正文过长"),
        ({"file": (io.BytesIO(b"a\x00b"), "x.txt"), "text": ""}, "控制字符"),
        ({"file": (io.BytesIO(b"\xff\xfe\x00"), "x.txt"), "text": ""}, "不是 UTF-8"),
        ({"file": (io.BytesIO(b"abc"), "x.txt")}, "请只给一个"),
        ({"updated_on": "yesterday"}, "更新日期"),
        ({"effective_on": ""}, "请填写日期"),
        ({"material": "perhaps"}, "这次改动"),
        ({"change_note": ""}, "请写明改了什么"),
        ({"change_note": "长" * 401}, "最多 400 个字"),
    ],
)
def test_bad_input_is_said_and_nothing_is_published(app, fields, said):  # noqa: F811
    answer = publish(staff.signed_in(app, "privacy_officer"), **fields)
    assert answer.status_code == 422 and said in answer.get_data(as_text=True)
    assert versions(app) == [(1, True)]


def test_the_same_text_twice_and_a_version_published_meanwhile(app):  # noqa: F811
    officer = staff.signed_in(app, "privacy_officer")
    assert publish(officer).status_code == 303
    assert publish(officer, newest="2").status_code == 422
    assert publish(officer, newest="1", text=TEXT + "又一句。").status_code == 409
    assert len(versions(app)) == 2


@pytest.mark.parametrize("role", ["reviewer", "auditor", "triager"])
def test_others_publish_nothing(app, role):  # noqa: F811
    who = staff.signed_in(app, role)
    assert who.get(NEW).status_code == 403
    assert publish(who).status_code == 403
    assert versions(app) == [(1, True)]
