"""Photos and recordings for staff: no live task, no file; the event first; the recording gone when it was promised."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.files import StoredFile, audio, images
from app.core.web import Portal
from app.tickets import service
from app.tickets.models import FileKind, Ticket, TicketFile, TicketMessage
from app.tickets.service import Seen
from tests import sounds
from tests.api.phone import badge
from tests.features.tickets.pages import Office, Ref, office
from tests.features.tickets.people import MONDAY
from tests.features.tickets.test_triage_page import HTMX

DAY = timedelta(hours=24)


@pytest.fixture
def o(app: Portal) -> Iterator[Office]:
    with clock.frozen(MONDAY):
        yield office(app)


def sent(o: Office, **kw: object) -> Ref:
    return o.report(photos=[images.intake(io.BytesIO(badge()), "a.jpg") for _n in range(2)], **kw)


def spoken(o: Office, sound: bytes | None = None, **kw: object) -> Ref:
    return o.report(voice=audio.intake(io.BytesIO(sound or sounds.m4a(4))), **kw)


def in_hand(o: Office, ref: Ref, who: str = "triager") -> Ref:
    with o.work():
        service.claim(o.people[who], ref.id, Seen(1))
    return ref


def address(o: Office, ref: Ref, kind: FileKind = FileKind.PHOTO) -> str:
    with o.work():
        query = sa.select(TicketFile.id).where(TicketFile.ticket_id == ref.id, TicketFile.kind == kind.value)
        found = db.session.scalars(query.order_by(TicketFile.place)).first()
    return f"{ref.url}/{'photos' if kind is FileKind.PHOTO else 'recordings'}/{found}"


def opened(o: Office, event: str) -> list[tuple[str, str]]:
    with o.work():
        rows = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.event == event).order_by(AuditEvent.id))
        return [(row.reason_code or "", row.result or "") for row in rows]


def test_no_live_task_no_photo_and_no_event(o: Office) -> None:
    ref = sent(o)
    url = address(o, ref)
    for who, status in (("triager", 403), ("reader", 403), ("shanghai", 404)):
        assert o.client(who).get(url).status_code == status, who
    assert opened(o, "ticket.photo_opened") == []
    page = o.get(ref.url)
    assert "照片 2 张" in page
    assert "接手后可看" in page
    assert "/photos/" not in page
    in_hand(o, ref, "colleague")
    assert o.client("triager").get(url).status_code == 403
    assert "/photos/" not in o.get(f"{ref.url}/triage")


def test_whoever_has_it_in_hands_sees_it_with_his_name_and_the_event_is_there_before_the_bytes(o: Office) -> None:
    ref = in_hand(o, sent(o))
    url = address(o, ref)
    answer = o.client().get(url, buffered=False)
    assert opened(o, "ticket.photo_opened") == [("triage", "ok")]  # committed, and nothing was read yet
    data = answer.get_data()
    assert (answer.status_code, answer.mimetype, data[:3]) == (200, "image/jpeg", b"\xff\xd8\xff")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert data != o.client("lead").get(url).get_data()  # another name across it
    assert o.client().get(f"{url}?thumb").status_code == 200
    assert opened(o, "ticket.photo_opened")[1:] == [("lead", "ok"), ("triage", "thumbnail")]
    page = o.get(f"{ref.url}/triage")
    assert page.count("/photos/") == 2
    assert "没有照片" not in page
    assert o.get(ref.url).count("?thumb") == 2
    assert o.get(f"{ref.url}/files").count("/photos/") == 2


def test_an_idle_half_hour_ends_the_task_and_so_does_the_end_of_the_ticket(o: Office) -> None:
    ref = in_hand(o, sent(o))
    url = address(o, ref)
    with clock.frozen(MONDAY + timedelta(minutes=30)):
        assert o.client().get(url).status_code == 403  # no job has run
    o.complete(ref)
    with o.work():
        service.finish(o.people["triager"], ref.id, Seen(2))
    assert o.client().get(url).status_code == 200  # the customer is still his to talk to
    assert o.client("colleague").get(url).status_code == 403
    with o.work():
        db.session.execute(sa.update(Ticket).values(status="closed"))
    for who in ("triager", "lead"):
        assert o.client(who).get(url).status_code == 403
    assert "不再打开" in o.get(f"{ref.url}/files")
    assert [why for why, _size in opened(o, "ticket.photo_opened")] == ["talk"]


def test_a_file_of_another_ticket_a_foreign_page_and_an_erased_photo(o: Office) -> None:
    ref, other = in_hand(o, sent(o)), in_hand(o, sent(o, fault="图像偏红"))
    url = address(o, ref)
    assert o.client().get(url.replace(ref.number, other.number)).status_code == 404
    assert o.client().get(url.replace("photos", "recordings")).status_code == 404
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "document"}):
        assert o.client().get(url, headers=headers).status_code == 403
    with o.work():
        db.session.execute(sa.update(StoredFile).values(erase_at=MONDAY))
    assert o.client().get(url).status_code == 410
    assert "/photos/" not in o.get(f"{ref.url}/triage")
    assert "已按期删除" in o.get(f"{ref.url}/files")


def test_the_recording_plays_for_its_triager_and_is_kept_where_no_browser_plays_it(o: Office) -> None:
    ref = in_hand(o, spoken(o))
    url = address(o, ref, FileKind.VOICE)
    answer = o.client().get(url, headers={"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "audio"})
    assert (answer.status_code, answer.mimetype) == (200, "audio/mp4")
    assert answer.headers["Content-Disposition"] == f'inline; filename="{ref.number}.mp4"'
    assert "<audio" in o.get(f"{ref.url}/triage")
    assert o.client("colleague").get(url).status_code == 403
    amr = in_hand(o, spoken(o, sounds.amr(3), fault="听录音"))
    page = o.get(f"{amr.url}/triage")
    assert "<audio" not in page
    assert "录音 3 秒" in page
    kept = o.client().get(address(o, amr, FileKind.VOICE) + "?keep")
    assert kept.headers["Content-Disposition"].startswith("attachment")
    assert opened(o, "ticket.recording_opened") == [("triage", "ok"), ("triage", "kept")]


def test_what_is_heard_is_typed_on_the_triage_screen_and_the_recording_goes_24_hours_later(o: Office) -> None:
    ref = in_hand(o, spoken(o))
    url = address(o, ref, FileKind.VOICE)
    note = f"{ref.url}/triage/note"
    assert o.post(note, {"harm": "no"}, headers=HTMX).status_code == 200  # without the field nothing is written down
    assert "写下文字后再留 24 小时" in o.get(f"{ref.url}/triage")
    assert o.post(note, {"harm": "no", "voice_text": "送水不畅 <b>"}, headers=HTMX).status_code == 200
    page = o.get(f"{ref.url}/triage")
    assert "送水不畅 &lt;b&gt;" in page
    assert "11-24 09:00 删除" in page
    assert o.post(note, {"voice_text": ""}, headers=HTMX).status_code == 422
    assert o.post(note, {"voice_text": "长" * 1001}, headers=HTMX).status_code == 422
    with clock.frozen(MONDAY + timedelta(minutes=20)):
        o.post(note, {"voice_text": "送水不畅，更正"}, headers=HTMX)
    with o.work():
        assert db.session.scalars(sa.select(StoredFile.erase_at)).one() == MONDAY + DAY
    o.complete(ref)
    with o.work():
        service.finish(o.people["triager"], ref.id, Seen(2))
    o.clients.clear()  # the next day one signs in again
    with clock.frozen(MONDAY + DAY - timedelta(seconds=1)):
        assert o.client().get(url).status_code == 200
    with clock.frozen(MONDAY + DAY):
        assert o.client().get(url).status_code == 410  # no job has run
        assert "已按期删除" in o.get(f"{ref.url}/files")
        assert "送水不畅，更正" in o.get(f"{ref.url}/files")


def test_text_of_a_recording_that_there_is_not_is_refused(o: Office) -> None:
    ref = in_hand(o, o.report())
    assert o.post(f"{ref.url}/triage/note", {"voice_text": "说了什么"}, headers=HTMX).status_code == 422
    assert o.read(ref).voice_sealed is None
    assert 'name="voice_text"' not in o.get(f"{ref.url}/triage")


def test_photos_of_an_answer_stand_with_the_message_and_in_triage(o: Office) -> None:
    ref = in_hand(o, o.report())
    with o.work():
        service.ask(o.people["triager"], ref.id, Seen(2), ["photo_of_plate"], "请补拍")
    with o.work():
        photo = images.intake(io.BytesIO(badge()), "a.jpg")
        service.answer_own(o.customer, ref.number, "补拍在此", [photo])
        assert db.session.scalar(sa.select(sa.func.count()).select_from(TicketMessage)) == 2
    page = o.get(f"{ref.url}/triage")
    assert page.count("/photos/") == 1
    assert "补拍在此" in page
    assert "照片 1 张" in o.get(ref.url)
    assert "随消息" in o.get(f"{ref.url}/files")


def test_files_cost_the_pages_one_statement_however_many_there_are(o: Office) -> None:
    few, many = in_hand(o, o.report()), in_hand(o, sent(o, fault="有照片"))
    for page in ("", "/triage", "/files"):
        o.get(few.url + page)
        with o.statements() as without:
            o.get(few.url + page)
        with o.statements() as those:
            o.get(many.url + page)
        assert len(those) == len(without), page
