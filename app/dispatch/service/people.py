"""The only writer of engineers' records: profile, certificates, shifts, absences.

An account with the role `engineer` gets a profile here; without one he is nobody's candidate. What was valid on a day
stays told: a certificate is added, never rewritten, and an absence is cut short, not deleted, once it has begun.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, clock
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.policy import Actor, Permission
from app.dealers.reach import columns, wrong_in
from app.dealers.service.contracts import midnight
from app.dispatch.models import ABSENCE_REASONS, Absence, Engineer, EngineerShift, EngineerSkill, Half, Skill
from app.staff.models import RoleAssignment, StaffAccount
from app.staff.roles import Role

MANAGE = Permission.ENGINEERS_MANAGE
CAPACITY_MOST, BASE_MAX_CHARS, NUMBER_MAX_CHARS, CERTIFICATE_MAX_CHARS = 8, 60, 20, 40
LONGEST_ABSENCE = timedelta(days=366)
PHONE = re.compile(r"[0-9+\-() ]{0,20}")


@dataclass(frozen=True, slots=True)
class EngineerData:
    """What a person may say about an engineer; coordinates in degrees, of the service point."""

    work_number: str = ""
    base_name: str = ""
    lat: float | None = None
    lon: float | None = None
    provinces: tuple[str, ...] = ()
    product_lines: tuple[str, ...] = ()
    capacity: int = 1
    active: bool = True


def keep(actor: Actor, staff_id: uuid.UUID, data: EngineerData, version: int | None = None) -> Engineer:
    """Create the profile of an account, or change it. ``version`` is what the page showed; None: whatever it is.

    Raises NotFound for an account without the role, Conflict when somebody was faster, Forbidden for a territory
    outside of the actor's own, Invalid naming every wrong field.
    """
    provinces = actor.scope(MANAGE)
    values = _checked(data)
    row = _locked(staff_id)
    touched = set(values["provinces"]) | set(row.provinces if row is not None else ())
    if provinces is not None and not touched <= provinces:
        raise Forbidden(_l("服务区域超出了您管理的省份。"))
    if row is None:
        _engineers_account(staff_id)
        row = Engineer(staff_id=staff_id, created_at=clock.now(), **values)
        db.session.add(row)
        db.session.flush()
        audit.record("engineer.added", actor, "engineer", staff_id)
        return row
    if version is not None and row.version != version:
        raise Conflict(_l("这位工程师的资料刚刚有人改过，您填写的内容还在。"), code="engineer_changed")
    changed = tuple(sorted(name for name, value in values.items() if getattr(row, name) != value))
    if changed:
        for name in changed:
            setattr(row, name, values[name])
        row.version += 1
        db.session.flush()
        audit.record("engineer.changed", actor, "engineer", staff_id, fields=changed)
    return row


def add_skill(
    actor: Actor, engineer_id: uuid.UUID, skill: str, certificate: str, since: date | None, until: date | None
) -> EngineerSkill:
    """A certificate, valid from one day to another, both included. Raises Invalid naming every wrong field."""
    of(actor, engineer_id)
    wrong: dict[str, list[Any]] = {}
    if skill not in set(Skill):
        wrong["skill"] = [_l("请选择技能。")]
    if not certificate.strip() or len(certificate.strip()) > CERTIFICATE_MAX_CHARS:
        wrong["certificate"] = [_l("请填写证书编号，最多 %(limit)s 个字。", limit=CERTIFICATE_MAX_CHARS)]
    if since is None or until is None:
        wrong["valid_from" if since is None else "valid_until"] = [_l("请填写日期。")]
    elif until < since:
        wrong["valid_until"] = [_l("最后一天不能早于第一天。")]
    if wrong or since is None or until is None:
        raise Invalid(fields=wrong)
    row = EngineerSkill(
        engineer_id=engineer_id, skill=skill, certificate=certificate.strip(), valid_from=since, valid_until=until
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record("engineer.skill_added", actor, "engineer", engineer_id)
    return row


def end_skill(actor: Actor, engineer_id: uuid.UUID, skill_id: uuid.UUID) -> None:
    """A certificate that was withdrawn ends yesterday; one that had not begun is taken away."""
    of(actor, engineer_id)
    row = db.session.get(EngineerSkill, skill_id, with_for_update=True)
    if row is None or row.engineer_id != engineer_id:
        raise NotFound()
    yesterday = clock.today() - timedelta(days=1)
    if row.valid_from > yesterday:
        db.session.delete(row)
    else:
        row.valid_until = min(row.valid_until, yesterday)
    db.session.flush()
    audit.record("engineer.skill_ended", actor, "engineer", engineer_id)


def set_shifts(actor: Actor, engineer_id: uuid.UUID, halves: Iterable[tuple[int, str]]) -> None:
    """The half days of a week on which he works; none at all means every working day."""
    of(actor, engineer_id)
    wanted = set(halves)
    if any(not 0 <= day <= 6 or half not in set(Half) for day, half in wanted):
        raise Invalid(fields={"halves": [_l("没有这个选项。")]})
    held = {(row.weekday, row.half): row for row in shifts(engineer_id)}
    for key, row in held.items():
        if key not in wanted:
            db.session.delete(row)
    for weekday, half in wanted - set(held):
        db.session.add(EngineerShift(engineer_id=engineer_id, weekday=weekday, half=half))
    db.session.flush()
    if wanted != set(held):
        audit.record("engineer.shifts_changed", actor, "engineer", engineer_id)


def shifts(engineer_id: uuid.UUID) -> list[EngineerShift]:
    return list(db.session.scalars(sa.select(EngineerShift).where(EngineerShift.engineer_id == engineer_id)))


def add_absence(actor: Actor, engineer_id: uuid.UUID, first: date | None, last: date | None, reason: str) -> Absence:
    """Whole days, both included. What is planned inside stays planned until a dispatcher moves it: he is told."""
    of(actor, engineer_id)
    wrong: dict[str, list[Any]] = {}
    if first is None or last is None:
        wrong["first" if first is None else "last"] = [_l("请填写日期。")]
    elif last < first or last - first > LONGEST_ABSENCE:
        wrong["last"] = [_l("最后一天不能早于第一天，也不能超过一年。")]
    if reason not in ABSENCE_REASONS:
        wrong["reason"] = [_l("请选择原因。")]
    if wrong or first is None or last is None:
        raise Invalid(fields=wrong)
    starts, ends = midnight(first), midnight(last + timedelta(days=1))
    twice = sa.select(Absence.id).where(
        Absence.engineer_id == engineer_id, Absence.starts_at == starts, Absence.ends_at == ends
    )
    if db.session.scalar(twice) is not None:
        raise Invalid(fields={"first": [_l("这段缺勤已经登记。")]})
    row = Absence(
        engineer_id=engineer_id, starts_at=starts, ends_at=ends, reason=reason, entered_by=actor.id,
        entered_at=clock.now(),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record("engineer.absence_added", actor, "engineer", engineer_id)
    return row


def end_absence(actor: Actor, engineer_id: uuid.UUID, absence_id: uuid.UUID) -> None:
    """Back earlier: one that has begun ends now, one that has not is taken away."""
    of(actor, engineer_id)
    row = db.session.get(Absence, absence_id, with_for_update=True)
    if row is None or row.engineer_id != engineer_id:
        raise NotFound()
    now: datetime = clock.now()
    if row.starts_at >= now:
        db.session.delete(row)
    else:
        row.ends_at = min(row.ends_at, now)
    db.session.flush()
    audit.record("engineer.absence_ended", actor, "engineer", engineer_id)


def of(actor: Actor, engineer_id: uuid.UUID) -> Engineer:
    """The profile, locked. Raises NotFound where the actor manages none of his provinces, Forbidden."""
    provinces = actor.scope(MANAGE)
    row = _locked(engineer_id)
    if row is None or (provinces is not None and not provinces & set(row.provinces)):
        raise NotFound()
    return row


def _locked(staff_id: uuid.UUID) -> Engineer | None:
    query = sa.select(Engineer).where(Engineer.staff_id == staff_id).with_for_update()
    return db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def _engineers_account(staff_id: uuid.UUID) -> None:
    query = sa.select(StaffAccount.id).join(RoleAssignment, RoleAssignment.staff_id == StaffAccount.id)
    query = query.where(StaffAccount.id == staff_id, RoleAssignment.role == Role.ENGINEER.value)
    if db.session.scalar(query) is None:
        raise NotFound()


def _checked(data: EngineerData) -> dict[str, Any]:
    wrong = wrong_in(data, CAPACITY_MOST)
    base, number = " ".join(data.base_name.split()), data.work_number.strip()
    if len(base) > BASE_MAX_CHARS:
        wrong["base_name"] = [_l("最多 %(limit)s 个字。", limit=BASE_MAX_CHARS)]
    if not PHONE.fullmatch(number):
        wrong["work_number"] = [_l("请填写电话号码，最多 %(limit)s 位。", limit=NUMBER_MAX_CHARS)]
    if wrong:
        raise Invalid(fields=wrong)
    return {"base_name": base, "work_number": number, "active": data.active, **columns(data)}
