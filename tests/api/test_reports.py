"""A fault report through the mini program, every bad input that the issue names, and the talk that follows."""

from __future__ import annotations

import io
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from app.consents.models import ConsentEntry
from app.core import clock
from app.core.db import db
from app.core.errors import Gone
from app.core.files import StoredFile, upkeep
from app.core.policy import Actor
from app.customers.models import Customer, CustomerProfile
from app.dispatch.models import Engineer
from app.staff.roles import Role
from app.tickets import service
from app.tickets.models import Device, Ticket, TicketContact, TicketEvent, TicketFile, TicketMessage
from app.tickets.service import Seen
from tests import sounds
from tests.api.phone import Phone, badge
from tests.factories import staff as accounts
from tests.features.grants import world
from tests.features.tickets.people import MONDAY, staff

OTHER = "+8613800000002"
NOT_ME = {"contact_is_me": "false", "contact_name": "严示范", "contact_phone": "13900000009"}


@pytest.fixture(autouse=True)
def monday():
    with clock.frozen(MONDAY):
        yield


@pytest.fixture
def at(work):
    with work():
        return world.place()


def approved(phone: Phone, work: Any, at: world.Place, number: str = "+8613800000001") -> Phone:
    phone.ready(number)
    with work():
        row = db.session.scalars(sa.select(Customer).where(Customer.phone.matches(number))).one()
        world.approve(row, at, "内镜中心", since=clock.now() - timedelta(days=60))
    return phone


@pytest.fixture
def who(work, at, phone):
    return approved(phone, work, at)


def report(who: Phone, at: world.Place, *, key: str | None = None, **kw: Any) -> Any:
    fields: dict[str, Any] = {
        "contact_is_me": "true", "hospital_id": str(at.id), "department_id": str(at.wards["内镜中心"]),
        "device_model": "GIF-H290", "serial_number": "2 345 678", "fault_description": "插入部漏水", **kw,
    }  # fmt: skip
    data = {name: value for name, value in fields.items() if value is not None}
    headers = {"Idempotency-Key": key} if key else None
    return who.post("/tickets", data=data, content_type="multipart/form-data", headers=headers)


def photos(n: int) -> list[Any]:
    return [(io.BytesIO(badge()), f"{i}.jpg") for i in range(n)]


def voice(data: bytes, name: str = "v.amr") -> Any:
    return (io.BytesIO(data), name)


