"""Hints on the case: what recognition says beside each claim, for whoever has the task, and whatever happens to it."""

from __future__ import annotations

import re
import threading
import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock, jobs
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.errors import Gone
from app.core.files import vault
from app.core.jobs import Job, JobState
from app.registrations import service
from app.registrations.hints import recogniser, work
from app.registrations.hints import service as hints
from app.registrations.hints.models import PhotoFingerprint, PhotoReading
from app.registrations.models import FieldCheck, Registration, Submission, SubmissionImage
from tests.features.registrations import reading
from tests.features.registrations.reading import CARD, recognising, run, run_all
from tests.features.registrations.story import MONDAY, RETRY, photo, reviewer, seen, take

MINUTE = timedelta(minutes=1)


@pytest.fixture
def stub(portal, tmp_path):
    portal.config["WTF_CSRF_ENABLED"] = False
    with recognising(portal, tmp_path / "reader") as found:
        yield found


class Bench:
    """One case of 冯虚构, a reviewer who holds it, and the page."""

    def __init__(self, portal, step, story, me=None, **claim):
        self.portal, self.step, self.me = portal, step, me or reviewer("沈若拟")
        portal.extensions["acting"] = self.me
        self.client = portal.test_client()
        with step():
            row = story.case(**claim)
            self.id, self.number, self.url = row.id, row.number, f"/registrations/{row.number}"
            self.images = list(
                db.session.scalars(sa.select(SubmissionImage.id).where(SubmissionImage.registration_id == row.id))
            )

    def hold(self):
        with self.step():
            claimed = service.claim_next(self.me)
            assert claimed is not None
            return seen(*claimed)

    def page(self, at=MONDAY):
        with clock.frozen(at):
            answer = self.client.get(self.url)
        assert answer.status_code == 200
        return answer.get_data(as_text=True)

    def words(self, at=MONDAY):
        """The hint beside each claim, in page order."""
        found = re.findall(r'<span class="read read--\w+"[^>]*>\s*<svg.*?</svg><span>(.*?)</span>', self.page(at), re.S)
        return [re.sub(r"<.*?>", "", text) for text in found]

    def crop(self, field="name", at=MONDAY, image=None):
        with clock.frozen(at):
            return self.client.get(f"{self.url}/images/{image or self.images[0]}/crop/{field}")

    def count(self, *where):
        with self.portal.app_context():
            return db.session.scalar(sa.select(sa.func.count()).where(*where))


def test_feature_20_match_near_not_found_per_field_never_an_automatic_reject(portal, step, story, stub):
    """OCR assist beside the claimed fields: match / near / not found per field, never an automatic reject."""
    rows = (*CARD[:1], ("姓名", "冯虚枸"), ("科室", "消化内镜中心"), ("职称", "副主任护师"), ("工号", "YB1"))
    stub.stands(reading.card(rows))
    bench = Bench(portal, step, story)
    run_all(portal)
    bench.hold()
    assert bench.words() == ["相近：冯虚枸", "一致", "一致", "未找到", "证件无此栏"]
    with portal.app_context():
        row = db.session.get_one(Registration, bench.id)
        assert (row.status, row.version, row.decided_at) == ("pending", 1, None)
        assert db.session.scalar(sa.select(sa.func.count()).select_from(FieldCheck)) == 0
        sent = db.session.scalars(sa.select(Submission).where(Submission.registration_id == bench.id)).one()
        assert sent.name == "冯虚构"  # what was typed stays as it was typed
    page = bench.page()
    assert not re.search(r'name="check_\w+"[^>]*checked', page)  # no verdict is filled in
    with step():
        assert service.approve(
            bench.me, bench.id, _again(bench), service.Entered(dict.fromkeys(service.FIELDS, "seen"))
        )


def _again(bench):
    row = db.session.get_one(Registration, bench.id)
    from app.registrations.task import token_of

    return seen(row, token_of(row))


@pytest.mark.parametrize("words", ["die", "hang", "deaf", "refuse", "rubbish"])
def test_feature_20_down_or_timed_out_the_page_works_and_fields_say_so(portal, step, story, tmp_path, words):
    """OCR down or timed out → page still works, fields show 未识别; the next photo is read by a new process."""
    portal.config["WTF_CSRF_ENABLED"] = False
    never_answers = words in ("hang", "deaf")
    with recognising(portal, tmp_path / "reader", limit=0.5 if never_answers else 60) as stub:
        stub.say(f"{words} answer")
        bench = Bench(portal, step, story)
        run_all(portal)
        expected = {"die": "crashed", "refuse": "refused", "rubbish": "crashed"}.get(words, "timeout")
        with portal.app_context():
            assert db.session.scalars(sa.select(PhotoReading.outcome)).all() == [expected]
            assert db.session.scalar(sa.select(sa.func.count()).where(Job.state == JobState.DEAD)) == 0
        bench.hold()
        assert bench.words() == ["未识别"] * 5
        assert bench.crop().status_code == 404
        portal.extensions[work.READER].limit = 60
        again = Bench(portal, step, story, bench.me)
        run_all(portal)
        again.hold()
        assert again.words()[0] == "一致"
        assert stub.started == (1 if words == "refuse" else 2)


