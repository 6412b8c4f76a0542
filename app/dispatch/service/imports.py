"""Engineers and dealers from a workbook: a trial that writes nothing, then the same rows for good.

Both runs go through the verbs of the records, so that an import can do nothing that a page refuses. A row that is
refused is told with all that is wrong; the others are taken. Twice is once: what is there already is left alone.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit
from app.core.db import db
from app.core.errors import DomainError, Invalid
from app.core.policy import Actor, Permission
from app.core.unit_of_work import savepoint
from app.core.workbook import SheetRow
from app.dealers import service as dealers
from app.dealers.lines import LINE_LABELS
from app.dealers.models import Dealer, DealerRole
from app.dealers.service import DealerData
from app.dealers.words import ROLE_LABELS
from app.dispatch.models import SKILL_LABELS, Engineer, EngineerSkill
from app.dispatch.service import people
from app.dispatch.service.people import EngineerData
from app.hospitals.provinces import PROVINCES
from app.staff.models import StaffAccount

_PLACES: Mapping[str, Any] = {
    "provinces": _l("省份"), "product_lines": _l("产品线"), "capacity": _l("每半天单数"), "lat": _l("纬度"),
    "lon": _l("经度"),
}  # fmt: skip
ENGINEER_COLUMNS: Mapping[str, Any] = {
    "email": _l("邮箱"), "base_name": _l("服务点"), "work_number": _l("工作电话"), **_PLACES, "skill": _l("技能"),
    "certificate": _l("证书编号"), "valid_from": _l("第一天"), "valid_until": _l("最后一天"),
}  # fmt: skip
DEALER_COLUMNS: Mapping[str, Any] = {"name": _l("名称"), "role": _l("处理角色"), **_PLACES}


class Outcome(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became, or would become, of one row."""

    number: int
    name: str
    outcome: Outcome
    why: tuple[Any, ...] = ()


class _Trial(Exception):
    """Takes back what a trial row has written."""


Take = Callable[[Actor, Mapping[str, str]], Outcome]


def engineers(actor: Actor, rows: Sequence[SheetRow], *, apply: bool) -> list[RowResult]:
    """An account is found by its e-mail; a person may stand on several rows, one certificate on each."""
    actor.require(people.MANAGE)
    return _run(actor, rows, _engineer, "email", "engineers.imported", apply=apply)


def partners(actor: Actor, rows: Sequence[SheetRow], *, apply: bool) -> list[RowResult]:
    """A dealer is found by its name. Contracts are registered by hand, with their file."""
    actor.require(Permission.DEALERS_MANAGE)
    return _run(actor, rows, _dealer, "name", "dealers.imported", apply=apply)


def _run(actor: Actor, rows: Sequence[SheetRow], take: Take, name: str, event: str, *, apply: bool) -> list[RowResult]:
    """Each row alone in a savepoint. A trial keeps them open to the end, so that later rows see earlier ones."""
    found: list[RowResult] = []
    try:
        with savepoint():
            for row in rows:
                found.append(_one(actor, row, take, name))
            if not apply:
                raise _Trial()
    except _Trial:
        return found
    audit.record(event, actor, "import", actor.id)
    return found


def _one(actor: Actor, row: SheetRow, take: Take, name: str) -> RowResult:
    shown = row.cells.get(name, "")
    try:
        with savepoint():
            return RowResult(row.number, shown, take(actor, row.cells))
    except Invalid as refused:
        why = tuple(message for messages in refused.fields.values() for message in messages) or (refused.message,)
        return RowResult(row.number, shown, Outcome.REFUSED, why)
    except DomainError as refused:
        return RowResult(row.number, shown, Outcome.REFUSED, (refused.message,))


def _engineer(actor: Actor, cells: Mapping[str, str]) -> Outcome:
    email = cells["email"].lower()
    staff_id = db.session.scalar(sa.select(StaffAccount.id).where(StaffAccount.email == email))
    if staff_id is None:
        raise Invalid(fields={"email": [_l("没有这个邮箱的账号，请先在员工页邀请。")]})
    wrong: dict[str, list[Any]] = {}
    place = _place(cells, wrong)
    held = _parsed_skill(cells, wrong)
    if wrong:
        raise Invalid(fields=wrong)
    before = db.session.get(Engineer, staff_id)
    version = before.version if before is not None else 0
    active = before.active if before is not None else True
    row = people.keep(
        actor, staff_id, EngineerData(cells["work_number"], cells["base_name"], active=active, **place)
    )  # fmt: skip
    added = held is not None and _add_skill(actor, staff_id, *held)
    if before is None:
        return Outcome.NEW
    return Outcome.CHANGED if row.version != version or added else Outcome.SAME