def refused(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.get_data(as_text=True)


def count(model: type) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def test_dispatch_3_9_a_report_arrives_whole_photos_transcript_hospital_serial_and_safety_answer(who, at, work):
    answer = report(
        who, at, photos=photos(2), voice=voice(sounds.amr(3)), voice_text="弯曲部不动", patient_harm="possible"
    )
    assert answer.status_code == 201, answer.get_data(as_text=True)
    number = answer.json["number"]
    with work():
        row = db.session.scalars(sa.select(Ticket)).one()
        assert (row.number, row.serial_number, row.harm, row.voice_text) == (
            number, "2345678", "possible", "弯曲部不动",
        )  # fmt: skip
        assert row.device_department_id == at.wards["内镜中心"]
        assert [(f.kind, f.place) for f in db.session.scalars(sa.select(TicketFile).order_by(TicketFile.kind))] == [
            ("photo", 1), ("photo", 2), ("voice", 1),
        ]  # fmt: skip
        contact = db.session.scalars(sa.select(TicketContact)).one()
        assert (contact.is_reporter, contact.phone, contact.subject_id) == (True, "+8613800000001", row.subject_id)
    assert who.get(f"/tickets/{number}").json["fault"] == "插入部漏水"
    assert who.get("/tickets?q=弯曲").json["items"] == []  # rechecked against the report's words


def test_c13_a_contact_who_is_not_the_caller_needs_the_attestation(who, at, work):
    answer = report(who, at, **NOT_ME)
    refused(answer, 422, "contact_consent_required")
    assert list(answer.json["errors"]) == ["contact_consent"]
    refused(report(who, at, **NOT_ME, contact_consent="0"), 422, "contact_consent_required")
    with work():
        assert count(Ticket) == count(TicketContact) == 0
    wording = who.get("/tickets/contact-wording").json
    assert report(who, at, **NOT_ME, contact_consent=wording["version"]).status_code == 201
    with work():
        contact = db.session.scalars(sa.select(TicketContact)).one()
        assert (contact.wording, contact.is_reporter, contact.phone) == ("1", False, "+8613900000009")
        entry = db.session.scalars(sa.select(ConsentEntry).where(ConsentEntry.purpose == "contact_third_party")).one()
        assert entry.subject_id == contact.subject_id
        assert contact.subject_id != db.session.scalars(sa.select(Ticket.subject_id)).one()


def test_c14_a_third_party_contact_is_found_by_phone_and_erased_apart_from_the_reporter(who, at, work):
    from app.core.keys import keystore

    report(who, at, **NOT_ME, contact_consent="1")
    with work():
        found = db.session.scalars(sa.select(TicketContact).where(TicketContact.phone.matches("13900000009"))).one()
        subject = found.subject_id
        keystore.destroy([subject])
    with work():
        contact, row = db.session.scalars(sa.select(TicketContact)).one(), db.session.scalars(sa.select(Ticket)).one()
        with pytest.raises(Gone):
            assert contact.phone
        assert row.fault == "插入部漏水"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"fault_description": None}, "fault_description"), ({"fault_description": " "}, "fault_description"),
        ({"fault_description": "长" * 1001}, "fault_description"), ({"hospital_id": "x"}, "hospital_id"),
        ({"hospital_id": "00000000-0000-7000-8000-000000000000"}, "hospital_id"),
        ({"department_id": "00000000-0000-7000-8000-000000000000"}, "department_id"),
        ({"patient_harm": "maybe"}, "patient_harm"), ({"contact_is_me": None}, "contact_is_me"),
        ({"serial_number": "1" * 41}, "serial_number"), ({"fault_description": "漏\u202e水"}, "fault_description"),
        ({"contact_phone": "12"}, "contact_phone"), ({"status": "closed"}, "status"),
    ],
)  # fmt: skip
def test_wrong_fields_are_named(who, at, work, change, field):
    answer = report(who, at, **change)
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [field]
    with work():
        assert count(Ticket) == 0


def test_ten_photos(who, at, work):
    answer = report(who, at, photos=photos(10))
    refused(answer, 422, "invalid")
    assert list(answer.json["errors"]) == ["photos"]
    assert report(who, at, photos=photos(9)).status_code == 201


@pytest.mark.parametrize(
    ("files", "status", "code"),
    [
        ({"photos": [b""]}, 422, "image_empty"), ({"photos": [b"GIF89a"]}, 422, "image_type_unsupported"),
        ({"photos": [b"\xff\xd8\xff" + bytes(11 * 1024 * 1024)]}, 413, "image_too_large"),
        ({"voice": [b""]}, 422, "voice_empty"), ({"voice": [b"MZ" + bytes(99)]}, 422, "voice_type_unsupported"),
        ({"voice": [sounds.amr(181)]}, 422, "voice_too_long"), ({"voice": [sounds.wav(360)]}, 413, "voice_too_large"),
        ({"photos": [sounds.amr(1)]}, 422, "image_type_unsupported"),
        ({"photos": [b"\0\0\0\x18ftypheic" + bytes(200)]}, 422, "heic_not_supported"),
        ({"voice": [sounds.amr(1), sounds.amr(1)]}, 422, "invalid"), ({"badges": [b"x"]}, 422, "invalid"),
    ],
    ids=["empty photo", "gif", "11 MiB", "empty voice", "renamed audio", "long", "large", "sound as photo", "heic", "two",
         "another part"],
)  # fmt: skip
def test_files_that_are_refused_leave_nothing(who, at, work, files, status, code):
    parts = {name: [(io.BytesIO(data), f"f.{name}") for data in found] for name, found in files.items()}
    refused(report(who, at, **parts), status, code)
    with work():
        assert count(Ticket) == count(StoredFile) == 0


def test_a_sound_is_what_its_bytes_say_whatever_its_name(who, at, work):
    report(who, at, voice=voice(sounds.amr(2), "photo.jpg"))
    with work():
        assert db.session.scalars(sa.select(StoredFile.media_type)).one() == "audio/amr"


def device(at_id: Any, serial: str, **kw: Any) -> None:
    db.session.add(Device(serial_number=serial, model="GIF-H290", hospital_id=at_id, created_at=clock.now(), **kw))


