"""Login codes and sessions: the bad input of the issue, and what nobody may learn."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock, keys
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.outbox import Message, MessageState
from app.customers.models import Customer, CustomerToken, LoginCode, RightsRequest, WechatIdentity
from tests.api.phone import NUMBER, Phone

OPENID = "oStub-000000000000000000000001"


def try_code(phone: Phone, code: str, number: str = NUMBER):
    return phone.post("/sessions", {"phone": number, "code": code})


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_a_code_signs_in_once_and_the_account_has_no_customer_yet(phone):
    answer = phone.sign_in()
    assert answer.status_code == 201
    assert answer.json["customer"] is None
    assert phone.get("/me").json["phone"] == NUMBER
    assert phone.get("/me").json["consent_required"] == ["service", "badge"]


def test_known_and_unknown_numbers_get_the_same_202_and_the_same_429(phone):
    phone.sign_in()
    other = "+8613800000099"
    for number in (NUMBER, other):
        assert phone.ask_code(number).status_code == 202
        again = phone.post("/login-codes", {"phone": number, "audience": "service"})
        assert again.status_code == 429
        assert 0 < int(again.headers["Retry-After"]) <= 60


def test_five_an_hour(phone):
    first = clock.now()
    for minute in range(5):
        with clock.frozen(first + timedelta(minutes=minute * 2)):
            assert phone.post("/login-codes", {"phone": NUMBER}).status_code == 202
    with clock.frozen(first + timedelta(minutes=20)):
        assert phone.post("/login-codes", {"phone": NUMBER}).status_code == 429


def test_wrong_code(phone):
    phone.ask_code()
    assert try_code(phone, wrong(phone.last_code())).json["code"] == "code_wrong"
    assert try_code(phone, phone.last_code()).status_code == 201


def test_expired_code_is_told_to_whoever_knows_it_only(phone):
    phone.ask_code()
    code = phone.last_code()
    with clock.advanced(timedelta(minutes=5, seconds=1)):
        assert try_code(phone, code).json["code"] == "code_expired"
        assert try_code(phone, wrong(code)).json["code"] == "code_wrong"


def test_a_code_holds_for_just_five_minutes(phone):
    start = clock.now()
    with clock.frozen(start):
        phone.ask_code()
    with clock.frozen(start + timedelta(minutes=4, seconds=59)):
        assert try_code(phone, phone.last_code()).status_code == 201


def test_reused_code(phone):
    phone.ask_code()
    code = phone.last_code()
    assert try_code(phone, code).status_code == 201
    answer = try_code(phone, code)
    assert (answer.status_code, answer.json["code"]) == (401, "code_used")


def test_the_sixth_try_is_refused_though_right(phone):
    phone.ask_code()
    code = phone.last_code()
    for _ in range(5):
        assert try_code(phone, wrong(code)).json["code"] == "code_wrong"
    answer = try_code(phone, code)
    assert (answer.status_code, answer.json["code"]) == (401, "code_locked")


def test_a_number_without_a_code_answers_as_one_with_a_code(phone):
    phone.ask_code()
    code = wrong(phone.last_code())

    def seen(number: str) -> list[tuple[int, dict[str, object]]]:
        answers = [try_code(phone, code, number) for _ in range(6)]
        return [(a.status_code, {k: v for k, v in a.json.items() if k != "request_id"}) for a in answers]

    assert seen(NUMBER) == seen("+8613800000098")


def test_a_new_code_ends_the_old_one_and_withdraws_its_message(phone, work):
    phone.ask_code()
    old = phone.last_code()
    phone.ask_code()
    if old != phone.last_code():
        assert try_code(phone, old).json["code"] == "code_wrong"
    with work():
        states = db.session.scalars(sa.select(Message.state).order_by(Message.created_at)).all()
    assert states == [MessageState.CANCELLED, MessageState.WAITING]
    assert try_code(phone, phone.last_code()).status_code == 201


def test_c02_one_account_however_the_number_is_written(phone, work):
    for written in ("13800000001", "138 0000 0001", "+86 138-0000-0001"):
        phone.ask_code(written)
        assert phone.post("/sessions", {"phone": written, "code": phone.last_code()}).status_code == 201
    with work():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Customer)) == 1


@pytest.mark.parametrize(
    "number", ["", "12", "110", "+8613800", "abc", "1380000000１", "13800000001;ext=5", 13800000001]
)
def test_what_is_no_phone_number(phone, number):
    assert phone.post("/login-codes", {"phone": number}).status_code == 422


def test_two_sign_ins_at_once_make_one_account(app, contract, work):
    phone = Phone(app, contract)
    phone.ask_code()
    code, answers = phone.last_code(), []
    gate = threading.Barrier(4)

    def go() -> None:
        own = Phone(app, contract)
        gate.wait()
        answers.append(own.post("/sessions", {"phone": NUMBER, "code": code}))

    threads = [threading.Thread(target=go) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert sorted(a.status_code for a in answers) == [201, 401, 401, 401]
    assert {a.json["code"] for a in answers if a.status_code == 401} == {"code_used"}
    with work():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Customer)) == 1


def test_the_other_sites_code_is_sent_for_its_purpose_only_and_does_not_sign_in_here(phone, work):
    phone.ask_code(audience="smart_medical")
    with work():
        assert db.session.scalars(sa.select(Message.purpose)).all() == ["site_otp"]
    answer = try_code(phone, phone.last_code(template="site_otp"))
    assert (answer.status_code, answer.json["code"]) == (422, "audience_not_available")


def test_sign_out_ends_the_token_at_once(phone):
    phone.sign_in()
    assert phone.call("DELETE", "/sessions/current").status_code == 204
    answer = phone.get("/me")
    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_tokens_end_idle_after_30_days_and_absolutely_after_180(phone):
    start = clock.now()
    phone.sign_in()
    for day in range(20, 180, 20):
        with clock.frozen(start + timedelta(days=day)):
            assert phone.get("/me").status_code == 200
    with clock.frozen(start + timedelta(days=180, seconds=60)):
        assert phone.get("/me").status_code == 401
    phone.token = ""
    phone.sign_in()
    with clock.frozen(start + timedelta(days=30, seconds=60)):
        assert phone.get("/me").status_code == 401


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x", "Basic eDp5", "Bearer " + "A" * 43, "bearer  " + "A" * 43]
)
def test_malformed_and_foreign_tokens(phone, header):
    assert phone.get("/me", headers={"Authorization": header}).status_code == 401


def test_neither_token_nor_code_nor_number_lies_in_the_database(phone, work):
    phone.ask_code()
    code = phone.last_code()
    token = try_code(phone, code).json["token"]
    with work():
        row = db.session.scalars(sa.select(CustomerToken)).one()
        assert token.encode() not in row.token_hash
        stored = db.session.scalars(sa.select(LoginCode)).one()
        assert code.encode() not in (stored.code_hash or b"")
        raw = db.session.execute(sa.select(Customer.phone_sealed, Customer.phone_index, Customer.phone_tail)).one()
        assert all(NUMBER.encode()[4:] not in part for part in raw)
        events = db.session.scalars(sa.select(AuditEvent.event).order_by(AuditEvent.seq)).all()
    assert {"customer.created", "customer.signed_in"} <= set(events)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"phone": NUMBER},
        {"code": "123456"},
        {"phone": NUMBER, "code": "12345"},
        {"phone": NUMBER, "code": "１２３４５６"},
        {"phone": NUMBER, "code": 123456},
        {"phone": NUMBER, "code": "123456", "wechat_phone_code": "x"},
        {"phone": NUMBER, "code": "123456", "admin": True},
        {"wechat_code": "a b"},
        {"wechat_code": "x" * 129},
        [],
        "text",
    ],
)
def test_malformed_sign_ins(phone, body):
    answer = phone.post("/sessions", body)
    assert answer.status_code == 422
    assert answer.json["errors"]


# WeChat


def test_wechat_codes_sign_in_and_bind(phone, wechat_stub, work):
    wechat_stub.login_codes |= {"js-1": {"openid": OPENID, "unionid": "u-1"}, "js-2": {"openid": OPENID}}
    wechat_stub.phone_codes["ph-1"] = ("13800000001", "86")
    assert phone.post("/sessions", {"wechat_code": "js-1", "wechat_phone_code": "ph-1"}).status_code == 201
    assert phone.post("/sessions", {"wechat_code": "js-2"}).status_code == 201
    with work():
        identity = db.session.scalars(sa.select(WechatIdentity)).one()
        assert (identity.openid, identity.unionid) == (OPENID, "u-1")
        assert OPENID.encode() not in (identity.openid_sealed or b"")


def test_an_unknown_openid_needs_the_phone_number(phone, wechat_stub):
    wechat_stub.login_codes["js-3"] = {"openid": "oStub-000000000000000000000009"}
    assert phone.post("/sessions", {"wechat_code": "js-3"}).json["code"] == "wechat_unknown"


def test_a_wechat_code_is_used_once(phone, wechat_stub):
    wechat_stub.phone_codes["ph-2"] = ("13800000002", 86)
    assert phone.post("/sessions", {"wechat_phone_code": "ph-2"}).status_code == 201
    assert phone.post("/sessions", {"wechat_phone_code": "ph-2"}).json["code"] == "wechat_refused"
    assert phone.post("/sessions", {"wechat_phone_code": "never"}).json["code"] == "wechat_refused"


def test_the_same_openid_under_another_app_is_another_person(phone, work):
    with work():
        for appid in ("wxa", "wxb"):
            subject = keys.new_subject()
            person = Customer(subject_id=subject, created_at=clock.now(), last_used_at=clock.now())
            db.session.add(person)
            db.session.flush()
            db.session.add(
                WechatIdentity(
                    customer_id=person.id, subject_id=subject, appid=appid, openid=OPENID, created_at=clock.now(),
                    last_used_at=clock.now(),
                )
            )  # fmt: skip
    with work():
        found = db.session.scalars(sa.select(WechatIdentity).where(WechatIdentity.openid.matches(OPENID))).all()
        assert {row.appid for row in found} == {"wxa", "wxb"}


# A number that may have a new owner


@pytest.fixture
def away(phone, story, work):
    """A registered person who has not been here for 91 days."""
    assert phone.ready().register(story).status_code == 201
    phone.token = ""
    with work():
        db.session.execute(sa.update(Customer).values(last_used_at=clock.now() - timedelta(days=91)))
    return phone


def test_after_90_days_the_registered_name_is_asked_for(away):
    answer = away.sign_in()
    assert (answer.status_code, answer.json["code"]) == (403, "name_required")
    code = away.last_code()
    assert away.post("/sessions", {"phone": NUMBER, "code": code, "name": "冯 虚构"}).status_code == 201


def test_two_wrong_names_freeze_the_account_and_open_a_case(away, work):
    assert away.sign_in(name="别人").json["code"] == "name_wrong"
    assert away.sign_in(name="又是别人").json["code"] == "account_frozen"
    assert away.sign_in(name="冯虚构").json["code"] == "account_frozen"
    with work():
        case = db.session.scalars(sa.select(RightsRequest)).one()
        assert case.kind == "account_recovery"
        assert case.number.startswith("DSR-")


def test_a_known_openid_needs_no_name(away, wechat_stub, work):
    with work():
        person = db.session.scalars(sa.select(Customer)).one()
        db.session.add(
            WechatIdentity(
                customer_id=person.id, subject_id=person.subject_id, appid="wxstub0000000001", openid=OPENID,
                created_at=clock.now(), last_used_at=clock.now(),
            )
        )  # fmt: skip
    wechat_stub.login_codes["js-known"] = {"openid": OPENID}
    assert away.post("/sessions", {"wechat_code": "js-known"}).status_code == 201


def test_freezing_ends_live_sessions(phone, work):
    from app.customers.service.sign_in import freeze

    phone.sign_in()
    with work():
        freeze(db.session.scalars(sa.select(Customer)).one(), "name_wrong")
    assert phone.get("/me").status_code == 401
