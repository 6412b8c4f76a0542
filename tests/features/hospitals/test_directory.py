"""Hospitals and departments: verbs, search, position, scope, pages."""

from __future__ import annotations

import logging
from collections.abc import Callable
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import g
from werkzeug.test import TestResponse

from app.core import audit
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.policy import Actor, Permission
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.hospitals import provinces, queries, service
from app.hospitals.models import Department, Hospital
from app.hospitals.service import HospitalData
from tests.core.floor_app import staff
from tests.inspector import Inspector

Found = dict[str, Hospital]
HOSTILE = [
    "<script>alert(1)</script>院",
    "=1+1医院",
    "'; DROP TABLE hospital; --院",
    "医院\u202egnp.exe",
    "医院\x07\r\n新行",
]


def events() -> list[str]:
    return list(db.session.scalars(sa.select(audit.AuditEvent.event).order_by(audit.AuditEvent.seq)))


def test_there_are_34_provinces() -> None:
    assert len(provinces.PROVINCES) == len(provinces.BY_CODE) == 31 + 3
    assert provinces.title("31") == "上海市"
    assert provinces.title("31", "en") == "Shanghai"


def test_create_is_found_and_audited(hospitals: Found) -> None:
    with unit_of_work(write=False):
        assert [hit.name for hit in queries.search("示范")] == ["华东第一示范医院"]
        assert [hit.name for hit in queries.search("一院")] == ["华东第一示范医院"]  # the alias
        assert {hit.name for hit in queries.search("样例")} == {"华东第二样例医院", "京北样例中心"}
        assert {hit.name for hit in queries.search("样例", province="11")} == {"京北样例中心"}
        assert queries.search("") == queries.search("%") == []
        assert events() == ["hospital.created"] * 3


def test_exact_and_beginning_come_first(app: Portal, manager: Actor) -> None:
    with unit_of_work():
        for name in ("示范甲院分部", "东示范甲院", "示范甲院"):
            service.create_hospital(manager, HospitalData(name, "31", name))
        assert [hit.name for hit in queries.search("示范甲院")] == ["示范甲院", "示范甲院分部", "东示范甲院"]


def test_the_same_name_in_the_same_city_is_a_field_error(hospitals: Found, manager: Actor) -> None:
    with unit_of_work():
        with pytest.raises(Invalid) as caught:
            service.create_hospital(manager, HospitalData("华东第一示范医院 ", "31", "上海"))
        assert list(caught.value.fields) == ["name"]
        service.create_hospital(manager, HospitalData("华东第一示范医院", "32", "苏州"))  # elsewhere it is another one
        with pytest.raises(Invalid):
            service.update_hospital(
                manager, hospitals["华东第二样例医院"].id, HospitalData("华东第一示范医院", "31", "上海")
            )
    with unit_of_work(write=False):
        assert db.session.get(Hospital, hospitals["华东第二样例医院"].id).name == "华东第二样例医院"


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        (HospitalData("", "31"), {"name"}),
        (HospitalData("\x00%_", "99"), {"name", "province"}),
        (HospitalData("院" * 121, "31"), {"name"}),
        (HospitalData("甲院", "31", "城" * 41), {"city"}),
        (HospitalData("甲院", "31", aliases=tuple(f"别名{n}" for n in range(21))), {"aliases"}),
        (HospitalData("甲院", "31", lat=91.0, lon=0.0), {"lat"}),
        (HospitalData("甲院", "31", lat=float("nan"), lon=float("inf")), {"lat", "lon"}),
        (HospitalData("甲院", "31", lat=31.0), {"lon"}),
    ],
)
def test_bad_data_names_every_field(app: Portal, manager: Actor, data: HospitalData, fields: set[str]) -> None:
    with unit_of_work(), pytest.raises(Invalid) as caught:
        service.create_hospital(manager, data)
    assert set(caught.value.fields) == fields


def test_rename_keeps_the_old_name_only_as_alias(hospitals: Found, manager: Actor) -> None:
    row = hospitals["京北样例中心"]
    with unit_of_work():
        service.update_hospital(manager, row.id, HospitalData("京北新名中心", "11", "北京", ("京北样例中心",)))
        assert [hit.name for hit in queries.search("京北样例")] == ["京北新名中心"]
        service.update_hospital(manager, row.id, HospitalData("京北新名中心", "11", "北京"))
        assert queries.search("京北样例") == []


def test_inactive_is_not_offered_but_stays(hospitals: Found, manager: Actor) -> None:
    row = hospitals["京北样例中心"]
    with unit_of_work():
        service.set_active(manager, row.id, False)
        assert queries.search("京北") == []
        assert queries.live(row.id) is None
        assert queries.get(manager, row.id).name == "京北样例中心"
        service.set_active(manager, row.id, True)
        assert queries.search("京北")