def test_a_serial_of_another_hospital_is_a_warning_with_candidates_of_ones_own(who, at, work):
    with work():
        device(world.place("西山示范医院", "11").id, "2345678")
        device(at.id, "2345687")
        device(at.id, "9100000")
    answer = report(who, at)
    assert (answer.status_code, answer.json["serial_matched"]) == (201, False)
    assert answer.json["candidates"] == [{"serial_number": "2345687", "model": "GIF-H290"}]
    with work():
        row = db.session.scalars(sa.select(Ticket)).one()
        assert (row.serial_number, row.device_id) == ("2345678", None)  # as reported; triage settles it
    right = report(who, at, serial_number="2345687")
    assert (right.json["serial_matched"], right.json["candidates"]) == (True, [])
    unknown = report(who, at, serial_number=None, fault_description="别处")
    assert (unknown.json["serial_matched"], len(unknown.json["candidates"])) == (None, 2)  # of the model named


def test_a_udi_as_it_is_printed_names_the_device(who, at, work):
    with work():
        device(at.id, "2345678", udi="04953170309236")
    for udi in ("(01)04953170309236(21)2345678", "0495 3170 3092 36"):
        answer = report(who, at, serial_number=udi, fault_description=f"漏水 {udi}")
        assert (answer.status_code, answer.json["serial_matched"]) == (201, True), udi
    with work():
        assert set(db.session.scalars(sa.select(Ticket.serial_number))) == {"2345678"}


def test_html_and_formulas_in_the_fault_text_are_text(who, at):
    for odd in ("<script>alert(1)</script>", '=HYPERLINK("http://demo.invalid")', "'; DROP TABLE ticket; --"):
        number = report(who, at, fault_description=odd).json["number"]
        assert who.get(f"/tickets/{number}").json["fault"] == odd


def test_the_same_report_twice_with_the_same_key_and_with_another(who, at, work):
    first = report(who, at, key="k1")
    again = report(who, at, key="k1")
    assert (first.status_code, again.status_code, again.json) == (201, 201, first.json)
    assert again.headers["Idempotency-Replayed"] == "true"
    other = report(who, at, key="k2")
    refused(other, 409, "report_repeated")
    assert other.json["number"] == first.json["number"]
    refused(report(who, at, key="k1", fault_description="别的故障"), 409, "idempotency_mismatch")
    with work():
        assert count(Ticket) == 1
    with clock.frozen(MONDAY + timedelta(minutes=11)):
        assert report(who, at, key="k3").status_code == 201


def test_without_approval_or_consent_nothing_is_reported_and_own_tickets_stay_readable(who, at, work, app, contract):
    stranger = Phone(app, contract).ready(OTHER)
    refused(report(stranger, at), 403, "registration_not_approved")
    number = report(who, at).json["number"]
    who.post("/consents/service/withdraw")
    for answer in (report(who, at, fault_description="另一处"), who.post(f"/tickets/{number}/cancel")):
        refused(answer, 403, "consent_required")
    assert who.get(f"/tickets/{number}").status_code == 200
    assert who.get(f"/tickets/{number}/messages").status_code == 200


def test_a_suspended_registration_reports_nothing(who, at, work):
    number = report(who, at).json["number"]
    with work():
        db.session.execute(sa.update(CustomerProfile).values(suspended_at=clock.now()))
    refused(report(who, at, fault_description="另一处"), 403, "registration_not_approved")
    refused(send(who, f"/tickets/{number}/messages", text="在吗"), 403, "registration_not_approved")
    assert who.get(f"/tickets/{number}").status_code == 200


def test_photos_are_written_anew_and_lie_sealed(who, at, work):
    data = badge()
    report(who, at, photos=[(io.BytesIO(data), "a.jpg")])
    with work():
        from app.core.files import store

        rows = db.session.scalars(sa.select(StoredFile)).all()
        assert sorted(r.kind for r in rows) == ["ticket_photo", "ticket_photo_thumb"]
        assert len({r.key_id for r in rows}) == 2
        for row in rows:
            assert b"JFIF" not in store().get(row.object_key)


