"""The document and the URL map agree; the frame refuses what is malformed; positions leave no trace."""

from __future__ import annotations

import json
import re

import pytest
import sqlalchemy as sa

from app.api.v1.openapi import document, operations
from app.core import policy
from app.core.columns import DataClass
from app.core.db import db
from tests.api.phone import NUMBER, Phone
from tests.databases import own_tables


def test_every_rule_is_documented_and_nothing_else(app, contract):
    rules = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert rules == {(path, method) for path, methods in contract["paths"].items() for method in methods}


def test_the_document_is_sound(contract):
    assert contract["openapi"] == "3.1.0"
    text = json.dumps(contract)
    for ref in set(re.findall(r'"\$ref": "#/components/schemas/(\w+)"', text)):
        assert ref in contract["components"]["schemas"], ref
    ids = [op["operationId"] for methods in contract["paths"].values() for op in methods.values()]
    assert len(ids) == len(set(ids))
    assert "http" not in text.replace('"type": "http"', "")


def test_auth_keys_and_problems_are_in_the_document(app, contract):
    for rule, method, found in operations(app):
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        described = contract["paths"][path][method.lower()]
        mark = policy.mark_of(app, rule.endpoint)
        assert mark is not None
        assert ("security" in described) == (mark.kind == "customer")
        named = {p["name"] for p in described["parameters"]}
        assert ("Idempotency-Key" in named) == (method == "POST" and found.idempotent)
        for status, answer in described["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"]
    form = contract["paths"]["/api/v1/registrations"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert form["schema"]["properties"]["badges"]["maxItems"] == 3
    assert {"badges", "badge_consent", "is_adult"} <= set(form["schema"]["required"])


def test_the_document_is_served_and_printed(app, phone, contract):
    assert phone.get("/openapi.json").json == json.loads(json.dumps(contract))
    printed = app.test_cli_runner().invoke(args=["openapi"]).output
    assert json.loads(printed[printed.index("{\n") :]) == json.loads(json.dumps(contract))


def test_an_undeclared_rule_is_found(app):
    from flask import Flask

    bare = Flask("bare")
    bare.add_url_rule("/api/v1/bare", "bare", lambda: "")
    with pytest.raises(AttributeError):
        document(bare)


# The frame


def test_wrong_content_types(phone):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml", "multipart/form-data"):
        assert phone.post("/login-codes", data=b"{}", content_type=kind).status_code in (415, 400), kind
    assert phone.post("/login-codes", data=b"{}").status_code == 415
    phone.ready()
    assert phone.post("/registrations", {"name": "x"}).status_code == 415


@pytest.mark.parametrize(
    "data", [b"", b"{", b"null", b"[" * 5000, b'{"phone": "\xff"}', b'{"phone": "\\ud800"}', b"1e999"]
)
def test_broken_json(phone, data):
    answer = phone.post("/login-codes", data=data, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")


def test_huge_json(phone):
    data = json.dumps({"phone": "1" * 2_000_000}).encode()
    assert phone.post("/login-codes", data=data, content_type="application/json").status_code == 413
    phone.sign_in()
    big = {"type": "access", "text": "长" * 100_000}
    assert phone.post("/me/privacy-requests", big, headers={"Idempotency-Key": "k"}).status_code == 413


def test_unknown_query_parameters(phone):
    phone.sign_in()
    assert list(phone.get("/me?debug=1").json["errors"]) == ["debug"]
    assert list(phone.get("/hospitals?q=示范&limit=1").json["errors"]) == ["limit"]


def test_problems_say_nothing_of_the_input(phone):
    answer = phone.post("/login-codes", {"phone": "sekret-value", "x": "sekret-value"})
    assert "sekret" not in answer.get_data(as_text=True)


def test_unknown_paths_and_methods_are_problems(app):
    client = app.test_client()
    for method, path, status in (
        ("GET", "/api/v1/none", 404),
        ("PUT", "/api/v1/me", 405),
        ("GET", "/api/v1/sessions", 405),
    ):
        answer = client.open(path, method=method)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")


def test_every_closed_call_is_401_without_a_token(app, contract):
    stranger = Phone(app, contract)
    for rule, method, _found in operations(app):
        mark = policy.mark_of(app, rule.endpoint)
        if mark is not None and mark.kind == "customer":
            path = re.sub(r"<uuid:\w+>", "00000000-0000-7000-8000-000000000000", rule.rule)
            path = re.sub(r"<string:\w+>", "service", path)
            assert stranger.call(method, path.removeprefix("/api/v1")).status_code == 401


def test_a_token_opens_no_page_and_a_cookie_no_call(app, phone):
    phone.sign_in()
    header = {"Authorization": f"Bearer {phone.token}"}
    for path in ("/", "/registrations", "/staff"):
        assert app.test_client().get(path, headers=header).status_code in (302, 303, 401, 403)


# Hospitals, policy, own data


def test_hospitals_by_two_characters_and_by_position(phone, story, work):
    from app.hospitals.models import Hospital

    with work():
        db.session.execute(sa.update(Hospital).values(lat=31.2, lon=121.4))
    phone.sign_in()
    assert phone.get("/hospitals?q=示范").json["items"][0]["name"] == "华东第一示范医院"
    near = phone.get("/hospitals?lat=31.21&lon=121.41").json["items"]
    assert near[0]["km"] < 3
    departments = phone.get(f"/hospitals/{story.hospital_id}/departments").json["items"]
    assert [d["name"] for d in departments] == ["消化内镜中心"]
    assert phone.get("/hospitals/00000000-0000-7000-8000-000000000000/departments").status_code == 404


@pytest.mark.parametrize(
    "query", ["", "lat=1", "lon=1", "lat=91&lon=0", "lat=nan&lon=0", "lat=x&lon=0", "q=a&lat=1&lon=1", "q="]
)
def test_malformed_searches(phone, query):
    phone.sign_in()
    assert phone.get(f"/hospitals?{query}").status_code == 422


def test_c24_coordinates_are_neither_stored_nor_logged(phone, capsys, work):
    phone.sign_in()
    capsys.readouterr()
    assert phone.get("/hospitals?lat=31.98765&lon=121.43219").status_code == 200
    logged = capsys.readouterr()
    for number in ("98765", "43219"):
        assert number not in logged.out + logged.err
    with work():
        for table in own_tables():
            for row in db.session.execute(sa.select(table)):
                assert "98765" not in repr(tuple(row)), table.name


def test_c16_no_log_line_holds_a_number_a_code_or_a_token(phone, story, capsys):
    capsys.readouterr()
    phone.ready().register(story)
    phone.get("/me/export")
    code = phone.last_code()
    text = "".join(capsys.readouterr())
    for secret in (NUMBER[3:], phone.token, code, "冯虚构"):
        assert secret not in text


def test_the_policy_in_force(phone):
    found = phone.get("/policy").json
    assert (found["version"], found["updated_on"], found["effective_on"]) == (1, "2022-07-01", "2022-03-01")


def test_c39_the_export_has_every_class_and_nobody_else(app, contract, story, phone):
    other = Phone(app, contract)
    other.ready("+8613800000077").register(story, name="他人样例")
    phone.ready().register(story, gender="female")
    phone.post("/me/privacy-requests", {"type": "access", "text": "请说明"})
    answer = phone.get("/me/export")
    assert "attachment" in answer.headers["Content-Disposition"]
    classes = answer.json["classes"]
    assert set(classes) == {c.value for c in DataClass if c is not DataClass.NONE}
    assert all(classes.values())
    assert classes["contact"]["phone"] == NUMBER
    assert classes["sensitive"]["gender"] == "female"
    assert classes["sensitive"]["badges"][0]["base64"].startswith("/9j/")
    text = answer.get_data(as_text=True)
    assert "他人样例" not in text
    assert "0077" not in text


def test_an_erased_photo_leaves_the_export(phone, story):
    phone.ready().register(story)
    phone.post("/registrations/current/withdrawal")
    badge = phone.get("/me/export").json["classes"]["sensitive"]["badges"][0]
    assert (badge["erased"], badge["base64"]) == (True, None)


def test_opening_the_own_photo_is_an_event(phone, story, work):
    from app.core.audit import AuditEvent

    phone.ready().register(story)
    phone.get("/me/export")
    with work():
        events = db.session.scalars(sa.select(AuditEvent.event)).all()
    assert {"badge.opened", "customer.data_exported"} <= set(events)


def test_c42_privacy_requests_are_due_at_the_end_of_the_15th_day(phone):
    from datetime import UTC, datetime

    from app.core import clock

    with clock.frozen(datetime(2027, 2, 14, 16, 30, tzinfo=UTC)):  # 15 February, 00:30 in China
        phone.sign_in()
        made = phone.post("/me/privacy-requests", {"type": "delete", "text": "请删除我的账号"})
        assert (made.status_code, made.json["due_on"]) == (201, "2027-03-02")
        assert phone.get("/me/privacy-requests").json["items"] == [made.json]
    for bad in ({"type": "account_recovery", "text": "x"}, {"type": "delete"}, {"type": "delete", "text": "\u202e"}):
        assert phone.post("/me/privacy-requests", bad).status_code in (401, 422)
