"""Who follows the official account is the customer of the mini program by UnionID, in whichever order they come."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from app.core import jobs
from app.core.db import db
from app.customers import service as customers
from app.customers.models import Customer
from app.notifications.models import WechatFollower
from tests.stubs.wechat import MINI, OFFICIAL, sealed_callback

FOLLOWER, MEMBER, UNION = "oStub-follower-1", "oStub-member-1", "u-follower-1"


@pytest.fixture
def known(wechat_stub):
    """WeChat as it answers for a person who uses both; the stub lives for the session and is cleaned afterwards."""
    with wechat_stub.lock:
        wechat_stub.reset_state()
        wechat_stub.users.add(FOLLOWER)
        wechat_stub.unionids[FOLLOWER] = UNION
    yield wechat_stub
    with wechat_stub.lock:
        wechat_stub.reset_state()


def tells(app, event: str, at: int, openid: str = FOLLOWER, appid: str = OFFICIAL) -> None:
    text = (
        f"<xml><ToUserName>stub</ToUserName><FromUserName>{openid}</FromUserName><CreateTime>{at}</CreateTime>"
        f"<MsgType>event</MsgType><Event>{event}</Event></xml>"
    )
    query, body = sealed_callback(text.encode(), appid, xml=True)
    answer = app.test_client().post("/wechat/callback", query_string=query, data=body, content_type="text/xml")
    assert answer.get_data(as_text=True) == "success"


def signs_in(phone, stub, unionid: str | None = UNION) -> None:
    with stub.lock:
        stub.login_codes["js-f"] = {"openid": MEMBER} | ({"unionid": unionid} if unionid else {})
        stub.phone_codes["ph-f"] = ("13800000001", "86")
    assert phone.post("/sessions", {"wechat_code": "js-f", "wechat_phone_code": "ph-f"}).status_code == 201


def works(app) -> None:
    jobs.run_worker(app, threading.Event(), once=True)


def address(work) -> str:
    """Where the official account would write to the only customer; "" when it cannot."""
    with work(write=False):
        person = db.session.scalars(sa.select(Customer)).one()
        return customers.recipient(person.id).addresses.get("wechat_template", "")


@pytest.mark.parametrize("follows_first", [True, False])
def test_with_a_unionid_the_follower_is_the_customer(app, phone, work, known, follows_first):
    if follows_first:
        tells(app, "subscribe", 1)
        works(app)
    signs_in(phone, known)
    if not follows_first:
        tells(app, "subscribe", 1)
        assert address(work) == ""  # WeChat was not asked yet
        works(app)
    assert address(work) == FOLLOWER
    with work(write=False):
        row = db.session.scalars(sa.select(WechatFollower)).one()
        assert UNION.encode() not in (row.unionid_sealed or b"")
    tells(app, "unsubscribe", 2)
    assert address(work) == ""
    tells(app, "subscribe", 3)
    assert address(work) == FOLLOWER


def test_without_a_unionid_on_either_side_nobody_is_taken_for_another(app, phone, work, known):
    with known.lock:
        known.unionids.clear()
    tells(app, "subscribe", 1)
    works(app)
    signs_in(phone, known, unionid=None)
    assert address(work) == ""


def test_another_persons_unionid_is_another_person(app, phone, work, known):
    tells(app, "subscribe", 1)
    works(app)
    signs_in(phone, known, unionid="u-somebody-else")
    assert address(work) == ""


def test_an_openid_of_the_mini_program_is_no_follower(app, phone, work, known):
    with known.lock:
        known.users.add(MEMBER)
        known.unionids[MEMBER] = UNION
    tells(app, "subscribe", 1, openid=MEMBER, appid=MINI)
    works(app)
    signs_in(phone, known)
    assert address(work) == ""


def test_whom_wechat_does_not_know_is_left_alone(app, phone, work, known):
    with known.lock:
        known.users.clear()
    tells(app, "subscribe", 1)
    works(app)
    signs_in(phone, known)
    assert address(work) == ""
    with work(write=False):
        assert db.session.scalars(sa.select(jobs.Job.state).where(jobs.Job.kind == "wechat.unionid")).all() in (
            [],
            ["done"],
        )


def test_while_wechat_is_away_it_is_asked_again(app, phone, work, known):
    tells(app, "subscribe", 1)
    with known.lock:
        known.quota["/cgi-bin/user/info"] = 0
    works(app)
    with known.lock:
        known.quota.clear()
    signs_in(phone, known)
    assert address(work) == ""
    with work():
        db.session.execute(
            sa.update(jobs.Job).where(jobs.Job.kind == "wechat.unionid").values(run_at=jobs.Job.created_at)
        )
    works(app)
    assert address(work) == FOLLOWER