def test_the_recording_goes_24_hours_after_its_text_is_saved(who, at, work):
    number = report(who, at, voice=voice(sounds.amr(2))).json["number"]
    file_id = who.get(f"/tickets/{number}/messages").json["files"][0]["id"]
    triager = staff(Role.TRIAGER)
    with clock.frozen(MONDAY + timedelta(days=3)):
        assert who.get(f"/tickets/{number}/files/{file_id}").data == sounds.amr(2)
        with work():
            row = service.claim(triager, service.find(triager, number), Seen(1))
            service.note_down(triager, row.id, {"voice_text": "送水不畅"})
    with clock.frozen(MONDAY + timedelta(days=3, hours=23, minutes=59)):
        assert who.get(f"/tickets/{number}/files/{file_id}").status_code == 200
        with work():  # a correction does not keep it longer
            row = service.claim(triager, service.find(triager, number), Seen(3))
            service.note_down(triager, row.id, {"voice_text": "送水不畅，更正"})
    with clock.frozen(MONDAY + timedelta(days=4)):
        refused(who.get(f"/tickets/{number}/files/{file_id}"), 410, "gone")  # no job has run
        assert who.get(f"/tickets/{number}/messages").json["files"][0]["gone"] is True
        with work():
            assert db.session.scalars(sa.select(StoredFile.erased_at)).one() is None
    with clock.frozen(MONDAY + timedelta(days=4)), who.app.app_context():
        upkeep.erase()
        assert db.session.scalars(sa.select(StoredFile.purged_at)).one() is not None


def test_files_open_for_their_reporter_alone(who, at, work, app, contract):
    number = report(who, at, photos=photos(1)).json["number"]
    file_id = who.get(f"/tickets/{number}/messages").json["files"][0]["id"]
    answer = who.get(f"/tickets/{number}/files/{file_id}")
    assert (answer.status_code, answer.mimetype, answer.data[:3]) == (200, "image/jpeg", b"\xff\xd8\xff")
    assert answer.headers["Cache-Control"] == "no-store"
    other = approved(Phone(app, contract), work, at, OTHER)
    with work():
        person = db.session.scalars(sa.select(Customer).where(Customer.phone.matches(OTHER))).one()
        world.granted(at, Actor("customer", id=person.id), "内镜中心")
    assert other.get(f"/tickets/{number}").status_code == 200  # the department's scope opens the ticket
    for path in (f"/tickets/{number}/files/{file_id}", f"/tickets/{number}/messages"):
        assert other.get(path).status_code == 404, path
    for verb in ("messages", "answers"):
        sent = other.post(f"/tickets/{number}/{verb}", data={"text": "x"}, content_type="multipart/form-data")
        assert sent.status_code == 404
    for verb in ("confirm", "cancel"):
        assert other.post(f"/tickets/{number}/{verb}").status_code == 404
    mine = report(other, at, fault_description="另一处").json["number"]
    assert other.get(f"/tickets/{mine}/files/{file_id}").status_code == 404  # a file of another ticket


def test_a_crash_between_store_and_commit_leaves_no_file(who, at, work, monkeypatch):
    from app.core.files import store
    from app.tickets.service import record

    kept: list[str] = []
    objects = None

    def fall(_actor: Any, _row: Any) -> None:
        kept.extend(db.session.scalars(sa.select(StoredFile.object_key)))
        raise RuntimeError("power went")

    monkeypatch.setattr(record, "harm", SimpleNamespace(heard=fall))
    who.app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr(who.app, "testing", False)
    answer = who._http.post(
        "/api/v1/tickets", headers={"Authorization": f"Bearer {who.token}"}, content_type="multipart/form-data",
        data={"contact_is_me": "true", "hospital_id": str(at.id), "department_id": str(at.wards["内镜中心"]),
              "fault_description": "漏水", "photos": photos(1)},
    )  # fmt: skip
    who.app.config.pop("PROPAGATE_EXCEPTIONS")
    assert answer.status_code == 500
    with work():
        assert count(Ticket) == count(StoredFile) == 0
        objects = store()
        assert len(kept) == 2
        assert not any(objects.exists(key) for key in kept)


# The talk


def asked(work: Any, number: str) -> None:
    triager = staff(Role.TRIAGER)
    with work():
        row = service.claim(triager, service.find(triager, number), Seen(1))
        service.ask(triager, row.id, Seen(row.version), ["photo_of_fault", "serial_number"], "请补充照片和序列号")


