"""The applicant's calls: the whole story, and every bad input of the issue that reaches the API."""

from __future__ import annotations

import io
import threading
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from PIL import Image

from app.consents.models import ConsentEntry
from app.core import clock
from app.core.db import db
from app.core.files import StoredFile
from app.hospitals.models import UnknownName
from app.registrations import service
from app.registrations.models import Registration
from tests.api.phone import NUMBER, Phone, badge
from tests.features.registrations import story as stories

ODD = {
    "sql": "'; DROP TABLE customer; --",
    "html": "<script>alert(1)</script>",
    "formula": '=HYPERLINK("http://demo.invalid")',
    "arabic": "مستشفى تجريبي",
    "emoji": "样例🏥",
    "quote": 'O\'Brien \\ "%s" {0} {{x}}',
}
REFUSED = {
    "override": "abc\u202egpj",
    "isolate": "\u2066abc\u2069",
    "mark": "a\u200fb",
    "zero width": "张\u200b三",
    "nul": "a\x00b",
    "bell": "a\x07b",
    "c1": "a\x85b",
    "break": "a\nb",
    "blank": "   ",
    "noncharacter": "a\uffffb",
}
TEXTS = ("name", "position", "title", "hospital_name", "department_name")


def count(model: type) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def decide(work, verb: str, *rest: object) -> None:
    """A reviewer takes the one case and decides it."""
    reviewer = stories.reviewer()
    with work():
        claimed = service.claim_next(reviewer)
        assert claimed is not None
        getattr(service, verb)(reviewer, claimed[0].id, stories.seen(*claimed), *rest)


def test_from_the_code_to_the_approved_status(phone, story, work):
    start = clock.now()
    with clock.frozen(start):
        phone.ready()
        answer = phone.register(story)
        assert answer.status_code == 201
        assert (answer.json["status"], answer.json["hospital"]["name"]) == ("pending", "华东第一示范医院")
        assert answer.json["number"].startswith("REG-")
        decide(work, "approve", stories.APPROVE)
        assert phone.get("/registrations/current").json["status"] == "pending"
        assert phone.get("/me").json["customer"]["profile"] is None
    with clock.frozen(start + timedelta(seconds=61)):
        assert phone.get("/registrations/current").json["status"] == "approved"
        profile = phone.get("/me").json["customer"]["profile"]
    assert (profile["name"], profile["department"]["name"]) == ("冯虚构", "消化内镜中心")


def test_asked_for_another_photo(phone, story, work):
    start = clock.now()
    with clock.frozen(start):
        phone.ready().register(story)
        decide(work, "ask_again", stories.RETRY)
        assert phone.get("/registrations/current").json["reason"] is None
    with clock.frozen(start + timedelta(minutes=2)):
        now = phone.get("/registrations/current").json
        assert (now["status"], now["reason"]) == ("needs_resubmission", "证件反光，请避开灯光重拍。")
        assert now["can_resubmit"] is True
        answer = phone.register(story, "/registrations/current/resubmission")
        assert answer.status_code == 200, answer.json
        assert (answer.json["round"], answer.json["status"]) == (2, "pending")


def test_the_same_photo_again_is_refused(phone, story, work):
    start, data = clock.now(), badge()
    with clock.frozen(start):
        phone.ready().register(story, badges=[(io.BytesIO(data), "a.jpg")])
        decide(work, "ask_again", stories.RETRY)
    with clock.frozen(start + timedelta(minutes=2)):
        path = "/registrations/current/resubmission"
        answer = phone.register(story, path, badges=[(io.BytesIO(data), "b.jpg")])
    assert (answer.status_code, answer.json["code"]) == (422, "photo_repeated")


def test_rejected_and_appealed(phone, story, work):
    start = clock.now()
    with clock.frozen(start):
        phone.ready().register(story)
        decide(work, "reject", stories.FINAL)
    with clock.frozen(start + timedelta(minutes=2)):
        assert phone.get("/registrations/current").json["can_appeal"] is True
        answer = phone.post("/registrations/current/appeal", {"text": "我是本院设备科工程师。\n请复核。"})
        assert (answer.status_code, answer.json["status"]) == (200, "appealed")
        assert phone.post("/registrations/current/appeal", {"text": "再次"}).status_code == 409


def test_withdrawn_and_registered_again(phone, story):
    phone.ready().register(story)
    answer = phone.post("/registrations/current/withdrawal")
    assert (answer.status_code, answer.json["status"]) == (200, "withdrawn")
    assert phone.post("/registrations/current/withdrawal").status_code == 409
    assert phone.register(story).status_code == 201


def test_nothing_is_there_before_the_first(phone):
    phone.sign_in()
    assert phone.get("/registrations/current").status_code == 404
    assert phone.post("/registrations/current/withdrawal").status_code == 404


# Consent and adulthood


