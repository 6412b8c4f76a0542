"""Reused photos: the same picture from another account is pointed out, side by side, to those allowed to see it."""

from __future__ import annotations

import io
import random
import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from PIL import Image, ImageDraw, ImageEnhance

from app.cli.demo import badges
from app.core import clock
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.files import StoredFile, images, vault
from app.customers.models import Customer
from app.registrations import service
from app.registrations.hints import fingerprint, work
from app.registrations.hints import service as hints
from app.registrations.hints.models import PhotoFingerprint, PhotoMatch, PhotoVerdict
from app.registrations.models import Registration, SubmissionImage
from tests.features.registrations import reading
from tests.features.registrations.reading import recognising, run, run_all
from tests.features.registrations.story import MONDAY, reviewer
from tests.features.registrations.test_hints_case import Bench

NAMES = ("冯虚构", "陈示例", "沈拟名")
MINUTE = timedelta(minutes=1)


def drawn(name: str = NAMES[0], seed: int = 1) -> bytes:
    card = badges.Badge("东海示范人民医院", name, "消化内镜中心", "主管护师", "护士长", f"YB-{seed:06}")
    return badges.draw(card, random.Random(seed), "plain")


def changed(how: str, data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as source:
        picture = source.convert("RGB")
    if how == "resized":
        picture = picture.resize((picture.width // 2, picture.height // 2))
    elif how == "watermarked":
        ImageDraw.Draw(picture).text((200, 500), "FOR REGISTRATION ONLY", fill="#8a8f96", font_size=70)
    elif how == "turned":
        picture = picture.rotate(90, expand=True)
    elif how == "upside_down":
        picture = picture.rotate(180)
    elif how == "mirrored":
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    elif how == "cropped":
        w, h = picture.size
        picture = picture.crop((w * 3 // 100, h * 3 // 100, w * 97 // 100, h * 97 // 100))
    elif how == "tilted":
        picture = picture.rotate(2, resample=Image.Resampling.BICUBIC, fillcolor="#22262c")
    elif how == "brighter":
        picture = ImageEnhance.Brightness(picture).enhance(1.2)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=45)
    return out.getvalue()


def taken(data: bytes) -> images.CleanImage:
    return images.intake(io.BytesIO(data), "badge.jpg")


@pytest.fixture
def pair(portal, step, story):
    """Two accounts, one picture; a reviewer who holds the second case. No OpenCV, no recogniser."""
    portal.config["WTF_CSRF_ENABLED"] = False
    return lambda how="recompressed", **kw: Two(portal, step, story, how, **kw)


class Two:
    def __init__(self, portal, step, story, how="recompressed", me=None):
        self.portal, self.step, self.story = portal, step, story
        data = drawn()
        self.first = Bench(portal, step, story, photos=[taken(data)])
        self.bench = Bench(portal, step, story, me or reviewer("沈若拟"), photos=[taken(changed(how, data))])
        run_all(portal)
        self.me = self.bench.me

    def hold(self):
        """The second case: the first is left to a colleague."""
        with self.step():
            other = reviewer("同事")
            assert service.claim_next(other) is not None
            row, _token = service.claim_next(self.me)
            assert row.number == self.bench.number

    def match(self):
        with self.portal.app_context():
            return db.session.scalars(sa.select(PhotoMatch)).one_or_none()

    def url(self, tail=""):
        return f"{self.bench.url}/comparisons/{self.match().id}{tail}"

    def get(self, tail="", **kw):
        with clock.frozen(MONDAY):
            return self.bench.client.get(self.url(tail), **kw)

    def judge(self, verdict, **kw):
        with clock.frozen(MONDAY):
            return self.bench.client.post(self.url(), data={"verdict": verdict}, **kw)


@pytest.mark.parametrize(
    "how",
    ["recompressed", "resized", "watermarked", "turned", "upside_down", "mirrored", "brighter", "cropped", "tilted"],
)
def test_feature_21_the_same_picture_from_another_account_is_flagged_with_a_link(pair, how):
    """The same picture (recompressed, resized, watermarked, turned by 90°) from another account is flagged with a link
    to that registration for those allowed to see it."""
    two = pair(how)
    two.hold()
    page = two.bench.page()
    assert two.first.number in page
    assert f'href="{two.url()}"' in page
    assert two.match().distance <= hints.NEAR_BITS


def test_feature_21_not_for_those_who_may_not_see_the_other_registration(pair, portal, step, story):
    two = pair(me=reviewer("外省", provinces=frozenset({"31"})))
    with step():  # the other case moves out of this reviewer's provinces
        db.session.execute(
            sa.text("UPDATE registration SET province = '44' WHERE number = :n"), {"n": two.first.number}
        )
    with step():
        assert service.claim_next(two.me) is not None
    assert two.first.number not in two.bench.page()
    assert [two.get().status_code, two.get("/image").status_code, two.judge("different").status_code] == [404] * 3


def test_no_task_no_comparison(pair):
    two = pair()
    assert [two.get().status_code, two.get("/image").status_code, two.judge("different").status_code] == [403] * 3
    assert two.bench.count(AuditEvent.event == "badge.opened") == 0
    assert 'id="reuse"' not in two.bench.page()


def test_another_persons_card_and_the_same_persons_next_photo_are_not_flagged(portal, step, story):
    data = drawn()
    with step():
        person = story.applicant()
        service.submit(person, story.claim(photos=[taken(data)]))
        service.withdraw(person)
        service.submit(person, story.claim(photos=[taken(changed("resized", data))]))
        service.submit(story.applicant(), story.claim(photos=[taken(drawn(NAMES[1], 22))]))
    run_all(portal)
    with portal.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(PhotoFingerprint)) == 2  # one went before
        assert db.session.scalars(sa.select(PhotoMatch)).all() == []


def test_opening_the_other_photo_is_an_audited_view_with_the_reason_comparison(pair):
    two = pair()
    two.hold()
    page = two.get()
    assert page.status_code == 200
    assert two.bench.count(AuditEvent.event == "badge.opened") == 0  # the page alone opens nothing
    answer = two.get("/image")
    assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
    assert "no-store" in answer.headers["Cache-Control"]
    with two.portal.app_context():
        event = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.event == "badge.opened")).one()
        assert (event.reason_code, event.object_id) == ("comparison", str(two.first.id))
    assert two.get("/image", headers={"Sec-Fetch-Dest": "document"}).status_code == 403


def test_the_verdict_is_stored_with_what_was_measured_and_decides_nothing(pair):
    two = pair()
    two.hold()
    assert two.judge("same_photo").status_code == 303
    assert two.judge("different", headers={"HX-Request": "true"}).status_code == 200
    refused = two.judge("perhaps")
    assert refused.status_code == 422
    with two.portal.app_context():
        said = db.session.scalars(sa.select(PhotoVerdict).order_by(PhotoVerdict.id)).all()
        assert [(row.verdict, row.threshold, row.by_id) for row in said] == [
            ("same_photo", 90, two.me.id), ("different", 90, two.me.id),
        ]  # fmt: skip
        assert said[0].distance == two.match().distance
    assert two.bench.count(AuditEvent.event == "photo.compared") == 2
    page = two.bench.page()
    assert "不是同一张证件" in page  # the latest one shows
    with two.portal.app_context():
        cases = db.session.scalars(sa.select(Registration)).all()
        assert [(row.status, row.version) for row in cases] == [("pending", 1)] * 2


def test_an_erased_photo_is_said_to_be_gone_and_answers_410(pair):
    two = pair()
    two.hold()
    with two.step():
        main = sa.select(SubmissionImage.main_id).where(SubmissionImage.registration_id == two.first.id)
        vault.erase(db.session.scalars(sa.select(StoredFile).where(StoredFile.id.in_(main))).one())
    assert "照片已按期删除" in two.get().get_data(as_text=True)
    assert two.get("/image").status_code == 410


@pytest.mark.parametrize(("share", "shown"), [(0.80, False), (0.90, True), (None, True)])
def test_an_alignment_below_the_threshold_takes_the_hint_back(portal, step, story, tmp_path, share, shown):
    """Same template, another person: near by hash, not alike when laid over each other. Where that cannot be told, the
    hash alone counts. The threshold is a number on /settings."""
    portal.config["WTF_CSRF_ENABLED"] = False
    with recognising(portal, tmp_path / "reader") as stub:
        stub.stands([])
        stub.shares(share)
        two = Two(portal, step, story)
        assert two.match().alike == share
        two.hold()
        assert ('id="reuse"' in two.bench.page()) is shown


@pytest.mark.parametrize(("bits", "shown"), [(hints.ALONE_BITS, True), (hints.ALONE_BITS + 1, False)])
def test_without_the_alignment_only_all_but_the_same_picture_is_shown(pair, bits, shown):
    """One hospital's straight scans come within 31 bits of each other; without OpenCV nobody lays them over."""
    two = pair()
    with two.step():
        db.session.execute(sa.update(PhotoMatch).values(distance=bits))
    two.hold()
    assert (two.first.number in two.bench.page()) is shown


@pytest.mark.parametrize("what", ["same_name", "same_number"])
def test_the_same_name_or_number_within_the_hospital_is_shown_though_the_pictures_differ(pair, what):
    two = pair()
    with two.step():
        db.session.execute(sa.update(PhotoMatch).values(distance=80, alike=0.3, **{what: True}))
    two.hold()
    page = two.bench.page()
    assert two.first.number in page
    assert "照片不同" in page
    assert {"same_name": "同院同名", "same_number": "工号相同"}[what] in page


def test_three_lines_on_the_case_and_the_others_on_a_page_of_their_own(portal, step, story):
    portal.config["WTF_CSRF_ENABLED"] = False
    data = drawn()
    earlier = [Bench(portal, step, story, photos=[taken(data)]) for _ in range(5)]
    last = Bench(portal, step, story, photos=[taken(changed("resized", data))])
    run(portal, lane="")
    with clock.frozen(MONDAY):
        assert last.client.get(f"{last.url}/comparisons").status_code == 403  # claim first
    for n in range(len(earlier)):
        with step():
            assert service.claim_next(reviewer(f"同事{n}")) is not None
    last.hold()
    page = last.page()
    assert sum(case.number in page for case in earlier) == 3
    assert "另有 2 件" in page
    with clock.frozen(MONDAY):
        answer = last.client.get(f"{last.url}/comparisons")
    assert answer.status_code == 200
    assert all(case.number in answer.get_data(as_text=True) for case in earlier)
    assert last.count(AuditEvent.event == "badge.opened") == 0


def test_the_same_card_photographed_again_is_a_candidate_by_name_and_number(portal, step, story, tmp_path):
    """Hashes cannot tell it; the same name read within the hospital makes it a candidate for the alignment."""
    with recognising(portal, tmp_path / "reader") as stub:
        stub.stands(reading.card())
        with step():
            for seed in (5, 90):
                service.submit(story.applicant(), story.claim(photos=[taken(drawn(NAMES[0], seed))]))
            service.submit(story.applicant(), story.claim(name="陈示例", photos=[taken(drawn(NAMES[1], 7))]))
        run_all(portal)
        with portal.app_context():
            pairs = db.session.scalars(sa.select(PhotoMatch)).all()
            named = [row for row in pairs if row.same_name]
            assert len(named) == 1
            assert all(row.alike == 0.97 for row in pairs)
            assert sum(row.same_number for row in pairs) == 3  # the stub reads one number on all of them


def test_two_photos_that_come_at_once_find_each_other(portal, step, story):
    data = drawn()
    first = Bench(portal, step, story, photos=[taken(data)])
    second = Bench(portal, step, story, photos=[taken(changed("resized", data))])
    barrier, failed = threading.Barrier(2), []

    def job(bench):
        barrier.wait()
        try:
            with portal.app_context(), clock.frozen(MONDAY):
                work.fingerprint({"image": str(bench.images[0])})
        except Exception as error:
            failed.append(error)

    both = [threading.Thread(target=job, args=(bench,)) for bench in (first, second)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert failed == []
    assert first.count(PhotoMatch.id.is_not(None)) == 1


def test_fingerprints_go_after_24_months_or_when_the_account_is_closed(pair, step):
    two = pair()
    assert two.judge("different").status_code == 403
    two.hold()
    two.judge("different")
    with step(MONDAY + hints.KEEP - MINUTE):
        assert hints.forget_due() == 0
    with step():
        person = db.session.get_one(Customer, two.story.people[0].id)
        person.closed_at = MONDAY
    with step():
        assert hints.forget_due() == 1
    assert two.bench.count(PhotoVerdict.id.is_not(None)) == two.bench.count(PhotoMatch.id.is_not(None)) == 0
    assert two.bench.count(PhotoFingerprint.customer_id == two.story.people[1].id) == 1
    with step(MONDAY + hints.KEEP):
        assert hints.forget_due() == 1
    with step():
        assert hints.forget_person(two.story.people[1].id) == 0


def test_a_closed_account_is_not_found_again_even_before_its_fingerprint_goes(portal, step, story):
    data = drawn()
    with step():
        service.submit(story.applicant(), story.claim(photos=[taken(data)]))
    run(portal, lane="")
    with step():
        db.session.get_one(Customer, story.people[0].id).closed_at = MONDAY
        service.submit(story.applicant(), story.claim(photos=[taken(data)]))
    run(portal, lane="")
    with portal.app_context():
        assert db.session.scalars(sa.select(PhotoMatch)).all() == []


@pytest.mark.pure
@pytest.mark.parametrize("way", range(8))
def test_one_stored_hash_answers_for_all_eight_ways(way):
    import numpy as np

    with Image.open(io.BytesIO(drawn())) as source:
        pixels = np.asarray(source.convert("RGB"))
    quarter, mirror = fingerprint.WAYS[way]
    out = io.BytesIO()
    turned = np.rot90(np.fliplr(pixels) if mirror else pixels, quarter)
    Image.fromarray(np.ascontiguousarray(turned)).save(out, "JPEG", quality=90)
    bits, which = fingerprint.nearest(fingerprint.all_ways(drawn()), [fingerprint.hash_of(out.getvalue())])
    assert int(bits[0]) <= 6
    assert int(which[0]) == way
    assert hints._back(hints._back(way)) == way


@pytest.mark.pure
def test_distances_are_those_of_whole_numbers():
    rng = random.Random(3)
    stored = [rng.randbytes(32) for _ in range(50)]
    asked = [rng.randbytes(32) for _ in range(8)]
    bits, _way = fingerprint.nearest(asked, stored)
    whole = lambda data: int.from_bytes(data, "big")
    assert list(bits) == [min((whole(one) ^ whole(way)).bit_count() for way in asked) for one in stored]
    assert len(fingerprint.nearest(asked, [])[0]) == 0