def _dealer(actor: Actor, cells: Mapping[str, str]) -> Outcome:
    wrong: dict[str, list[Any]] = {}
    place = _place(cells, wrong)
    role = _code(cells["role"] or str(ROLE_LABELS[DealerRole.ENTRUSTED.value]), ROLE_LABELS)
    if role is None:
        wrong["role"] = [_l("没有这个处理角色：%(value)s", value=cells["role"])]
    if wrong or role is None:
        raise Invalid(fields=wrong)
    data = DealerData(cells["name"], role, **place)
    row = db.session.scalars(sa.select(Dealer).where(Dealer.name == " ".join(cells["name"].split()))).one_or_none()
    if row is None:
        dealers.add_dealer(actor, data)
        return Outcome.NEW
    version = row.version
    dealers.change_dealer(actor, row.id, version, data)
    return Outcome.CHANGED if row.version != version else Outcome.SAME


def _place(cells: Mapping[str, str], wrong: dict[str, list[Any]]) -> dict[str, Any]:
    """Territory, lines, capacity and position; what cannot be read is named."""
    titles = {place.code: place.zh for place in PROVINCES}
    provinces = _codes(cells["provinces"], titles, "provinces", _l("没有这个省份：%(value)s"), wrong)
    lines = _codes(cells["product_lines"], LINE_LABELS, "product_lines", _l("没有这个产品线：%(value)s"), wrong)
    capacity = cells["capacity"] or "1"
    if not capacity.isdigit() or len(capacity) > 3:
        wrong["capacity"] = [_l("每半天单数须是整数：%(value)s", value=capacity)]
    numbers: dict[str, float | None] = {}
    for name in ("lat", "lon"):
        try:
            numbers[name] = float(cells[name]) if cells[name] else None
        except ValueError:
            wrong[name] = [_l("不是度数：%(value)s", value=cells[name])]
    return {
        "provinces": provinces, "product_lines": lines, "capacity": int(capacity) if "capacity" not in wrong else 1,
        "lat": numbers.get("lat"), "lon": numbers.get("lon"),
    }  # fmt: skip


def _codes(
    text: str, labels: Mapping[str, Any], field: str, message: Any, wrong: dict[str, list[Any]]
) -> tuple[str, ...]:
    """Names or codes, separated by 、 or a comma."""
    found = []
    for part in filter(None, (piece.strip() for piece in text.replace("，", "、").replace(",", "、").split("、"))):
        code = _code(part, labels)
        if code is None:
            wrong.setdefault(field, []).append(str(message) % {"value": part})
        else:
            found.append(code)
    return tuple(found)


def _code(text: str, labels: Mapping[str, Any]) -> str | None:
    return next((code for code, label in labels.items() if text in (code, str(label))), None)


def _parsed_skill(cells: Mapping[str, str], wrong: dict[str, list[Any]]) -> tuple[str, str, date, date] | None:
    """None where the row names no certificate."""
    if not any(cells[name] for name in ("skill", "certificate", "valid_from", "valid_until")):
        return None
    skill = _code(cells["skill"], SKILL_LABELS)
    if skill is None:
        wrong["skill"] = [_l("没有这项技能：%(value)s", value=cells["skill"])]
    days: list[date] = []
    for name in ("valid_from", "valid_until"):
        try:
            days.append(date.fromisoformat(cells[name]))
        except ValueError:
            wrong[name] = [_l("不是日期：%(value)s", value=cells[name])]
    return (skill, cells["certificate"], days[0], days[1]) if skill is not None and len(days) == 2 else None


def _add_skill(actor: Actor, staff_id: uuid.UUID, skill: str, certificate: str, since: date, until: date) -> bool:
    s = EngineerSkill
    same = sa.select(s.id).where(
        s.engineer_id == staff_id, s.skill == skill, s.certificate == certificate, s.valid_from == since,
        s.valid_until == until,
    )  # fmt: skip
    if db.session.scalar(same) is not None:
        return False
    people.add_skill(actor, staff_id, skill, certificate, since, until)
    return True