def send(who: Phone, path: str, **kw: Any) -> Any:
    return who.post(path, data=kw, content_type="multipart/form-data")


def test_a_missing_information_round(who, at, work):
    number = report(who, at, serial_number=None).json["number"]
    refused(send(who, f"/tickets/{number}/answers", text="没有人问"), 409, "transition_refused")
    asked(work, number)
    talk = who.get(f"/tickets/{number}/messages").json
    assert [q["code"] for q in talk["open_questions"]] == ["photo_of_fault", "serial_number"]
    assert talk["items"][0]["text"] == "请补充照片和序列号"
    refused(send(who, f"/tickets/{number}/answers"), 422, "answer_required")
    answer = send(who, f"/tickets/{number}/answers", text="序列号 2345678", photos=photos(1))
    assert (answer.status_code, answer.json["status"]) == (200, "triaging")
    talk = who.get(f"/tickets/{number}/messages").json
    assert talk["open_questions"] == []
    assert talk["items"][1]["answers"] == talk["items"][0]["id"]
    assert (talk["items"][1]["mine"], len(talk["items"][1]["files"])) == (True, 1)


def test_notes_of_ours_are_never_in_the_conversation(who, at, work):
    number = report(who, at).json["number"]
    with work():
        row = db.session.scalars(sa.select(Ticket)).one()
        db.session.add(
            TicketMessage(
                ticket_id=row.id, subject_id=row.subject_id, direction="internal", text="疑似误用", questions=[],
                by_kind="staff", at=clock.now(),
            )
        )  # fmt: skip
    assert who.get(f"/tickets/{number}/messages").json["items"] == []


def test_messages_with_words_photos_both_or_neither(who, at):
    number = report(who, at).json["number"]
    path = f"/tickets/{number}/messages"
    assert send(who, path, text="请尽快").status_code == 201
    assert send(who, path, photos=photos(1)).status_code == 201
    refused(send(who, path), 422, "invalid")
    refused(send(who, path, text="长" * 501), 422, "invalid")
    refused(send(who, path, photos=photos(10)), 422, "invalid")
    assert len(who.get(path).json["items"]) == 2


def test_a_customer_answering_a_closed_ticket(who, at, work):
    number = report(who, at).json["number"]
    assert who.post(f"/tickets/{number}/cancel").json == {"number": number, "status": "cancelled"}
    for verb in ("messages", "answers"):
        answer = send(who, f"/tickets/{number}/{verb}", text="还在吗")
        refused(answer, 409, "ticket_ended")
        assert answer.json["ticket_status"] == "cancelled"
    for verb, body in (("confirm", None), ("object", {"text": "没修好"}), ("cancel", None)):
        refused(who.post(f"/tickets/{number}/{verb}", body), 409, "ticket_ended")
    with work():
        assert count(TicketMessage) == 0
        assert [e.action for e in db.session.scalars(sa.select(TicketEvent).order_by(TicketEvent.version))] == [
            "submit_ticket", "cancel_ticket",
        ]  # fmt: skip


def test_confirming_and_objecting(who, at, work):
    one, two = report(who, at).json["number"], report(who, at, fault_description="图像偏红").json["number"]
    refused(who.post(f"/tickets/{one}/confirm"), 409, "transition_refused")
    with work():
        db.session.execute(
            sa.update(Ticket).values(status="resolved", assignee_name="工程甲", assignee_kind="engineer")
        )
    assert who.get(f"/tickets/{one}").json["engineer"] == {"name": "工程甲", "work_phone": None}
    with work():
        account = accounts.account("engineer", name="工程甲")
        db.session.add(Engineer(staff_id=account.id, created_at=clock.now(), work_number="021-5550"))
        db.session.execute(sa.update(Ticket).values(assignee_id=account.id))
    assert who.get(f"/tickets/{one}").json["engineer"] == {"name": "工程甲", "work_phone": "021-5550"}
    assert who.post(f"/tickets/{one}/confirm").json["status"] == "closed"
    refused(who.post(f"/tickets/{two}/object", {"text": " "}), 422, "invalid")
    assert who.post(f"/tickets/{two}/object", {"text": "仍然偏红"}).json["status"] == "scheduled"
