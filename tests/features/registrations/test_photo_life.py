"""Who opened a photo and why, what keeps one longer, and the proof of its end (review.md 2: 9, 10; 3: 1)."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image, ImageChops

from app.core import clock
from app.core.audit import AuditEvent, signing
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Gone, Invalid, NotFound, TransitionRefused
from app.core.files import StoredFile, images, vault, watermark
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.registrations import service, viewing
from app.registrations.images import proof as proofs
from app.registrations.images import queries
from app.registrations.images import service as holds
from app.registrations.models import Registration, SubmissionImage
from tests.factories import staff
from tests.features.registrations import story as stories
from tests.features.registrations.story import APPROVE, FINAL, MONDAY, take
from tests.features.registrations.test_erasure import Asked, run_worker, step

DAY = timedelta(days=1)
REASON = "样例案号二〇二六之一"


class Decided:
    """A case that was opened and approved on Monday by a reviewer; its photo goes 30 days later."""

    def __init__(self, app: Portal, *, verdict: str = "approve") -> None:
        self.app = app
        self.reviewer = staff.member(app, "reviewer", name="沈若拟")
        self.lead = staff.member(app, ("reviewer", None, True), name="组长甲")
        self.other = staff.member(app, "privacy_officer", name="专员乙")
        run_worker(app, MONDAY)
        with step(app):
            told = stories.begin()
            row = told.case()
            self.id, self.number, self.applicant = row.id, row.number, told.people[0]
            self.token = take(self.reviewer, row)
        with step(app, write=False):
            self.image_id = db.session.scalars(sa.select(SubmissionImage.id)).one()
        with clock.frozen(MONDAY):
            self.first = self.open(self.reviewer)
        with step(app):
            verb = service.approve if verdict == "approve" else service.reject
            verb(self.reviewer, self.id, self.token, APPROVE if verdict == "approve" else FINAL)

    def open(self, actor: Any, tail: str = "") -> Any:
        client = staff.client_of(self.app, actor.id)
        return client.get(f"/registrations/{self.number}/images/{self.image_id}{tail}")

    def page(self, actor: Any, path: str) -> Any:
        return staff.client_of(self.app, actor.id).get(f"/registrations/{self.number}/{path}".rstrip("/"))

    def stored(self) -> StoredFile:
        return db.session.get_one(SubmissionImage, self.image_id).main


@pytest.fixture
def case(app: Portal) -> Iterator[Decided]:
    yield Decided(app)


def test_9_an_opened_image_is_an_event_with_its_reason_written_before_the_bytes_are_sent(app, case, monkeypatch):
    assert case.first.status_code == 200
    with step(app, write=False):
        event = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.event == "badge.opened")).one()
        assert (event.object_id, event.reason_code, event.actor_name) == (str(case.id), "review", "沈若拟")
    with step(app):
        told = stories.reload(case.id)
        second = stories.Story(told.hospital_id, told.department_id).case()
        case.number = second.number
        take(case.reviewer, second)
        case.image_id = db.session.scalars(
            sa.select(SubmissionImage.id).where(SubmissionImage.registration_id == second.id)
        ).one()
    with step(app):
        drop = {"sqlite": "DROP TABLE audit_note", "postgresql": "DROP TABLE audit_note"}
        db.session.execute(sa.text(drop[db.engine.dialect.name]))
    with clock.frozen(MONDAY):
        answer = case.open(case.reviewer)
    assert answer.status_code == 503
    assert not answer.get_data().startswith(b"\xff\xd8")


def test_the_list_of_openings_says_who_when_and_why_to_those_who_may_see_it(app, case):
    auditor = staff.member(app, "auditor")
    with clock.frozen(MONDAY):
        for actor, status in ((case.lead, 200), (case.other, 200), (auditor, 200), (case.reviewer, 403)):
            answer = case.page(actor, "views")
            assert answer.status_code == status, actor.roles
        text = case.page(auditor, "views").get_data(as_text=True)
        assert "沈若拟" in text and "审核" in text
        assert "冯虚构" not in text  # the applicant
        elsewhere = staff.member(app, ("reviewer", ["11"], True))
        assert case.page(elsewhere, "views").status_code == 404
        page = case.page(case.lead, "").get_data(as_text=True)
        assert f"/registrations/{case.number}/views" in page
        assert f"/registrations/{case.number}/views" not in case.page(case.reviewer, "").get_data(as_text=True)


def test_the_list_of_openings_is_paged_and_bears_nonsense(app, case):
    with step(app):
        from app.core import audit

        for number in range(120):
            audit.record(
                "badge.opened", case.lead, "registration", case.id, reason_code=("second", "appeal")[number % 2]
            )
    with step(app, write=False):
        row, seen, before = stories.reload(case.id), [], ""
        for size in (50, 50, 21):
            page = queries.openings(case.lead, row, before)
            assert len(page.rows) == size
            seen += [opening.why for opening in page.rows]
            before = page.older or ""
        assert (before, seen[-1], len(seen)) == ("", "review", 121)
        for nonsense in ("x", "2026-11-", "2026-11-999999999999999999999", "9999999-1", "----------5", "²²²²-²²-1"):
            assert len(queries.openings(case.lead, row, nonsense).rows) <= 50
    assert case.page(case.lead, "views?before=%01'").status_code == 200
    assert case.page(case.lead, "views?before=%00").status_code == 422  # as in every address (core/incoming.py)


def test_the_page_of_openings_costs_the_same_whatever_was_opened(app, case):
    from app.core import audit

    asked: list[str] = []
    with app.app_context():
        engine = db.engine
    note = lambda _c, _cur, statement, *_rest: asked.append(statement)

    def cost() -> list[str]:
        client = staff.client_of(app, case.lead.id)
        client.get("/registrations/team")  # what the first page of a session costs
        asked.clear()
        sa.event.listen(engine, "before_cursor_execute", note)
        try:
            with clock.frozen(MONDAY):
                assert client.get(f"/registrations/{case.number}/views").status_code == 200
        finally:
            sa.event.remove(engine, "before_cursor_execute", note)
        return [s for s in asked if s.split()[0] not in ("BEGIN", "PRAGMA", "SET", "ROLLBACK")]

    few = cost()
    with step(app):
        for number in range(60):
            audit.record(
                "badge.opened", case.lead, "registration", case.id, reason_code=("second", "appeal")[number % 2]
            )
    many = cost()
    assert len(many) == len(few) <= 12, many


def test_the_reason_follows_the_task_and_a_registered_source_may_add_one(app, case, monkeypatch):
    with step(app, write=False):
        row = stories.reload(case.id)
        assert viewing.why_open(case.lead, row, MONDAY) is None
        with pytest.raises(Forbidden):
            from app.registrations.queries import case as cases

            cases.image_file(case.lead, case.number, case.image_id, thumb=False)
    monkeypatch.setitem(
        viewing.sources._entries, "sample", lambda a, r, _n: viewing.Why.COMPARISON if a.id == case.lead.id else None
    )
    with clock.frozen(MONDAY):
        assert case.open(case.lead).status_code == 200
        assert case.open(case.lead, "?thumb").status_code == 200
    with step(app, write=False):
        rows = queries.openings(case.lead, stories.reload(case.id)).rows
        assert [(r.why, r.thumbnail) for r in rows] == [("comparison", True), ("comparison", False), ("review", False)]


def test_no_browser_keeps_an_image_and_every_size_carries_its_viewer(app, case):
    headers = case.first.headers
    assert headers["Cache-Control"] == "no-store"
    assert "ETag" not in headers and "Last-Modified" not in headers
    with step(app, write=False):
        clear = vault.open_sealed(case.stored())
    shown = Image.open(io.BytesIO(case.first.get_data())).convert("L")
    assert _touched(shown, Image.open(io.BytesIO(clear)).convert("L")) > 0.05


@pytest.mark.pure
@pytest.mark.parametrize("ground", [(240, 242, 246), (12, 14, 22), (160, 140, 130)])
@pytest.mark.parametrize("size", [(60, 40), (240, 150), (320, 200), (900, 1600), (2200, 1400)])
def test_the_mark_shows_on_any_ground_and_size(size, ground):
    picture = Image.new("RGB", size, ground)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=92)
    marked = Image.open(io.BytesIO(watermark.mark(out.getvalue(), watermark.words("欧阳样例", "a1b2c3d4", MONDAY))))
    assert marked.size == size
    assert _touched(marked.convert("L"), picture.convert("L")) > 0.03
    corners = ((0, 0), (0.5, 0), (0, 0.5), (0.5, 0.5)) if size[0] > 100 else ()
    for corner in corners:  # a quarter cut out still says who
        left, top = int(size[0] * corner[0]), int(size[1] * corner[1])
        box = (left, top, left + size[0] // 2, top + size[1] // 2)
        assert _touched(marked.convert("L").crop(box), picture.convert("L").crop(box)) > 0.02


def _touched(one: Image.Image, other: Image.Image) -> float:
    """Share of pixels that differ by more than what JPEG does."""
    counts = ImageChops.difference(one, other).histogram()
    return sum(counts[18:]) / sum(counts)


def test_a_server_without_a_chinese_font_says_so(app, client, monkeypatch):
    assert client.get("/readyz").get_data(as_text=True) == "ready\n"
    monkeypatch.setattr(watermark, "cjk_font", lambda: None)
    assert "staff codes" in client.get("/readyz").get_data(as_text=True)
    assert watermark.words("沈若拟", "a1b2c3d4", MONDAY).startswith("a1b2c3d4")


def test_10_a_badge_is_erased_on_schedule_and_the_case_keeps_decision_and_checks(app, case):
    with clock.frozen(MONDAY + 31 * DAY):  # no job ran
        lead = staff.member(app, ("reviewer", None, True))
        viewing.sources.add("sample", lambda *_a: viewing.Why.READING)
        try:
            assert case.open(lead).status_code == 410
        finally:
            viewing.sources._entries.pop("sample")
        text = case.page(lead, "proof").get_data(as_text=True)
        assert "证件上已见" in text and "通过注册" in text and "密钥正在销毁" in text


def test_a_legal_hold_needs_a_second_person_and_an_end_date(app, case):
    until = (MONDAY + 60 * DAY).date()
    with step(app):
        for bad, field in (((REASON, None), "until"), ((REASON, MONDAY.date()), "until"), (("  ", until), "reason"),
                           (("长" * 301, until), "reason"), ((REASON, (MONDAY + 400 * DAY).date()), "until")):  # fmt: skip
            with pytest.raises(Invalid) as refusal:
                holds.propose(case.lead, case.number, *bad)
            assert field in refusal.value.fields
        with pytest.raises(Forbidden):
            holds.propose(case.reviewer, case.number, REASON, until)
        holds.propose(case.lead, case.number, REASON, until)
        with pytest.raises(Conflict):
            holds.propose(case.other, case.number, REASON, until)
        with pytest.raises(Forbidden):
            holds.approve(case.lead, case.number)
        assert case.stored().held_until is None
    with step(app):
        holds.approve(case.other, case.number)
        with pytest.raises(TransitionRefused):
            holds.approve(case.other, case.number)  # twice
    run_worker(app, MONDAY + 35 * DAY)
    with step(app, MONDAY + 35 * DAY, write=False):
        assert vault.open_sealed(case.stored())
        told = [e.event for e in db.session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id))]
        assert told.index("badge_hold.proposed") < told.index("badge_hold.approved")
    with clock.frozen(MONDAY + 35 * DAY):
        for path in ("views", "proof", ""):
            assert "保留到" in case.page(case.lead, path).get_data(as_text=True)


def test_a_legal_hold_ends_by_itself_at_read_time_and_then_for_good(app, case):
    with step(app):
        holds.propose(case.lead, case.number, REASON, (MONDAY + 60 * DAY).date())
        holds.approve(case.other, case.number)
    after = MONDAY + 62 * DAY
    with step(app, after, write=False), pytest.raises(Gone):  # no job ran since
        vault.open_sealed(case.stored())
    with clock.frozen(after):
        assert "已结束" in case.page(case.lead, "views").get_data(as_text=True)
    run_worker(app, after)
    with step(app, after, write=False):
        assert case.stored().purged_at is not None
        assert queries.holds(stories.reload(case.id))[0].status == "ended"
        assert queries.photos(stories.reload(case.id))[0].destroyed_at is not None


def test_ending_a_hold_early_lets_overdue_photos_go(app, case):
    with step(app):
        holds.propose(case.lead, case.number, REASON, (MONDAY + 60 * DAY).date())
        holds.approve(case.other, case.number)
    late = MONDAY + 35 * DAY
    with step(app, late):
        holds.end(case.lead, case.number)
    with step(app, late, write=False), pytest.raises(Gone):
        vault.open_sealed(case.stored())
    with step(app, late), pytest.raises(NotFound):
        holds.end(case.lead, case.number)
    with step(app, late), pytest.raises(TransitionRefused):
        holds.propose(case.lead, case.number, REASON, (late + 5 * DAY).date())  # nothing left to keep


def test_withdrawing_under_a_hold_waits_for_its_end(app):
    run_worker(app, MONDAY)
    with step(app):
        told = stories.begin()
        row = told.case()
        number, lead, other = row.number, stories.reviewer(lead=True), stories.reviewer(lead=True)
        rights = {**lead.rights, stories.P.REGISTRATIONS_LEGAL_HOLD: None}
        from dataclasses import replace

        lead, other = replace(lead, rights=rights), replace(other, rights=rights)
        holds.propose(lead, number, REASON, (MONDAY + 9 * DAY).date())
        holds.approve(other, number)
        service.withdraw(told.people[0])
    with step(app, MONDAY + DAY, write=False):
        kept = db.session.scalars(sa.select(StoredFile)).all()
        assert all(stored.erased_at is None and not stored.gone(clock.now()) for stored in kept)
    run_worker(app, MONDAY + 11 * DAY)
    with step(app, MONDAY + 11 * DAY, write=False):
        assert all(s.purged_at is not None for s in db.session.scalars(sa.select(StoredFile)))


def test_an_open_appeal_keeps_the_photo_past_its_time(app):
    case = Decided(app, verdict="reject")
    with step(app, MONDAY + 29 * DAY):
        service.appeal(case.applicant, "请再看一次。")
    run_worker(app, MONDAY + 45 * DAY)
    with step(app, MONDAY + 45 * DAY, write=False):
        assert vault.open_sealed(case.stored())
    with clock.frozen(MONDAY + 45 * DAY):
        assert "申诉答复之前照片保留" in case.page(case.reviewer, "proof").get_data(as_text=True)


def test_the_proof_says_what_was_checked_by_whom_and_when_the_key_was_destroyed(app, case, tmp_path):
    with clock.frozen(MONDAY + DAY):
        before = case.page(case.other, "proof").get_data(as_text=True)
    assert "照片将于" in before and "照片尚未销毁" in before
    run_worker(app, MONDAY + 31 * DAY)
    with clock.frozen(MONDAY + 31 * DAY):
        after = case.page(case.other, "proof").get_data(as_text=True)
        file = case.page(case.other, "proof.json")
    for words in ("照片已销毁", "沈若拟", "证件上已见", "通过注册", "政策 1 版"):
        assert words in after, words
    said, key = signing.check(file.get_data(as_text=True))
    with step(app, write=False):
        upload = db.session.get_one(SubmissionImage, case.image_id).upload_sha256.hex()
        assert key == signing.fingerprint(signing.public_key())
    assert said["photos"][0]["sha256"] == upload and upload in after
    assert said["photos"][0]["destroyed"].startswith("2026-12-24")
    assert [c["verdict"] for c in said["checked"]] == ["seen"] * 5


def test_the_proof_holds_nothing_about_the_person_and_does_not_change(app, case):
    run_worker(app, MONDAY + 31 * DAY)
    with step(app, MONDAY + 31 * DAY, write=False):
        one, two = (proofs.proof(case.other, case.number).signed for _ in range(2))
        assert one == two
        row = db.session.get_one(Registration, case.id)
        for private in ("冯虚构", row.hospital_text, row.department_text, "护士长", str(row.customer_id), "+86138"):
            assert private not in one.said
    with clock.frozen(MONDAY + 31 * DAY):
        page = case.page(case.other, "proof").get_data(as_text=True)
        for private in ("冯虚构", "华东第一示范医院", "消化内镜中心", "主管护师"):
            assert private not in page


def test_a_changed_proof_is_found_out_by_the_command(app, case, tmp_path: Path):
    with clock.frozen(MONDAY + DAY):
        text = case.page(case.lead, "proof.json").get_data(as_text=True)
    file, run = tmp_path / "proof.json", app.test_cli_runner()
    file.write_text(text)
    assert "this portal" in run.invoke(args=["audit", "check-statement", str(file)]).output
    file.write_text(text.replace("claimed_only", "seen").replace('\\"v\\":1', '\\"v\\":2'))
    changed = run.invoke(args=["audit", "check-statement", str(file)])
    assert changed.exit_code == 1 and "was changed" in changed.output
    for nonsense in ("", "[]", "{}", '{"said":"{}","signature":"","public_key":""}', json.dumps({"said": 1})):
        file.write_text(nonsense)
        assert run.invoke(args=["audit", "check-statement", str(file)]).exit_code == 1


def test_the_hold_is_worked_by_plain_forms_and_a_refusal_keeps_the_words(app, case):
    with clock.frozen(MONDAY):
        client = staff.client_of(app, case.lead.id)
        url = f"/registrations/{case.number}/legal-hold"
        token = staff.csrf(client)
        bad = client.post(url, data={"csrf_token": token, "until": "2020-01-01", "reason": REASON})
        assert bad.status_code == 422 and REASON in bad.get_data(as_text=True)
        good = client.post(url, data={"csrf_token": token, "until": "2026-12-24", "reason": REASON})
        assert good.status_code == 303
        own = client.post(f"{url}/approve", data={"csrf_token": token})
        assert own.status_code == 403 and "不能自己批准" in own.get_data(as_text=True)
        second = staff.client_of(app, case.other.id)
        done = second.post(f"{url}/approve", data={"csrf_token": staff.csrf(second)})
        assert done.status_code == 303
        assert re.search(r"专员乙 于 .* 答复", client.get(f"/registrations/{case.number}/views").get_data(as_text=True))


def test_originals_thumbnails_and_what_was_made_from_them_die_together(app):
    case = Asked(app)
    run_worker(app, MONDAY + 31 * DAY)
    with step(app, MONDAY + 31 * DAY, write=False):
        image = db.session.get_one(SubmissionImage, case.first)
        for stored in (image.main, image.thumbnail):
            assert (stored.purged_at is not None, stored.sha256) == (True, None)
            with pytest.raises(Gone):
                vault.open_sealed(stored)
    with app.app_context(), clock.frozen(MONDAY + 31 * DAY), unit_of_work(write=False):
        life = queries.photos(db.session.get_one(Registration, case.id))
        assert [photo.destroyed_at is not None for photo in life] == [True, False]
    assert images.MEDIA_TYPE == "image/jpeg"


def test_auditors_find_a_case_by_its_number_in_the_palette_and_nobody_else_gains_by_it(app, case):
    from app.ui import palette

    auditor, admin = staff.member(app, "auditor"), staff.member(app, "admin")
    with app.test_request_context(), clock.frozen(MONDAY), unit_of_work(write=False):
        for actor, expected in ((auditor, True), (admin, False)):
            found = [entry.url for _label, entries in palette.search(actor, case.number[:12]) for entry in entries]
            assert (f"/registrations/{case.number}/views" in found) is expected
