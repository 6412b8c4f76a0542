"""Many hospitals at once are made as one by one: same rows, same search, same audit; all or nothing."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app.core import audit
from app.core.db import db
from app.core.errors import Forbidden, Invalid
from app.core.policy import Actor, Permission
from app.core.serials import next_serial, next_serials
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.hospitals import queries, service
from app.hospitals.models import Department, Hospital
from app.hospitals.service import HospitalData
from tests.core.floor_app import staff

GIVEN = [
    (HospitalData("海东样例医院", "31", "沪样", aliases=("样院",), lat=31.2, lon=121.4), ["消化科", "呼吸科"]),
    (HospitalData("海东样例分院", "31", "沪样"), []),
    (HospitalData("岭北样例医院", "44", "粤样"), ["消化科"]),
]


def world() -> tuple[list[object], ...]:
    rows = sa.select(Hospital.code, Hospital.name, Hospital.name_key, Hospital.province, Hospital.aliases, Hospital.lat)
    wards = (
        sa.select(Hospital.name, Department.name, Department.name_key)
        .join(Hospital, Hospital.id == Department.hospital_id)
        .order_by(Department.id)
    )
    events = sa.select(audit.AuditEvent.event).order_by(audit.AuditEvent.seq)
    found = [sorted(hit.name for hit in queries.search(words)) for words in ("样例", "样院", "分院", "岭")]
    return (
        [tuple(row) for row in db.session.execute(rows.order_by(Hospital.code))],
        [tuple(row) for row in db.session.execute(wards)],
        list(db.session.scalars(events)),
        found,
    )


def test_many_are_made_as_one_by_one(app: Portal, manager: Actor) -> None:
    class Undone(Exception):
        """Takes back what was made."""

    kept = []
    with pytest.raises(Undone), unit_of_work():
        for data, names in GIVEN:
            row = service.create_hospital(manager, data)
            for name in names:
                service.add_department(manager, row.id, name)
        kept.append([*world()[:2], world()[3]])
        raise Undone
    with unit_of_work():
        service.create_many(manager, GIVEN)
        assert [*world()[:2], world()[3]] == kept[0]
    with unit_of_work(write=False):
        made, ward = "hospital.created", "department.created"
        assert world()[2] == [made, ward, ward, made, made, ward]
        assert audit.verify.verify().ok


@pytest.mark.parametrize(
    "wrong",
    [
        (HospitalData("海东样例医院", "31", "沪样"), []),  # the name is taken within the batch
        (HospitalData("新院", "31", "沪样"), ["消化科", "消化科"]),
        (HospitalData("新院", "99"), []),
        (HospitalData("新院", "31"), [""]),
    ],
)
def test_one_that_is_wrong_takes_back_all(app: Portal, manager: Actor, wrong: tuple[HospitalData, list[str]]) -> None:
    with pytest.raises(Invalid), unit_of_work():
        service.create_many(manager, [*GIVEN, wrong])
    with unit_of_work(write=False):
        assert world()[:3] == ([], [], []) and queries.search("样例") == []


def test_none_is_nothing_and_scope_holds(app: Portal, manager: Actor) -> None:
    with unit_of_work():
        assert service.create_many(manager, []) == []
    bounded = staff(Permission.HOSPITALS_MANAGE, provinces=frozenset({"31"}))
    with pytest.raises(Forbidden), unit_of_work():
        service.create_many(bounded, GIVEN)


def test_numbers_taken_together_follow_each_other(app: Portal) -> None:
    with unit_of_work():
        one, many, last = next_serial("XX"), next_serials("XX", 3), next_serial("XX")
    assert [int(number[-4:]) for number in (one, *many, last)] == [1, 2, 3, 4, 5]