@pytest.mark.parametrize(
    ("field", "code"), [("badge_consent", "badge_consent_required"), ("is_adult", "adult_required")]
)
@pytest.mark.parametrize("value", [None, "false"])
def test_c37_missing_badge_consent_and_a_minor(phone, story, work, field, code, value):
    answer = phone.ready().register(story, **{field: value})
    assert (answer.status_code, answer.json["code"], list(answer.json["errors"])) == (422, code, [field])
    with work():
        assert count(Registration) == count(StoredFile) == 0


def test_c51_the_badge_consent_is_a_row_of_its_own(phone, story, work):
    phone.ready().register(story)
    with work():
        rows = db.session.scalars(sa.select(ConsentEntry).order_by(ConsentEntry.at)).all()
        assert [(row.purpose, row.given, row.channel) for row in rows] == [
            ("service", True, "mini_program"),
            ("badge", True, "mini_program"),
        ]
        assert rows[0].wording_hash != rows[1].wording_hash


def test_without_the_policy_nothing_is_registered(phone, story):
    phone.sign_in()
    answer = phone.register(story)
    assert (answer.status_code, answer.json["code"]) == (403, "consent_required")
    assert answer.json["why"] == "never_given"


def test_c47_after_a_material_version_registering_waits_for_consent_and_reading_goes_on(phone, story, work):
    from app.consents import service as consents
    from app.core.policy import SYSTEM

    phone.ready().register(story)
    phone.post("/registrations/current/withdrawal")
    with work():
        today = clock.today()
        consents.publish_version(
            SYSTEM, "新版政策", updated_on=today, effective_on=today, material=True, change_note="新用途"
        )
    answer = phone.register(story, policy_version="2")
    assert (answer.status_code, answer.json["code"], answer.json["why"]) == (403, "consent_required", "new_version")
    assert phone.get("/registrations/current").status_code == 200
    assert phone.get("/me").json["consent_required"] == ["service", "badge"]
    phone.post("/consents", {"purpose": "service", "policy_version": 2, "given": True})
    assert phone.register(story, policy_version="1").json["code"] == "policy_outdated"
    assert phone.register(story, policy_version="2").status_code == 201


def test_withdrawing_the_consent_stops_the_next_registration(phone, story):
    phone.ready()
    assert phone.post("/consents/service/withdraw").json["given"] is False
    assert phone.register(story).json["why"] == "withdrawn"
    assert phone.post("/consents/unknown/withdraw").status_code == 404
    assert phone.post("/consents/marketing/withdraw").status_code == 404


# Places


def test_c06_an_unknown_hospital_goes_to_the_mapping_queue(phone, story, work):
    answer = phone.ready().register(
        story, hospital_id=None, department_id=None, hospital_name="示范新建医院", department_name="内镜室"
    )
    assert answer.status_code == 201
    assert answer.json["hospital"] == {"id": None, "name": "示范新建医院"}
    with work():
        assert sorted(db.session.scalars(sa.select(UnknownName.text))) == ["内镜室", "示范新建医院"]
        assert db.session.scalars(sa.select(Registration.hospital_id)).one() is None


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"hospital_id": None}, "hospital_id"),
        ({"department_id": None}, "department_id"),
        ({"hospital_name": "两者"}, "hospital_name"),
        ({"hospital_id": str(uuid4())}, "hospital_id"),
        ({"hospital_id": "1"}, "hospital_id"),
        ({"department_id": str(uuid4())}, "department_id"),
    ],
)
def test_places_that_cannot_be(phone, story, fields, named):
    answer = phone.ready().register(story, **fields)
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [named]


# Texts


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("kind", ODD)
def test_odd_text_is_kept_as_it_is(phone, story, work, field, kind):
    place = {field.replace("_name", "_id"): None} if field.endswith("_name") else {}
    if field == "hospital_name":
        place |= {"department_id": None, "department_name": "内镜室"}
    answer = phone.ready().register(story, **{**place, field: ODD[kind]})
    assert answer.status_code == 201
    shown = answer.json[field] if field in answer.json else answer.json[field.removesuffix("_name")]["name"]
    assert shown == ODD[kind]


@pytest.mark.parametrize("kind", REFUSED)
def test_unseen_characters_are_refused_in_every_field(phone, story, work, kind):
    phone.ready()
    for field in TEXTS:
        place = {field.replace("_name", "_id"): None} if field.endswith("_name") else {}
        answer = phone.register(story, **{**place, field: REFUSED[kind]})
        assert answer.status_code == 422, field
        assert list(answer.json["errors"]) == [field]
        assert REFUSED[kind].strip() not in answer.get_data(as_text=True) or not REFUSED[kind].strip()
    with work():
        assert count(Registration) == 0