def test_feature_20_absent_nothing_is_queued_and_fields_say_so(portal, step, story):
    portal.config["WTF_CSRF_ENABLED"] = False
    bench = Bench(portal, step, story)
    assert bench.count(Job.kind == hints.READ) == 0
    assert bench.count(Job.kind == hints.FINGERPRINT) == 1
    run(portal, lane="")
    bench.hold()
    assert bench.words() == ["未识别"] * 5
    assert 'id="reuse"' not in bench.page()


def test_only_the_recogniser_takes_its_jobs(portal, step, story, stub):
    Bench(portal, step, story)
    run(portal, lane="")
    assert stub.started == 0
    assert run(portal) == 1
    assert stub.started == 1


def test_a_recogniser_killed_with_a_photo_in_hand_leaves_it_to_the_next(portal, step, story, stub):
    bench = Bench(portal, step, story)
    with step():
        claimed = jobs.queue.claim(MONDAY, recogniser.LANE)  # taken, and never heard of again
        assert claimed is not None
        assert claimed.kind == hints.READ
    assert run(portal) == 0
    assert run(portal, MONDAY + 6 * MINUTE) == 1
    assert bench.count(PhotoReading.outcome == "read") == 1


def test_two_jobs_for_one_photo_read_it_once(portal, step, story, stub):
    bench = Bench(portal, step, story)
    payload = {"image": str(bench.images[0])}
    with portal.app_context():
        work.read(payload)
        work.read(payload)
    assert bench.count(PhotoReading.id.is_not(None)) == 1
    with step():
        kept = hints.keep_reading(bench.images[0], reading.lines(), engine="stub 1", millis=1)
    assert kept is False
    assert bench.count(PhotoReading.id.is_not(None)) == 1