def test_merge_moves_names_and_departments(hospitals: Found, manager: Actor) -> None:
    source, target = hospitals["华东第二样例医院"], hospitals["华东第一示范医院"]
    with unit_of_work():
        kept = service.add_department(manager, target.id, "消化内科")
        folded = service.add_department(manager, source.id, "消化内科")
        moved = service.add_department(manager, source.id, "呼吸科")
        assert service.merge_hospitals(manager, source.id, target.code.lower()).id == target.id
        db.session.expire_all()
        assert [hit.name for hit in queries.search("第二样例")] == ["华东第一示范医院"]
        assert queries.live(source.id).id == target.id
        assert {d.id for d in queries.departments(target.id)} == {kept.id, moved.id}
        assert queries.live_department(folded.id, target.id).id == kept.id
        with pytest.raises(Conflict):
            service.set_active(manager, source.id, True)


@pytest.mark.parametrize("case", ["itself", "unknown", "inactive", "merged", "province"])
def test_merge_is_refused(hospitals: Found, manager: Actor, case: str) -> None:
    source, target, third = hospitals.values()
    actor, code = manager, target.code
    with unit_of_work():
        if case == "itself":
            code = source.code
        elif case == "unknown":
            code = "HOS-1"
        elif case == "inactive":
            service.set_active(manager, target.id, False)
        elif case == "merged":
            service.merge_hospitals(manager, target.id, third.code)
        else:
            actor = staff(Permission.HOSPITALS_MANAGE, provinces=frozenset({"31"}))
            code = third.code
        with pytest.raises(Invalid) as caught:
            service.merge_hospitals(actor, source.id, code)
    assert list(caught.value.fields) == ["into_code"]


def test_departments(hospitals: Found, manager: Actor) -> None:
    first, second, _third = hospitals.values()
    with unit_of_work():
        one = service.add_department(manager, first.id, "消化内科")
        child = service.add_department(manager, first.id, "内镜室", parent_id=one.id)
        with pytest.raises(Invalid):
            service.add_department(manager, first.id, " 消化内科")
        with pytest.raises(Invalid) as caught:
            service.add_department(manager, second.id, "内镜室", parent_id=one.id)
        assert list(caught.value.fields) == ["parent_id"]
        with pytest.raises(NotFound):
            service.set_department_active(manager, second.id, child.id, False)
        service.set_department_active(manager, first.id, child.id, False)
        assert [d.name for d in queries.departments(first.id)] == ["消化内科"]
        assert queries.live_department(child.id, first.id) is None


def test_scope_bounds_reads_and_writes(hospitals: Found) -> None:
    rights = (Permission.HOSPITALS_READ, Permission.HOSPITALS_MANAGE)
    local = staff(*rights, provinces=frozenset({"11"}))
    with unit_of_work():
        assert queries.get(local, hospitals["京北样例中心"].id)
        with pytest.raises(NotFound):
            queries.get(local, hospitals["华东第一示范医院"].id)
        with pytest.raises(NotFound):
            service.set_active(local, hospitals["华东第一示范医院"].id, False)
        with pytest.raises(Forbidden):
            service.create_hospital(local, HospitalData("甲院", "31"))
        with pytest.raises(Forbidden):
            service.create_hospital(staff(Permission.HOSPITALS_READ), HospitalData("甲院", "31"))
        with pytest.raises(NotFound):
            queries.unknown(local, uuid4())


def test_nearest_comes_first_with_its_distance(hospitals: Found) -> None:
    with unit_of_work(write=False):
        near = queries.nearest(31.2310, 121.4740)
        assert [hit.name for hit in near] == ["华东第一示范医院", "华东第二样例医院"]
        assert near[0].km == 0.1
        assert queries.nearest(0.0, 0.0) == []
    assert queries.kilometres(39.9042, 116.4074, 31.2304, 121.4737) == pytest.approx(1067, abs=5)


@pytest.mark.parametrize(("lat", "lon"), [(91, 0), (0, 181), (float("nan"), 0), (0, float("inf"))])
def test_no_position_on_earth(app: Portal, lat: float, lon: float) -> None:
    with unit_of_work(write=False), pytest.raises(Invalid):
        queries.nearest(lat, lon)


