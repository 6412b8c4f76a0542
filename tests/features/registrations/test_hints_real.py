"""The real models on drawn badges, in the real reader process. Left out, loudly, without requirements-ocr.txt."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PIL import Image

from app.cli.demo import badges
from app.core.files import images
from app.registrations.hints import matching, recogniser
from app.registrations.hints.fingerprint import WAYS
from app.registrations.hints.matching import Box, Line

pytestmark = pytest.mark.pure
CARD = badges.Badge("东海示范人民医院", "冯虚构", "消化内镜中心", "主管护师", "护士长", "YB-000777")
CLAIMS = {"name": CARD.name, "hospital": CARD.hospital, "department": CARD.department, "title": CARD.title}
PATIENCE = 240.0  # seconds: the limit itself has tests of its own, this machine may be busy


@pytest.fixture(scope="module")
def reader() -> Iterator[recogniser.Reader]:
    found = recogniser.Reader(limit=PATIENCE)
    yield found
    found.close()


def taken(card: badges.Badge, condition: str, seed: int = 3) -> bytes:
    return images.intake(io.BytesIO(badges.draw(card, random.Random(seed), condition)), "badge.jpg").main


@pytest.mark.parametrize("condition", ["plain", "quarter"])
def test_what_stands_on_the_badge_is_read_and_agrees(reader, condition):
    answer = reader.read(taken(CARD, condition))
    lines = [Line(text, Box(*box), score) for text, score, *box in answer["lines"]]
    assert answer["engine"].startswith("rapidocr ")
    hints = matching.compare({**CLAIMS, "position": "护士长"}, lines)
    assert {field: hint.level.value for field, hint in hints.items()} == dict.fromkeys(hints, "same")
    assert matching.number_on(lines) == "yb000777"
    for other in ({"name": "陈示例"}, {"department": "消化内科"}, {"position": "护士"}, {"title": "护师"}):
        assert {h.level.value for h in matching.compare(other, lines).values()} <= {"missing", "near"}
    hint = hints["name"]
    assert hint.box is not None
    assert 0 <= hint.box.left < hint.box.right <= 1


def test_the_same_card_again_lies_over_itself_and_another_card_does_not(reader):
    first = taken(CARD, "plain", 3)
    other = taken(
        replace(CARD, hospital="北原演示第二医院", name="陈示例", department="手术室", number="NJ-123456"), "plain", 9
    )
    turned = Image.open(io.BytesIO(first)).rotate(90, expand=True)
    out = io.BytesIO()
    turned.save(out, "JPEG", quality=80)
    shares = [reader.align(first, one, [WAYS[0]]) for one in (first, out.getvalue(), other)]
    assert all(share is not None for share in shares)
    assert shares[0] >= 0.9
    assert shares[1] >= 0.9
    assert shares[2] < 0.9


def photographed(card: badges.Badge, seed: int) -> bytes:
    """The same card of one template each time, on another desk, in another light, from another distance."""
    whole = badges._card(card, 0, 0, random.Random(card.name))
    return images.intake(io.BytesIO(badges._photographed(whole, "plain", random.Random(seed))), "badge.jpg").main


def test_a_card_photographed_again_lies_over_itself_and_a_colleagues_of_the_same_template_does_not(reader):
    mine = photographed(CARD, 3)
    colleague = replace(CARD, name="陈示例", department="手术室", title="护师", number="YB-123456")
    again = [reader.align(mine, photographed(CARD, seed), [WAYS[0]]) for seed in range(10, 14)]
    others = [reader.align(mine, photographed(colleague, seed), [WAYS[0]]) for seed in range(20, 24)]
    assert min(again) >= 0.9, again
    assert max(others) < 0.9, others


def test_a_picture_that_is_none_is_refused_and_the_reader_lives_on(reader):
    with pytest.raises(recogniser.ReaderFailed, match="refused"):
        reader.read(b"no picture")
    before = reader.process
    assert reader.align(taken(CARD, "plain"), taken(CARD, "plain"), [WAYS[0]]) is not None
    assert reader.process is before