def test_texts_are_normalised_and_limited(phone, story):
    phone.ready()
    assert phone.register(story, name="样" * 61).json["errors"]["name"]
    assert phone.register(story, name="  Ame\u0301lie ").json["name"] == "Amélie"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"name": None}, "name"),
        ({"gender": "other"}, "gender"),
        ({"policy_version": "0"}, "policy_version"),
        ({"policy_version": "99"}, "policy_version"),
        ({"policy_version": "1.5"}, "policy_version"),
        ({"is_admin": "true"}, "is_admin"),
        ({"status": "approved"}, "status"),
        ({"name": ["甲", "乙"]}, "name"),
    ],
)
def test_fields_that_are_wrong_are_named(phone, story, fields, named):
    answer = phone.ready().register(story, **fields)
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [named]


def test_c10_gender_is_voluntary_and_can_be_taken_back(phone, story):
    phone.ready().register(story)
    assert phone.get("/me").json["customer"]["gender"] == "undisclosed"
    assert phone.call("PATCH", "/me", json={"gender": "female"}).json["customer"]["gender"] == "female"
    assert phone.call("PATCH", "/me", json={"gender": "undisclosed"}).json["customer"]["gender"] == "undisclosed"
    for bad in ({}, {"gender": None}, {"gender": "x"}, {"gender": "male", "phone": NUMBER}):
        assert phone.call("PATCH", "/me", json=bad).status_code == 422


# Photos


def uploads(*parts: tuple[bytes, str]) -> list[tuple[io.BytesIO, str]]:
    return [(io.BytesIO(data), name) for data, name in parts]


def test_one_to_three_photos_of_three_formats(phone, story):
    phone.ready()
    assert phone.register(story, badges=None).status_code == 422
    assert phone.register(story, badges=uploads(*[(badge(), "x.jpg")] * 4)).status_code == 422
    three = uploads((badge(), "a.jpg"), (badge("PNG"), "b.png"), (badge("WEBP"), "c.webp"))
    assert phone.register(story, badges=three).status_code == 201


def test_a_bad_photo_is_named_and_nothing_is_kept(phone, story, work):
    phone.ready()
    cases = {
        "image_empty": b"",
        "image_damaged": badge()[:400],
        "image_type_unsupported": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "heic_not_supported": b"\0\0\0\x18ftypheic" + bytes(64),
    }
    for code, data in cases.items():
        answer = phone.register(story, badges=uploads((badge(), "good.jpg"), (data, "bad.jpg")))
        assert (answer.status_code, answer.json["code"]) == (422, code)
        assert list(answer.json["errors"]) == ["badges.1"]
    html = phone.register(story, badges=uploads((b"<html><script>1</script></html>", "x.jpg")))
    assert html.json["code"] == "image_type_unsupported"
    with work():
        assert count(StoredFile) == count(Registration) == 0


def test_eleven_mebibytes_are_refused_while_they_come_in(phone, story):
    answer = phone.ready().register(story, badges=uploads((bytes(11 * 1024 * 1024), "big.jpg")))
    assert (answer.status_code, answer.json["code"]) == (413, "image_too_large")


def test_a_photo_under_another_name_is_refused(phone, story):
    answer = phone.ready().register(story, avatar=uploads((badge(), "x.jpg")))
    assert list(answer.json["errors"]) == ["avatar"]


def test_the_stored_photo_has_no_metadata(phone, story, app):
    from app.core.files import vault

    out, exif = io.BytesIO(), Image.Exif()
    exif[0x8825] = {1: "N", 2: (31.0, 0.0, 0.0)}
    Image.new("RGB", (200, 100), "navy").save(out, "JPEG", exif=exif)
    assert phone.ready().register(story, badges=uploads((out.getvalue(), "gps.jpg"))).status_code == 201
    with app.app_context():
        row = db.session.scalars(sa.select(StoredFile).where(StoredFile.kind == "badge")).one()
        data = vault.open_sealed(row)
    assert not Image.open(io.BytesIO(data)).getexif()


# Races


def test_two_registrations_at_once_with_one_phone(app, contract, story, work):
    first = Phone(app, contract).ready()
    second = Phone(app, contract)
    second.token = first.token
    answers, gate = [], threading.Barrier(2)

    def go(one: Phone) -> None:
        gate.wait()
        answers.append(one.register(story))

    threads = [threading.Thread(target=go, args=(one,)) for one in (first, second)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert sorted(a.status_code for a in answers) == [201, 409]
    assert {a.json["code"] for a in answers if a.status_code == 409} == {"registration_open"}
    with work():
        assert count(Registration) == 1
        assert count(StoredFile) == 2  # the loser's photo and thumbnail are gone


def test_a_second_registration_waits_for_the_first(phone, story):
    phone.ready().register(story)
    answer = phone.register(story)
    assert (answer.status_code, answer.json["code"]) == (409, "registration_open")
