"""What was read against what was claimed: at labels or by whole line, never by a piece of a word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.registrations.hints import matching
from app.registrations.hints.matching import Box, Hint, Level, Line, compare
from tests.features.registrations.reading import CARD, lines

pytestmark = pytest.mark.pure
CLAIMS = {
    "name": "冯虚构",
    "hospital": "华东第一示范医院",
    "department": "消化内镜中心",
    "title": "主管护师",
    "position": "护士长",
}


def levels(found: dict[str, Hint]) -> dict[str, str]:
    return {field: hint.level.value for field, hint in found.items()}


def at(*texts: str) -> list[Line]:
    """Whole lines, one below the other."""
    return [Line(text, Box(0.1, 0.1 + n * 0.1, 0.5, 0.15 + n * 0.1)) for n, text in enumerate(texts)]


def test_all_fields_of_a_card_agree_and_say_where():
    found = compare(CLAIMS, lines())
    assert set(levels(found).values()) == {"same"}
    assert found["name"].box == lines()[2].box  # of the value, not of its label
    assert matching.number_on(lines()) == "yb000777"


@pytest.mark.parametrize("turn", range(4))
def test_a_turned_photo_binds_its_labels_as_well(turn):
    found = lines(turn=turn)
    assert set(levels(compare(CLAIMS, found)).values()) == {"same"}
    assert matching.upright(found) == (4 - turn) % 4


def test_a_department_inside_a_position_is_not_found():
    """设备科 is inside 设备科科长: 24 false hits of 2,400 in the reference measurements."""
    read = lines((("华东第一示范医院", ""), ("姓名", "冯虚构"), ("科室", "护理部"), ("职务", "设备科科长")))
    assert compare({"department": "设备科"}, read)["department"].level is Level.MISSING
    assert compare({"department": "设备科"}, at("设备科科长", "冯虚构"))["department"].level is Level.MISSING
    assert compare({"department": "设备科"}, at("设备科 科长"))["department"].level is Level.SAME  # set off by a blank


def test_a_value_beside_another_label_answers_for_no_other_field():
    read = lines((("姓名", "冯虚构"), ("科室", "护理部"), ("职称", "护士长"), ("职务", "护士")))
    assert compare({"position": "护士长"}, read)["position"].level is Level.MISSING
    assert compare({"title": "护士长"}, read)["title"].level is Level.SAME


@pytest.mark.parametrize(
    ("claim", "read", "level"),
    [
        ("冯虚构", "冯虚枸", "near"),
        ("冯虚构", "冯虚", "near"),
        ("冯虚构", "马虚枸", "missing"),
        ("冯拟", "冯样", "near"),
        ("冯拟", "马拟", "missing"),  # of two characters the surname must stand
        ("冯虚构", "冯 虚 构", "same"),
        ("欧阳·样例", "欧阳样例", "same"),
        ("FENG Xugou", "feng xugou", "same"),
        ("冯虚构", "冯虚构的同事", "missing"),
    ],
)
def test_names_agree_exactly_or_are_near_by_one_character(claim, read, level):
    assert compare({"name": claim}, lines((("姓名", read), ("科室", "内科"))))["name"].level.value == level


def test_what_the_badge_has_no_line_for_is_said_so():
    read = lines(CARD[:4])  # no 职务, no 工号
    assert levels(compare(CLAIMS, read)) | {"position": "no_field"} == levels(compare(CLAIMS, read))
    unreadable = at("华东第一示范医院")  # hardly anything was read: the lack of a label says nothing
    assert compare(CLAIMS, unreadable)["position"].level is Level.MISSING
    assert compare({"name": "马样例"}, read)["name"].level is Level.MISSING  # names need no label


@pytest.mark.parametrize(
    "texts",
    [
        ("姓名：冯虚构", "科室：内科"),
        ("姓名:冯虚构", "科室 内科"),
        ("姓 名 冯虚构", "科室内科"),
        ("姓名冯虚构", "科室·内科"),
    ],
)
def test_labels_and_values_on_one_line(texts):
    assert levels(compare({"name": "冯虚构", "department": "内科"}, at(*texts))) == {
        "name": "same",
        "department": "same",
    }


def test_a_value_that_begins_like_a_label_is_a_value():
    read = lines((("姓名", "冯虚构"), ("职务", "科室主任"), ("科室", "内科")))
    assert levels(compare({"position": "科室主任", "department": "内科"}, read)) == {
        "position": "same", "department": "same",
    }  # fmt: skip


def test_a_hospital_over_two_lines_and_a_value_below_its_label():
    read = at("华东大学附属", "第一示范医院", "姓名", "冯虚构")
    assert levels(compare({"hospital": "华东大学附属第一示范医院", "name": "冯虚构"}, read)) == {
        "hospital": "same", "name": "same",
    }  # fmt: skip


def test_nothing_read_is_unread_and_an_empty_claim_is_not_found():
    assert set(levels(compare(CLAIMS, [])).values()) == {"unread"}
    assert compare({"name": ""}, lines())["name"].level is Level.MISSING


def test_of_several_photos_the_strongest_counts():
    near, same = Hint(Level.NEAR, "冯虚枸"), Hint(Level.SAME, "冯虚构")
    assert matching.best_of([Hint(Level.UNREAD), near, same]) == same
    assert matching.best_of([]) is None


@given(st.text(min_size=1, max_size=12), st.lists(st.text(max_size=16), max_size=8))
def test_agreement_is_never_invented(claim, texts):
    """Whatever is read: SAME only where the claim, plain, is a whole line, a part of one, or a value at a label."""
    hint = compare({"position": claim}, at(*texts))["position"]
    if hint.level is Level.SAME:
        assert matching.plain(hint.read) == matching.plain(claim)
        assert any(matching.plain(claim) in matching.plain(text) for text in texts)


@given(st.text(max_size=8), st.text(max_size=8))
def test_edit_distance_is_symmetric_and_stops_early(a, b):
    assert matching.edits(a, b, 8) == matching.edits(b, a, 8)
    assert (matching.edits(a, b, 0) == 0) == (a == b)
