"""Create, change, end and merge hospitals and departments. Each act keeps the search index and the audit log."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError

from app.core import audit, search
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.policy import Actor, Permission
from app.core.serials import next_serial, next_serials
from app.hospitals import provinces, queries
from app.hospitals.models import NAME_MAX_CHARS, Department, Hospital, UnknownName, hospital_index

MANAGE = Permission.HOSPITALS_MANAGE
ALIASES_MAX = 20
CITY_MAX_CHARS = 40


@dataclass(frozen=True, slots=True)
class HospitalData:
    """What a person may say about a hospital; ``province`` is a GB/T 2260 code, the position in degrees."""

    name: str
    province: str
    city: str = ""
    aliases: tuple[str, ...] = ()
    lat: float | None = None
    lon: float | None = None


def create_hospital(actor: Actor, data: HospitalData, *, code: str | None = None) -> Hospital:
    """A new hospital. Raises Invalid naming the field (taken name, unknown province), Forbidden outside the scope."""
    values = _checked(actor, data)
    row = Hospital(code=code or next_serial("HOS"), **values)
    with _field_errors("name", _l("这座城市已有同名医院。")):
        db.session.add(row)
    hospital_index.put(row.id, row.name, *row.aliases)
    audit.record("hospital.created", actor, "hospital", row.id)
    return row


def create_many(actor: Actor, found: Sequence[tuple[HospitalData, Sequence[str]]]) -> list[Hospital]:
    """Hospitals with the names of their departments: as `create_hospital` and `add_department`, in few statements.

    All or nothing. Raises what those raise, of the first that is wrong; Invalid without saying which when a name is
    taken.
    """
    rows: list[Hospital] = []
    departments: list[Department] = []
    codes = next_serials("HOS", len(found)) if found else []
    for code, (data, names) in zip(codes, found, strict=True):
        rows.append(Hospital(code=code, **_checked(actor, data)))
        audit.record("hospital.created", actor, "hospital", rows[-1].id)
        for name, key in map(checked_name, names):
            departments.append(Department(hospital_id=rows[-1].id, name=name, name_key=key))
            audit.record("department.created", actor, "department", departments[-1].id)
    with _field_errors("name", _l("有医院或科室的名称已被占用。")):
        db.session.add_all([*rows, *departments])
    hospital_index.put_many((row.id, (row.name, *row.aliases)) for row in rows)
    return rows


def update_hospital(actor: Actor, hospital_id: uuid.UUID, data: HospitalData) -> Hospital:
    """Rename, move or correct. The old name stays findable when it is given as an alias."""
    row = _changeable(actor, hospital_id)
    values = _checked(actor, data)
    changed = tuple(name for name, value in values.items() if getattr(row, name) != value and name != "name_key")
    if not changed:
        return row
    with _field_errors("name", _l("这座城市已有同名医院。")):
        for name, value in values.items():
            setattr(row, name, value)
    hospital_index.put(row.id, row.name, *row.aliases)
    audit.record("hospital.changed", actor, "hospital", row.id, fields=changed)
    return row


def set_active(actor: Actor, hospital_id: uuid.UUID, active: bool) -> Hospital:
    """Whether new registrations may name it; what exists stays."""
    row = _changeable(actor, hospital_id)
    if row.active != active:
        row.active = active
        db.session.flush()
        audit.record("hospital.activated" if active else "hospital.deactivated", actor, "hospital", row.id)
    return row


def merge_hospitals(actor: Actor, hospital_id: uuid.UUID, into_code: str) -> Hospital:
    """Fold a duplicate into another hospital and answer that one.

    Names become aliases, departments move (those of the same name become one), typed names that were mapped here are
    mapped there. Refused when the target is itself, merged, inactive or outside the actor's provinces. Not undoable.
    """
    row = _changeable(actor, hospital_id)
    code = search.normalise(into_code).upper()
    target = db.session.scalar(sa.select(Hospital).where(Hospital.code == code))
    if target is None or not _within(actor, target.province):
        raise Invalid(fields={"into_code": [_l("没有这个编号的医院。")]})
    if target.id == row.id:
        raise Invalid(fields={"into_code": [_l("不能合并到它自己。")]})
    if not target.live:
        raise Invalid(fields={"into_code": [_l("目标医院已停用或已被合并。")]})
    aliases = [name for name in dict.fromkeys((*target.aliases, row.name, *row.aliases)) if name != target.name]
    if len(aliases) > ALIASES_MAX:
        raise Invalid(fields={"into_code": [_l("合并后别名超过 %(max)s 个，请先清理别名。", max=ALIASES_MAX)]})
    target.aliases = aliases
    row.merged_into, row.active = target.id, False
    db.session.flush()
    _move_departments(row.id, target.id)
    for table, column in ((Hospital, Hospital.merged_into), (UnknownName, UnknownName.mapped_hospital_id)):
        db.session.execute(sa.update(table).where(column == row.id).values({column.key: target.id}))
    hospital_index.remove(row.id)
    hospital_index.put(target.id, target.name, *target.aliases)
    audit.record("hospital.merged", actor, "hospital", row.id, fields=("merged_into",))
    audit.record("hospital.changed", actor, "hospital", target.id, fields=("aliases",))
    return target


def _move_departments(source_id: uuid.UUID, target_id: uuid.UUID) -> None:
    """Departments whose name the target lacks move; the others are folded into their namesake."""
    known = {row.name_key: row for row in queries.departments(target_id, active_only=False)}
    for row in queries.departments(source_id, active_only=False):
        namesake = known.get(row.name_key)
        if namesake is None:
            row.hospital_id = target_id
            continue
        row.merged_into, row.active = namesake.id, False
        namesake.active = True
        db.session.flush()
        for table, column in (
            (Department, Department.merged_into),
            (Department, Department.parent_id),
            (UnknownName, UnknownName.mapped_department_id),
        ):
            db.session.execute(sa.update(table).where(column == row.id).values({column.key: namesake.id}))
    db.session.flush()


def add_department(
    actor: Actor, hospital_id: uuid.UUID, name: str, *, parent_id: uuid.UUID | None = None
) -> Department:
    """A new department; ``parent_id`` is another one of the same hospital. Raises Invalid on a taken name."""
    hospital = _changeable(actor, hospital_id)
    name, key = checked_name(name)
    if parent_id is not None and queries.live_department(parent_id, hospital.id) is None:
        raise Invalid(fields={"parent_id": [_l("上级科室不属于这家医院。")]})
    row = Department(hospital_id=hospital.id, name=name, name_key=key, parent_id=parent_id)
    with _field_errors("name", _l("这家医院已有同名科室。")):
        db.session.add(row)
    db.session.expire(hospital, ["departments"])
    audit.record("department.created", actor, "department", row.id)
    return row


def set_department_active(actor: Actor, hospital_id: uuid.UUID, department_id: uuid.UUID, active: bool) -> Department:
    hospital = _changeable(actor, hospital_id)
    row = db.session.get(Department, department_id)
    if row is None or row.hospital_id != hospital.id or row.merged_into is not None:
        raise NotFound()
    if row.active != active:
        row.active = active
        db.session.flush()
        audit.record("department.activated" if active else "department.deactivated", actor, "department", row.id)
    return row


def checked_name(name: str) -> tuple[str, str]:
    """A presentable name and its key; raises Invalid when there is nothing readable in it."""
    shown = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    key = search.normalise(shown)
    if not search.bigrams(key):
        raise Invalid(fields={"name": [_l("请填写名称。")]})
    if max(len(shown), len(key)) > NAME_MAX_CHARS:
        raise Invalid(fields={"name": [_l("名称不超过 %(max)s 个字。", max=NAME_MAX_CHARS)]})
    return shown, key


def _checked(actor: Actor, data: HospitalData) -> dict[str, Any]:
    """Column values, or Invalid with all wrong fields at once."""
    errors: dict[str, Any] = {}
    name = key = ""
    try:
        name, key = checked_name(data.name)
    except Invalid as error:
        errors.update(error.fields)
    aliases = list(dict.fromkeys(alias for alias in (_line(text) for text in data.aliases) if alias and alias != name))
    if data.province not in provinces.BY_CODE:
        errors["province"] = [_l("请选择省份。")]
    if len(_line(data.city)) > CITY_MAX_CHARS:
        errors["city"] = [_l("城市不超过 %(max)s 个字。", max=CITY_MAX_CHARS)]
    if len(aliases) > ALIASES_MAX or any(len(alias) > NAME_MAX_CHARS for alias in aliases):
        bounds = {"max": ALIASES_MAX, "chars": NAME_MAX_CHARS}
        errors["aliases"] = [_l("别名不超过 %(max)s 个，每个不超过 %(chars)s 个字。", **bounds)]
    for field, value, bound in (("lat", data.lat, 90), ("lon", data.lon, 180)):
        if value is not None and not -bound <= value <= bound:
            errors[field] = [_l("请输入 -%(bound)s 到 %(bound)s 之间的度数。", bound=bound)]
    if (data.lat is None) != (data.lon is None):
        errors["lat" if data.lat is None else "lon"] = [_l("纬度和经度要么都填，要么都不填。")]
    if errors:
        raise Invalid(fields=errors)
    if not _within(actor, data.province):
        raise Forbidden()
    return {
        "name": name, "name_key": key, "province": data.province, "city": _line(data.city), "aliases": aliases,
        "lat": data.lat, "lon": data.lon,
    }  # fmt: skip


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _within(actor: Actor, province: str) -> bool:
    scope = actor.scope(MANAGE)
    return scope is None or province in scope


def _changeable(actor: Actor, hospital_id: uuid.UUID) -> Hospital:
    row = queries.get(actor, hospital_id, MANAGE)
    if row.merged_into is not None:
        raise Conflict(_l("这家医院已被合并，不能再改动。"))
    return row


@contextmanager
def _field_errors(field: str, message: Any) -> Iterator[None]:
    """A unique constraint violated inside becomes an error of ``field``; the transaction goes on."""
    try:
        with db.session.begin_nested():
            yield
            db.session.flush()
    except IntegrityError as error:
        raise Invalid(fields={field: [message]}) from error
