"""Engineers and dealers from a workbook: trial, row errors, import, twice; files that are none."""

from __future__ import annotations

import io
import zipfile
from html import unescape

import pytest
import sqlalchemy as sa

from app.core import clock, workbook
from app.core.db import db
from app.core.errors import Invalid, TooLarge
from app.core.unit_of_work import unit_of_work
from app.core.worklist.export import table_file
from app.dealers.models import Dealer
from app.dispatch.models import Engineer, EngineerSkill
from app.dispatch.service import imports
from tests.factories import staff
from tests.features.dispatch.people import MONDAY

HEADS = [str(head) for head in imports.ENGINEER_COLUMNS.values()]
DEALER_HEADS = [str(head) for head in imports.DEALER_COLUMNS.values()]


def sheet(heads, *rows) -> bytes:
    return table_file("xlsx", list(heads), rows)[0].read()


def upload(data: bytes) -> dict[str, object]:
    return {"file": (io.BytesIO(data), "people.xlsx")}


@pytest.fixture
def lead(app):
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context(), clock.frozen(MONDAY):
        with unit_of_work():
            for n in (1, 2):
                staff.account("engineer", email=f"e{n}@demo.invalid", name=f"工程{n}")
            staff.account("triager", email="t@demo.invalid")
        yield staff.signed_in(app, "admin")
    app.config["WTF_CSRF_ENABLED"] = True


def packed(text: str) -> str:
    return unescape(text.split('name="rows" value="', 1)[1].split('"', 1)[0])


def good(n: int, *skill: str) -> list[str]:
    return [f"e{n}@demo.invalid", "服务点", "021-5550", "上海市、32", "消化内镜", "2", "31.2", "121.4", *skill]


def counts() -> tuple[int, int]:
    with unit_of_work(write=False):
        return tuple(db.session.scalar(sa.select(sa.func.count()).select_from(t)) for t in (Engineer, EngineerSkill))  # type: ignore[return-value]


def test_a_trial_writes_nothing_names_every_wrong_cell_and_the_import_takes_the_rest(lead):
    data = sheet(
        HEADS,
        good(1, "镜体维修", "C-1", "2026-01-01", "2026-12-31"),
        good(1, "light", "C-2", "2026-01-01", "2026-12-31"),
        [*good(2)[:3], "上海市、火星", "消化内镜、飞船", "many", "north", ""],
        good(9),
        ["t@demo.invalid", "", "", "31"],
        good(2, "scope", "C-3", "2026-13-01", "2026-12-31"),
    )
    text = lead.post("/engineers/import", data=upload(data)).get_data(as_text=True)
    assert counts() == (0, 0)
    for words in ("火星", "飞船", "many", "north", "没有这个邮箱的账号", "2026-13-01", "写入 2 行"):
        assert words in text, words
    rows = packed(text)
    done = lead.post("/engineers/import", data={"rows": rows}).get_data(as_text=True)
    assert "已新建" in done and counts() == (1, 2)
    again = lead.post("/engineers/import", data=upload(data)).get_data(as_text=True)
    assert again.count("没有变化") >= 2 and 'name="rows"' not in again
    with unit_of_work(write=False):
        row = db.session.scalars(sa.select(Engineer)).one()
        assert (row.provinces, row.product_lines, row.capacity) == (["31", "32"], ["gastro"], 2)


def test_dealers_are_imported_without_contracts(lead):
    data = sheet(DEALER_HEADS, ["一号经销", "受托处理", "31", "消化内镜", "2", "", ""], ["", "", "", "", "", "", "1"])
    text = lead.post("/dealers/import", data=upload(data)).get_data(as_text=True)
    assert "请填写名称" in text and "写入 1 行" in text
    lead.post("/dealers/import", data={"rows": packed(text)})
    changed = sheet(DEALER_HEADS, ["一号经销", "独立处理", "31、11", "gastro", "3", "", ""])
    lead.post("/dealers/import", data={"rows": packed(lead.post("/dealers/import", data=upload(changed)).get_data(as_text=True))})  # fmt: skip
    with unit_of_work(write=False):
        row = db.session.scalars(sa.select(Dealer)).one()
        assert (row.role, row.provinces, row.capacity, row.version) == ("independent", ["11", "31"], 3, 2)
    assert lead.get("/dealers/import").status_code == lead.get("/engineers/import").status_code == 200
    assert lead.get("/dealers/import/template.xlsx").data[:2] == b"PK"
    template = lead.get("/engineers/import/template.xlsx").data
    assert workbook.read(template, imports.ENGINEER_COLUMNS)[0].cells["certificate"] == "YS-001"


@pytest.mark.parametrize("data", [b"", b"not a workbook", b"PK\x03\x04broken", b"%PDF-1.4"])
def test_what_is_no_workbook_is_refused(lead, data):
    answer = lead.post("/engineers/import", data=upload(data))
    assert answer.status_code == 422 and "XLSX" in answer.get_data(as_text=True)


def test_forged_rows_and_missing_files_are_refused(lead):
    assert lead.post("/engineers/import", data={}).status_code == 422
    for rows in ("[]", "{", "[[1, 2]]", '[["x", {}]]', "null", '[[1, {"email": "' + "a" * 500 + '"}]]'):
        assert lead.post("/engineers/import", data={"rows": rows}).status_code == 422, rows
    forged = '[[2, {"email": "e1@demo.invalid", "provinces": "99"}]]'
    text = lead.post("/engineers/import", data={"rows": forged}).get_data(as_text=True)
    assert "没有这个省份" in text and counts() == (0, 0)


def test_the_reader_bounds_bytes_unpacked_size_rows_and_names_missing_columns():
    with pytest.raises(TooLarge):
        workbook.read(b"x" * (workbook.MOST_BYTES + 1), {})
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/worksheets/sheet1.xml", b"0" * (workbook.MOST_UNPACKED + 1))
    with pytest.raises(TooLarge):
        workbook.read(bomb.getvalue(), {})
    columns = {"name": "名称", "lat": "纬度"}
    with pytest.raises(Invalid) as missing:
        workbook.read(sheet(["名称"], ["甲"]), columns)
    assert "纬度" in str(missing.value.fields["file"])
    with pytest.raises(Invalid):
        workbook.read(sheet(["名称", "纬度"], *([["甲", 1]] * (workbook.MOST_ROWS + 1))), columns)
    with pytest.raises(Invalid):
        workbook.read(sheet(["名称", "纬度"]), columns)
    (row,) = workbook.read(sheet(["纬度", "other", "名称"], [31.0, "x", " 甲 "]), columns)
    assert row.cells == {"name": "甲", "lat": "31"} and row.number == 2
    assert workbook.unpack(workbook.pack([row]), columns) == [row]


def test_who_may_not_keep_them_imports_nothing(lead, app):
    reader = staff.signed_in(app, "dispatcher")
    assert reader.get("/engineers/import").status_code == 403
    assert reader.post("/dealers/import", data={"rows": "[]"}).status_code == 403
