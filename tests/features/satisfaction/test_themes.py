"""Themes of comments: found where they were planted, nothing in noise, nothing that names anybody or that few said."""

from __future__ import annotations

import random

import pytest
import sqlalchemy as sa

from app.core import keys
from app.core.db import db
from app.satisfaction.models import RatedJob, Rating, ThemeRun
from app.satisfaction.reports import charts, figures
from app.satisfaction.service import themes as service
from app.satisfaction.themes import Comment, find, terms_in
from app.staff.roles import Role
from tests.features.satisfaction.test_report import SPAN, auditor, rated
from tests.features.tickets.people import MONDAY, staff

SAID = {
    "image": ("图像有条纹", "图像还是模糊", "修完图像发暗", "偶尔图像黑屏", "图像颜色不对", "看不清图像"),
    "wait": ("等了好几天才有人来", "报修后等了很久", "上门前等了一周", "备件等了半个月", "等了两周", "这次等了太久"),
    "clear": ("工程师讲解清楚", "讲解很细致", "耐心讲解", "讲解明白", "讲解得很清楚", "现场讲解到位"),
}
BESIDES = ("谢谢", "总体可以", "下次注意", "希望改进", "科室都知道", "还行吧", "", "以后再看")
SIGNS = "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳云腾致雨露结为霜金生丽水玉出昆冈剑号巨阙珠称夜光果珍李柰"


def planted(rng: random.Random, n: int) -> list[Comment]:
    kinds = list(SAID)
    return [Comment("，".join((rng.choice(SAID[kinds[i % 3]]), rng.choice(BESIDES))), i) for i in range(n)]


def noise(rng: random.Random, n: int, signs: int) -> list[Comment]:
    return [Comment("".join(rng.choice(SIGNS[:signs]) for _sign in range(rng.randint(8, 16))), i) for i in range(n)]


@pytest.mark.pure
def test_planted_themes_are_found_with_their_words_and_comments():
    found = find(planted(random.Random(3), 240))
    heads = [theme.terms[0] for theme in found]
    assert {"图像", "等了", "讲解"} <= set(heads)
    image = found[heads.index("图像")]
    assert image.stability >= 0.8
    assert sum(i % 3 == 0 for i in image.comments) / len(image.comments) > 0.9


@pytest.mark.pure
@pytest.mark.slow
@pytest.mark.parametrize("signs", [15, 24, 60])
def test_nothing_is_found_in_noise(signs):
    """A factorisation finds themes in anything; few come back in four of five new samples."""
    shown = sum(bool(find(noise(random.Random(seed), 150, signs))) for seed in range(10))
    assert shown <= 1


@pytest.mark.pure
@pytest.mark.parametrize("n", [0, 1, 39])
def test_nothing_is_looked_for_in_a_few_comments(n):
    assert find(planted(random.Random(3), n)) == []


@pytest.mark.pure
def test_what_four_people_say_is_in_no_theme():
    """However often they say it."""
    few = [Comment("电缆接头松动，" + rest, i % 4) for i, rest in enumerate(BESIDES * 8)]
    found = find([*planted(random.Random(3), 240), *[Comment(c.text, f"few{c.writer}") for c in few]])
    assert found and not any("电缆" in term or "松动" in term for theme in found for term in theme.terms)


@pytest.mark.pure
def test_no_sentence_no_number_and_no_name_leaves():
    rng = random.Random(3)
    texts = [Comment(c.text + "，王示例讲解，电话13900000009，单号TKT20261123", c.writer) for c in planted(rng, 240)]
    for theme in find(texts, names={"王示例"}):
        for term in theme.terms:
            assert 2 <= len(term) <= 4 and not any(sign.isdigit() for sign in term)
            assert "王示" not in term and "示例" not in term


@pytest.mark.pure
def test_terms_of_a_text():
    assert {t for t, _b, _a in terms_in("修得好，GIF-H290 ok thanks")} == {"修得", "得好", "修得好", "gif", "thanks"}


@pytest.mark.pure
def test_the_same_comments_give_the_same_themes():
    texts = planted(random.Random(3), 120)
    assert find(texts) == find(texts)


@pytest.fixture
def filled(scene):
    """120 rated jobs with comments of as many people."""
    scene.closed()
    scene.count_of_jobs = 0
    texts = planted(random.Random(3), 120)
    rated(scene, [5, 2, 4] * 40, rating_version=1)
    with scene.work():
        rows = db.session.scalars(sa.select(RatedJob).order_by(RatedJob.cycle)).all()
        for row, subject, one in zip(rows, keys.new_subjects(len(rows)), texts, strict=True):
            row.subject_id = subject
            db.session.add(Rating(
                job_id=row.id, version=1, rater_kind="reporter", subject_id=subject, score=row.score,
                comment=one.text, harm_list=1, at=MONDAY,
            ))  # fmt: skip
    return scene


def run(scene) -> None:
    with scene.work():
        service.run()


def chart(scene, actor=None, span=SPAN):
    with scene.app.test_request_context("/"), scene.work():
        return charts.ALL["themes"](figures.read(actor or auditor(), span))


def test_the_report_shows_stable_themes_with_their_share_of_satisfied(filled):
    assert "还没有读过" in str(chart(filled).answer)
    run(filled)
    shown = chart(filled)
    assert {"图像", "讲解"} <= {row[0].split("、")[0] for row in shown.figures.rows}
    assert all(row[2] >= 5 for row in shown.figures.rows)
    page = filled.client().get("/satisfaction/report").get_data(as_text=True)
    assert "大家在说什么？" in page and "图像" in page
    assert not any(text in page for texts in SAID.values() for text in texts if len(text) > 4)


def test_another_region_is_told_no_theme(filled):
    run(filled)
    elsewhere = staff(Role.SATISFACTION_AUDITOR, provinces=frozenset({"44"}))
    assert chart(filled, elsewhere).figures.rows == []


def test_erased_and_void_comments_are_not_read(filled):
    with filled.work():
        ids = db.session.scalars(sa.select(Rating.subject_id)).all()
        db.session.execute(sa.update(RatedJob).where(RatedJob.cycle > 100).values(outcome="void"))
    with filled.app.app_context():
        keys.keystore.destroy(ids[:10])
    run(filled)
    assert filled.read(lambda: db.session.scalars(sa.select(ThemeRun)).one().comments) in range(90, 101)


def test_without_stable_themes_the_report_says_so(scene):
    scene.closed()
    scene.count_of_jobs = 0
    rated(scene, [5] * 6)
    run(scene)
    assert "没有稳定的主题" in str(chart(scene).answer)