def test_coordinates_are_neither_stored_nor_logged(hospitals: Found, caplog: pytest.LogCaptureFixture) -> None:
    """C24, with every statement logged: parameters name whole cells of the map, never the position."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("sqlalchemy.engine").setLevel(logging.DEBUG)
    parameters: list[str] = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda *a: parameters.append(repr(a[3])))
    try:
        with unit_of_work(write=False):
            assert queries.nearest(31.231987, 121.474123)
    finally:
        logging.getLogger("sqlalchemy.engine").setLevel(logging.NOTSET)
    assert parameters
    for text in (caplog.text, *parameters):
        assert "31.2319" not in text
        assert "121.4741" not in text
    tables = [table for table in db.metadata.sorted_tables if sa.inspect(db.engine).has_table(table.name)]
    dumped = repr([db.session.execute(sa.select(table)).all() for table in tables])
    assert "31.231987" not in dumped


# pages


def test_the_list_searches_filters_and_pages(client: Inspector, hospitals: Found) -> None:
    page = client.get("/hospitals").text
    assert page.index("京北样例中心") < page.index("华东第一示范医院")  # by code point, on both databases
    assert "京北样例中心" not in client.get("/hospitals?q=示范").text
    assert "华东第一示范医院" not in client.get("/hospitals?province=11").text
    assert client.get("/hospitals?province=99&q=%25%27").status_code == 200


def test_create_edit_and_end_on_pages(client: Inspector, post: Callable[..., TestResponse]) -> None:
    made = post(
        "/hospitals/new", name="新建示范院", province="33", city="杭州", aliases="甲\n乙", lat="30.2", lon="120.1"
    )
    assert made.status_code == 303
    url = made.headers["Location"]
    assert "甲、乙" in client.get(url).text
    assert post(f"{url}/edit", f"{url}/edit", name="改名示范院", province="33", city="杭州").status_code == 303
    assert "改名示范院" in client.get(url).text
    assert post(f"{url}/departments", url, **{"department-name": "消化内科"}).status_code == 303
    department = db.session.scalars(sa.select(Department)).one().id
    db.session.remove()
    assert post(f"{url}/departments/{department}/active", url, active="0").status_code == 303
    again = post(f"{url}/departments", url, **{"department-name": "消化内科"})
    assert again.status_code == 422
    assert "这家医院已有同名科室" in again.text
    assert post(f"{url}/active", url, active="0").status_code == 303
    assert "已停用" in client.get(url).text


def test_errors_keep_what_was_typed(post: Callable[..., TestResponse], hospitals: Found) -> None:
    answer = post("/hospitals/new", name="华东第一示范医院", province="31", city="上海", aliases="留着我")
    assert answer.status_code == 422
    assert "这座城市已有同名医院" in answer.text
    assert "留着我" in answer.text
    url = f"/hospitals/{hospitals['京北样例中心'].id}"
    merge = post(f"{url}/merge", url, **{"merge-into_code": "HOS-404"})
    assert merge.status_code == 422
    assert "没有这个编号的医院" in merge.text
    assert "HOS-404" in merge.text


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(client: Inspector, post: Callable[..., TestResponse], name: str) -> None:
    made = post("/hospitals/new", name=name, province="31", city=name[:40])
    assert made.status_code == 303
    page = client.get(made.headers["Location"]).text
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert client.get("/hospitals", query_string={"q": name}).status_code == 200


def test_a_reader_sees_no_act_and_cannot_post(app: Portal, client: Inspector, hospitals: Found) -> None:
    app.extensions["acting"] = staff(Permission.HOSPITALS_READ)
    url = f"/hospitals/{hospitals['京北样例中心'].id}"
    assert "<form" not in client.get(url).text.split("<main")[1].split("</main>")[0]
    assert client.get("/hospitals/new").status_code == 403
    app.extensions["acting"] = staff(Permission.HOSPITALS_READ, provinces=frozenset({"31"}))
    assert client.get(url).status_code == 404
    assert "京北样例中心" not in client.get("/hospitals").text


def test_a_post_without_token_changes_nothing(client: Inspector, hospitals: Found) -> None:
    row = hospitals["京北样例中心"]
    assert client.post(f"/hospitals/{row.id}/active", data={"active": "0"}).status_code == 400
    assert client.get(f"/hospitals/{row.id}/active").status_code == 405
    with unit_of_work(write=False):
        assert db.session.get(Hospital, row.id).active


def test_statements_do_not_grow_with_rows(app: Portal, client: Inspector, manager: Actor) -> None:
    seen: list[str] = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda *a: seen.append(a[2]))

    def statements() -> int:
        seen.clear()
        g.pop("counters", None)  # this test's context outlives its requests
        assert client.get("/hospitals").status_code == 200
        return len([text for text in seen if text.lstrip().upper().startswith("SELECT")])

    def grow(start: int) -> None:
        with unit_of_work():
            for n in range(start, start + 60):
                service.create_hospital(manager, HospitalData(f"样例医院{n}", "31"))
        db.session.remove()

    grow(0)
    few = statements()
    grow(60)
    assert statements() == few <= 3  # the page, its tabs' counts, the navigation's counts
