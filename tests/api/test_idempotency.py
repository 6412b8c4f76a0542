"""Idempotency-Key (decisions.md 26)."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.api.v1.idempotency import IdempotencyKey, KeyState, forget
from app.core import clock
from app.core.db import db
from app.customers.models import RightsRequest
from app.registrations.models import Registration
from tests.api.phone import Phone, badge

KEY = {"Idempotency-Key": "4f6a-1"}
ASK = {"type": "access", "text": "请告诉我保存了哪些信息。"}


def count(model: type) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def test_the_same_call_twice_is_done_once(phone, work):
    phone.sign_in()
    first, second = (phone.post("/me/privacy-requests", ASK, headers=KEY) for _ in range(2))
    assert (first.status_code, first.json) == (second.status_code, second.json)
    assert second.headers["Idempotency-Replayed"] == "true"
    with work():
        assert count(RightsRequest) == 1


def test_multipart_is_compared_part_by_part(phone, story, work):
    phone.ready()
    data, other = badge(), badge()

    def send(photo: bytes, **kw):
        return phone.register(story, badges=[(io.BytesIO(photo), "b.jpg")], headers=KEY, **kw)

    first, again = send(data), send(data)  # a new boundary each time
    assert (again.status_code, again.json) == (201, first.json)
    assert send(other).json["code"] == "idempotency_mismatch"
    assert send(data, title="主任医师").json["code"] == "idempotency_mismatch"
    with work():
        assert count(Registration) == 1


def test_a_key_reused_with_another_body(phone):
    phone.sign_in()
    phone.post("/me/privacy-requests", ASK, headers=KEY)
    answer = phone.post("/me/privacy-requests", {**ASK, "type": "delete"}, headers=KEY)
    assert (answer.status_code, answer.json["code"]) == (409, "idempotency_mismatch")


def test_a_refusal_is_kept_too(phone):
    phone.sign_in()
    answers = [phone.post("/registrations/current/withdrawal", headers=KEY) for _ in range(2)]
    assert [a.status_code for a in answers] == [404, 404]
    assert answers[1].headers["Idempotency-Replayed"] == "true"


def test_keys_of_different_people_and_paths_do_not_meet(app, contract, work):
    one, two = Phone(app, contract), Phone(app, contract)
    one.sign_in()
    two.sign_in("+8613800000002")
    for phone in (one, two):
        assert phone.post("/me/privacy-requests", ASK, headers=KEY).status_code == 201
    body = {"purpose": "service", "policy_version": 1, "given": True}
    assert one.post("/consents", body, headers=KEY).status_code == 201
    with work():
        assert count(RightsRequest) == 2


def test_in_flight_is_409_until_the_process_must_be_dead(phone, work):
    phone.sign_in()
    phone.post("/me/privacy-requests", ASK, headers=KEY)
    with work():
        db.session.execute(sa.update(IdempotencyKey).values(state=KeyState.IN_FLIGHT.value, answer=None))
    answer = phone.post("/me/privacy-requests", ASK, headers=KEY)
    assert (answer.status_code, answer.json["code"]) == (409, "in_progress")
    with clock.advanced(timedelta(seconds=61)):
        assert phone.post("/me/privacy-requests", ASK, headers=KEY).status_code == 201


def test_a_server_error_is_not_kept(app, phone, monkeypatch, work):
    from app.api.v1 import me

    phone.sign_in()
    good = me.service.ask_about_own_data

    def broken(*_args):
        raise RuntimeError("boom")

    app.testing = False
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    monkeypatch.setattr(me.service, "ask_about_own_data", broken)
    try:
        response = app.test_client().post(
            "/api/v1/me/privacy-requests", json=ASK, headers={**KEY, "Authorization": f"Bearer {phone.token}"}
        )
    finally:
        app.testing = True
    assert response.status_code == 500
    monkeypatch.setattr(me.service, "ask_about_own_data", good)
    assert phone.post("/me/privacy-requests", ASK, headers=KEY).status_code == 201
    with work():
        assert count(RightsRequest) == 1


def test_answers_are_stored_encrypted_and_forgotten_after_a_day(phone, work):
    phone.sign_in()
    phone.post("/me/privacy-requests", ASK, headers=KEY)
    with work():
        row = db.session.scalars(sa.select(IdempotencyKey)).one()
        assert row.answer and "请告诉我".encode() not in row.answer
        assert b"DSR-" not in row.answer
    with clock.advanced(timedelta(hours=24, seconds=1)):
        assert "Idempotency-Replayed" not in phone.post("/me/privacy-requests", ASK, headers=KEY).headers
    with clock.advanced(timedelta(hours=49)), work():
        forget()
        assert count(IdempotencyKey) == 0


@pytest.mark.parametrize("key", ["", "k" * 256, "密钥".encode().decode("latin-1")])
def test_keys_that_are_none(phone, key):
    phone.sign_in()
    answer = phone.post("/me/privacy-requests", ASK, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_invalid")


def test_sessions_and_login_codes_ignore_the_key(phone):
    assert phone.post("/login-codes", {"phone": "13800000001"}, headers=KEY).status_code == 202
    answer = phone.post("/login-codes", {"phone": "13800000001"}, headers=KEY)
    assert answer.status_code == 429