def test_two_readings_at_the_same_moment_keep_one(portal, step, story, stub):
    bench = Bench(portal, step, story)
    barrier, kept = threading.Barrier(2), []

    def keep():
        barrier.wait()
        with step():
            kept.append(hints.keep_reading(bench.images[0], reading.lines(), engine="stub 1", millis=1))

    both = [threading.Thread(target=keep) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted(kept) == [False, True]
    assert bench.count(PhotoReading.id.is_not(None)) == 1


def test_a_photo_sent_again_while_the_first_is_read_shows_the_hints_of_the_new_one(portal, step, story, stub):
    bench = Bench(portal, step, story)
    with step():
        row = db.session.get_one(Registration, bench.id)
        service.ask_again(bench.me, bench.id, take(bench.me, row), RETRY)
    later = MONDAY + 2 * MINUTE
    with step(later):
        service.resubmit(story.people[0], story.claim(name="冯拟名"))
    with step(later):  # the first photo's reading comes in only now
        assert hints.keep_reading(bench.images[0], reading.lines(), engine="stub 1", millis=1)
    with step(later):
        assert service.claim_next(bench.me) is not None
    assert bench.words(later) == ["未识别"] * 5
    run_all(portal, later)
    assert bench.words(later)[:2] == ["未找到", "一致"]  # against what this round claims


def test_an_image_erased_meanwhile_drops_the_result(portal, step, story, stub):
    bench = Bench(portal, step, story)
    with step():
        service.withdraw(story.people[0])
    with step():
        assert not hints.keep_reading(bench.images[0], reading.lines(), engine="stub 1", millis=1)
        hints.note_failure(bench.images[0], "timeout")
    run_all(portal)
    assert bench.count(PhotoReading.id.is_not(None)) == 0
    assert stub.started == 0


def test_what_was_read_dies_with_the_image(portal, step, story, stub):
    bench = Bench(portal, step, story)
    run_all(portal)
    with portal.app_context():
        kept = db.session.scalars(sa.select(PhotoReading)).one()
        blob, row_id = bytes(kept.found_sealed), kept.id
        assert "冯虚构".encode() not in blob
        assert hints.Found.from_json(vault.open_beside(kept.image.main, hints.PLACE, row_id, blob)).number == "yb000777"
    with step():
        service.withdraw(story.people[0])
    with step():
        kept = db.session.scalars(sa.select(PhotoReading)).one()
        assert bytes(kept.found_sealed) == blob  # the words are still there, and nothing opens them
        with pytest.raises(Gone):
            vault.open_beside(kept.image.main, hints.PLACE, row_id, blob)
        db.session.get_one(SubmissionImage, bench.images[0]).main.erased_at = None  # as in a backup restored
        with pytest.raises(Gone):
            vault.open_beside(kept.image.main, hints.PLACE, row_id, blob)


def test_the_crop_is_drawn_upright_audited_and_guarded_as_the_photo(portal, step, story, stub):
    import io

    from PIL import Image

    stub.stands(reading.card(turn=1))
    bench = Bench(portal, step, story)
    run_all(portal)
    assert bench.crop().status_code == 403  # claim first
    assert bench.count(AuditEvent.event == "badge.opened") == 0
    bench.hold()
    answer = bench.crop()
    assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
    assert "no-store" in answer.headers["Cache-Control"]
    wide, high = Image.open(io.BytesIO(answer.data)).size
    assert wide > high  # a line that stands on the photo lies here
    assert bench.count(AuditEvent.event == "badge.opened", AuditEvent.result == "crop") == 1
    assert bench.crop(image=uuid.uuid4()).status_code == 404
    with clock.frozen(MONDAY):
        navigated = bench.client.get(
            f"{bench.url}/images/{bench.images[0]}/crop/name", headers={"Sec-Fetch-Dest": "document"}
        )
    assert navigated.status_code == 403
    bench.portal.extensions["acting"] = reviewer("别省", provinces=frozenset({"44"}))
    assert bench.crop().status_code == 404
    bench.portal.extensions["acting"] = bench.me
    with step():
        service.withdraw(story.people[0])
    assert bench.crop().status_code in (403, 410)


def test_hints_are_for_whoever_has_the_task_alone(portal, step, story, stub):
    bench = Bench(portal, step, story)
    run_all(portal)
    assert bench.words() == []
    bench.hold()
    assert bench.words() == ["一致"] * 5
    portal.extensions["acting"] = reviewer("组长", lead=True)
    assert bench.words() == []


def test_what_was_sent_while_nobody_read_is_caught_up(portal, step, story, tmp_path):
    bench = Bench(portal, step, story)
    closed = Bench(portal, step, story)
    with step():
        service.withdraw(story.people[1])
    with recognising(portal, tmp_path / "reader"):
        with step():
            assert work.catch_up() == 1
        run_all(portal)
    assert bench.count(PhotoReading.image_id == bench.images[0]) == 1
    assert bench.count(PhotoReading.image_id == closed.images[0]) == 0


def test_of_several_photos_each_is_read_and_the_strongest_hint_counts(portal, step, story, stub):
    bench = Bench(portal, step, story, photos=[photo(), photo()])
    with step():
        first, second = sorted(bench.images)
        hints.keep_reading(first, reading.lines(CARD[:3]), engine="stub 1", millis=1)
        hints.keep_reading(second, reading.lines((("姓名", "冯虚构"), ("职务", "护士长"))), engine="stub 1", millis=1)
    bench.hold()
    assert bench.words() == ["一致", "一致", "一致", "证件无此栏", "一致"]
    claim = re.search(r'data-field="position".*?data-read="([^"]*)"', bench.page(), re.S)
    assert claim is not None
    assert claim[1] == str(second)


def test_the_page_costs_one_statement_more_with_hints(portal, step, story, stub):
    """The case's statement says that there are readings and no pairs; one more for the readings, none per field."""
    bench = Bench(portal, step, story)
    run_all(portal)
    bench.hold()
    bench.page()
    seen_now = []
    with portal.app_context():
        engine = db.engine
    note = lambda _c, _cur, statement, *_r: seen_now.append(statement)
    sa.event.listen(engine, "before_cursor_execute", note)
    bench.page()
    sa.event.remove(engine, "before_cursor_execute", note)
    assert sum("photo_reading" in text for text in seen_now) == 2
    assert sum("photo_match" in text for text in seen_now) == 1
    assert sum("photo_verdict" in text or "photo_fingerprint" in text for text in seen_now) == 0


def test_a_second_recogniser_is_refused_and_a_missing_one_says_what_to_install(portal, monkeypatch):
    runner = portal.test_cli_runner()
    monkeypatch.setattr(recogniser, "missing", lambda: "text recognition is not installed (cv2): pip install …")
    assert "pip install" in runner.invoke(args=["recognise", "--once"]).output
    monkeypatch.setattr(recogniser, "missing", lambda: None)
    with recogniser.only_one(portal.extensions["settings"].instance) as alone:
        assert alone
        assert "another recogniser" in runner.invoke(args=["recognise", "--once"]).output


def test_the_reader_is_given_no_key_and_no_setting(portal, monkeypatch):
    monkeypatch.setenv("PORTAL_KEK", "secret")
    told = {}
    monkeypatch.setattr(
        recogniser.subprocess, "Popen", lambda *_a, **kw: told.update(kw) or (_ for _ in ()).throw(OSError)
    )
    with pytest.raises((OSError, recogniser.ReaderFailed)):
        recogniser.Reader().read(b"")
    assert not [name for name in told["env"] if name.startswith("PORTAL_")]


def test_fingerprints_hold_no_words(portal, step, story, stub):
    bench = Bench(portal, step, story)
    run_all(portal)
    with portal.app_context():
        row = db.session.scalars(sa.select(PhotoFingerprint)).one()
        assert (len(row.perceptual), len(row.name_index), len(row.number_index)) == (32, 32, 32)
        assert row.image_id == bench.images[0]
