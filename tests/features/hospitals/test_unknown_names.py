"""The queue of typed names: counted once, mapped, created, refused, raced for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.policy import Actor, Permission
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.hospitals import queries, service
from app.hospitals.models import Hospital, UnknownKind, UnknownName, UnknownState
from app.hospitals.service import HospitalData
from tests.core.floor_app import staff
from tests.inspector import Inspector

Found = dict[str, Hospital]
HOSPITAL, DEPARTMENT = UnknownKind.HOSPITAL, UnknownKind.DEPARTMENT


def test_the_same_text_is_one_row_counted(app: Portal) -> None:
    with unit_of_work():
        one = service.report_unknown(HOSPITAL, "华东 第九医院")
        two = service.report_unknown(HOSPITAL, " 华东　第九医院 ")
        assert (one.id, two.count, two.state) == (two.id, 2, "open")
        assert service.report_unknown(DEPARTMENT, "华东 第九医院", within_id=one.id).id != one.id
        for bad in ("", "  ", "\x00", "院" * 121):
            with pytest.raises(Invalid):
                service.report_unknown(HOSPITAL, bad)
        with pytest.raises(ValueError, match="one place"):
            service.report_unknown(DEPARTMENT, "内科")


def test_unmapped_blocks_and_mapping_frees(hospitals: Found, manager: Actor) -> None:
    target = hospitals["华东第一示范医院"]
    with unit_of_work():
        name = service.report_unknown(HOSPITAL, "华东一示范")
        department = service.report_unknown(DEPARTMENT, "胃镜室", within_id=name.id)
        assert {row.id for row in queries.unmapped(name.id, department.id)} == {name.id, department.id}
        assert queries.unmapped(None, None) == []
        with pytest.raises(Conflict):
            service.map_to_new_department(manager, department.id, "胃镜室")  # its hospital comes first
        assert service.map_to_hospital(manager, name.id, target.id).mapped_to == target.id
        service.map_to_new_department(manager, department.id, "胃镜室")
        assert queries.unmapped(name.id, department.id) == []
        assert [d.name for d in queries.departments(target.id)] == ["胃镜室"]
        resolved = sa.select(
            queries.hospital_of(sa.null(), sa.literal(name.id, sa.Uuid())),
            queries.department_of(sa.null(), sa.literal(department.id, sa.Uuid())),
        )
        assert tuple(db.session.execute(resolved).one()) == (target.id, department.mapped_department_id)


def test_mapped_once_helps_the_next_person(hospitals: Found, manager: Actor) -> None:
    with unit_of_work():
        name = service.report_unknown(HOSPITAL, "华东一示范")
        service.map_to_hospital(manager, name.id, hospitals["华东第一示范医院"].id)
        again = service.report_unknown(HOSPITAL, "华东一示范")
        assert (again.id, again.state, queries.unmapped(again.id, None)) == (name.id, "mapped", [])


def test_refused_stays_blocked_and_opens_again(app: Portal, manager: Actor) -> None:
    with unit_of_work():
        name = service.report_unknown(HOSPITAL, "不存在的医院")
        service.refuse_unknown(manager, name.id)
        assert [row.state for row in queries.unmapped(name.id, None)] == ["refused"]
        assert service.report_unknown(HOSPITAL, "不存在的医院").state == "open"


def test_the_slower_one_learns_who_was_faster(hospitals: Found, manager: Actor) -> None:
    with unit_of_work():
        name = service.report_unknown(HOSPITAL, "华东一示范")
        service.map_to_hospital(
            staff(Permission.HOSPITALS_MANAGE, name="样例乙"), name.id, next(iter(hospitals.values())).id
        )
        with pytest.raises(Conflict) as caught:
            service.refuse_unknown(manager, name.id)
    assert (caught.value.who, caught.value.what) == ("样例乙", "mapped")
    assert caught.value.when is not None


def test_merging_a_hospital_moves_what_was_mapped_to_it(hospitals: Found, manager: Actor) -> None:
    source, target = hospitals["华东第二样例医院"], hospitals["华东第一示范医院"]
    with unit_of_work():
        name = service.report_unknown(HOSPITAL, "二样例")
        service.map_to_hospital(manager, name.id, source.id)
        service.merge_hospitals(manager, source.id, target.code)
        db.session.expire_all()
        assert db.session.get(UnknownName, name.id).mapped_hospital_id == target.id


def test_only_live_targets_and_only_with_the_right(hospitals: Found, manager: Actor) -> None:
    row = hospitals["京北样例中心"]
    with unit_of_work():
        name = service.report_unknown(HOSPITAL, "京北")
        service.set_active(manager, row.id, False)
        with pytest.raises(Invalid):
            service.map_to_hospital(manager, name.id, row.id)
        with pytest.raises(Forbidden):
            service.refuse_unknown(staff(Permission.HOSPITALS_READ), name.id)
        with pytest.raises(NotFound):
            service.refuse_unknown(staff(Permission.HOSPITALS_MANAGE, provinces=frozenset({"11"})), name.id)


def test_candidates_are_the_likely_ones(hospitals: Found) -> None:
    with unit_of_work():
        name = service.report_unknown(HOSPITAL, "华东第一医院")
        assert queries.candidates(name)[0].name == "华东第一示范医院"


# pages


@pytest.fixture
def typed(app: Portal, hospitals: Found) -> UnknownName:
    with unit_of_work():
        row = service.report_unknown(HOSPITAL, "华东第一<b>医院")
        db.session.refresh(row)
        db.session.expunge(row)
    db.session.remove()
    return row


def test_map_on_the_page(
    client: Inspector, post: Callable[..., TestResponse], typed: UnknownName, hospitals: Found
) -> None:
    assert "华东第一&lt;b&gt;医院" in client.get("/hospitals/unknown").text
    url = f"/hospitals/unknown/{typed.id}"
    page = client.get(url).text
    target = hospitals["华东第一示范医院"]
    assert str(target.id) in page
    assert "京北样例中心" in client.get(f"{url}?q=京北").text
    assert post(f"{url}/map", url, target_id="rubbish").status_code == 422
    assert post(f"{url}/map", url, target_id=str(target.id)).status_code == 303
    assert "已对应" in client.get(url).text
    assert post(f"{url}/refuse").status_code == 409
    with unit_of_work(write=False):
        assert db.session.get(UnknownName, typed.id).state == UnknownState.MAPPED.value


def test_create_on_the_page_keeps_input(
    client: Inspector, post: Callable[..., TestResponse], typed: UnknownName
) -> None:
    url = f"/hospitals/unknown/{typed.id}"
    refused = post(f"{url}/create", url, name="华东第九示范医院", province="", city="留着我")
    assert refused.status_code == 422
    assert "留着我" in refused.text
    assert post(f"{url}/create", url, name="华东第九示范医院", province="31", city="上海").status_code == 303
    with unit_of_work(write=False):
        assert queries.search("第九示范")
        assert queries.unmapped(typed.id, None) == []


def test_departments_on_the_page(
    client: Inspector, post: Callable[..., TestResponse], manager: Actor, hospitals: Found
) -> None:
    target = hospitals["京北样例中心"]
    with unit_of_work():
        known = service.add_department(manager, target.id, "消化内科").id
        one = service.report_unknown(DEPARTMENT, "消化科", hospital_id=target.id).id
        two = service.report_unknown(DEPARTMENT, "内镜二室", hospital_id=target.id).id
        waiting = service.report_unknown(
            DEPARTMENT, "呼吸科", within_id=service.report_unknown(HOSPITAL, "某某医院").id
        ).id
    db.session.remove()
    url = "/hospitals/unknown"
    assert post(f"{url}/{one}/map", f"{url}/{one}", target_id=str(known)).status_code == 303
    assert post(f"{url}/{two}/create", f"{url}/{two}", name="内镜二室").status_code == 303
    assert "请先对应它所在的医院" in client.get(f"{url}/{waiting}").text
    assert post(f"{url}/{waiting}/refuse").status_code == 303


def test_new_hospital_data_is_what_the_service_checks(app: Portal, manager: Actor) -> None:
    with unit_of_work():
        name = service.report_unknown(HOSPITAL, "新医院")
        with pytest.raises(Invalid) as caught:
            service.map_to_new_hospital(manager, name.id, HospitalData("新医院", "00"))
        assert list(caught.value.fields) == ["province"]
        assert queries.unmapped(name.id, None)
