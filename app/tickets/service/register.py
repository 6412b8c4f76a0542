"""The only writer of the device register: add, correct, retire. A device has no person's data."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError

from app.core import audit, clock
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.policy import Actor, Permission
from app.hospitals import queries as hospitals
from app.tickets.models import MODEL_MAX_CHARS, SERIAL_MAX_CHARS, UDI_MAX_CHARS, Device
from app.tickets.queries import register
from app.tickets.queries.devices import plain_serial

MANAGE = Permission.DEVICES_MANAGE
CONTRACT_MAX_CHARS = 40
LATEST_YEAR = 2100


@dataclass(frozen=True, slots=True)
class DeviceData:
    """What a colleague may say about a device; days are the last ones covered."""

    serial_number: str
    model: str
    hospital_id: uuid.UUID | None
    department_id: uuid.UUID | None = None
    udi: str = ""
    warranty_until: date | None = None
    contract_number: str = ""
    contract_until: date | None = None
    active: bool = True


def add_device(actor: Actor, data: DeviceData) -> Device:
    """A new device. Raises Invalid naming every wrong field at once, a taken serial included; Forbidden."""
    row = Device(**_checked(actor, data), created_at=clock.now())
    with _taken():
        db.session.add(row)
    audit.record("device.added", actor, "device", row.id)
    return row


def change_device(actor: Actor, device_id: uuid.UUID, seen_version: int, data: DeviceData) -> Device:
    """Correct it, move it to another hospital or retire it. Raises as `add_device`; Conflict when somebody was faster.

    Tickets keep what they named; a serial that was corrected is searched under its new spelling from now on.
    """
    query = sa.select(Device).where(Device.id == device_id, *register.in_region(actor, MANAGE)).with_for_update()
    row = db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound()
    if row.version != seen_version:
        raise Conflict(_l("这台设备刚刚有人改过，您填写的内容还在。"), code="device_changed")
    values = _checked(actor, data)
    changed = tuple(sorted(name for name, value in values.items() if getattr(row, name) != value))
    if not changed:
        return row
    with _taken():
        for name in changed:
            setattr(row, name, values[name])
        row.version += 1
    audit.record("device.changed", actor, "device", row.id, fields=changed)
    return row


def _checked(actor: Actor, data: DeviceData) -> dict[str, Any]:
    provinces = actor.scope(MANAGE)
    wrong: dict[str, list[Any]] = {}
    serial, model = plain_serial(data.serial_number), data.model.strip()
    udi, contract = "".join(data.udi.split()).upper(), data.contract_number.strip()
    hospital = hospitals.live(data.hospital_id) if data.hospital_id is not None else None
    if hospital is None:
        wrong["hospital_id"] = [_l("请先查找并选择医院。")]
    elif provinces is not None and hospital.province not in provinces:
        raise Forbidden()
    place = data.department_id
    if hospital is not None and place is not None and hospitals.live_department(place, hospital.id) is None:
        wrong["department_id"] = [_l("这个科室不属于所选医院。")]
    limits = (
        ("serial_number", serial or "", SERIAL_MAX_CHARS), ("model", model, MODEL_MAX_CHARS),
        ("udi", udi, UDI_MAX_CHARS), ("contract_number", contract, CONTRACT_MAX_CHARS),
    )  # fmt: skip
    for name, value, limit in limits:
        if len(value) > limit:
            wrong[name] = [_l("最多 %(limit)s 个字。", limit=limit)]
        elif not value and name in ("serial_number", "model"):
            wrong[name] = [_l("请填写。")]
    for name in ("warranty_until", "contract_until"):
        day: date | None = getattr(data, name)
        if day is not None and day.year > LATEST_YEAR:
            wrong[name] = [_l("日期太远。")]
    if wrong or hospital is None:
        raise Invalid(fields=wrong)
    return {
        "serial_number": serial, "model": model, "udi": udi or None, "hospital_id": hospital.id, "department_id": place,
        "warranty_until": data.warranty_until, "contract_number": contract, "contract_until": data.contract_until,
        "active": data.active,
    }  # fmt: skip


@contextmanager
def _taken() -> Iterator[None]:
    """The unique serial as a field's error; the transaction stays usable."""
    try:
        with db.session.begin_nested():
            yield
            db.session.flush()
    except IntegrityError as error:
        message = _l("这个序列号已经登记。")
        raise Invalid(code="serial_taken", fields={"serial_number": [message]}) from error
