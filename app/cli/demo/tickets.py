"""Demo tickets: what hospitals of approved people reported over the last thirty months, and what waits today."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.policy import SYSTEM, Actor
from app.core.unit_of_work import unit_of_work
from app.customers.models import CustomerProfile
from app.hospitals.models import Department
from app.tickets import service
from app.tickets.service import Intake, register
from app.tickets.service.register import DeviceData

MONTHS = 30
MODELS = ("CV-290", "CLV-290SL", "GIF-H290", "CF-H290I", "BF-1TH290", "TJF-260V", "CV-1500", "GIF-XZ1200", "URF-V3")
FAULTS = (
    "图像出现横纹，重启后仍在", "插入部漏水，测漏不通过", "弯曲角度不足，上下不到位", "送气送水不畅，按钮卡住", "主机开机报错，无法进入",
    "光源亮度偏低，灯泡时数已满", "活检孔道堵塞，钳子通不过", "吸引力弱，清洗后无改善", "操作部按键失灵，无法冻结图像", "图像偏红，白平衡无效",
    "洗消后镜面起雾，擦拭无效", "导光束断丝，照明不均", "先端帽松动，需要更换", "显示器无信号，已换线缆",
)  # fmt: skip
DEVICES = 14  # registered per hospital
PLACES = 12  # hospitals with a history; departments of one share its people
HEADS = ("护士长", "科主任", "科副主任", "设备工程师")


@dataclass(frozen=True, slots=True)
class Reporter:
    """An approved person of the demo."""

    customer_id: uuid.UUID
    hospital_id: uuid.UUID
    department_id: uuid.UUID
    since: datetime


@dataclass(frozen=True, slots=True)
class Scope:
    """A registered device by what reports name of it."""

    model: str
    serial: str


def load(rng: random.Random, size: int) -> None:
    """About ``size`` tickets: four fifths from the system before this one, the rest open; devices of their hospitals."""
    with unit_of_work(write=False):
        found = reporters()
        wards = {r.hospital_id: departments(r.hospital_id) for r in found}
    now, per_place = clock.now(), max(12, size // PLACES)
    for place in list(dict.fromkeys(r.hospital_id for r in found))[:PLACES]:
        people = [r for r in found if r.hospital_id == place]
        with unit_of_work():
            scopes = [device(rng, place, rng.choice(wards[place]), now) for _n in range(DEVICES)]
            for _n in range(per_place):
                _past(rng, rng.choice(people), wards[place], scopes, now)
        for reporter in people[:3]:
            _waiting(rng, reporter, scopes, now)


def reporters() -> list[Reporter]:
    """People in force, those whose position may lead a department first."""
    p = CustomerProfile
    rows = db.session.execute(
        sa.select(p.customer_id, p.hospital_id, p.department_id, p.effective_at)
        .where(p.ended_at.is_(None), p.suspended_at.is_(None), p.effective_at <= clock.now())
        .order_by(p.position.not_in(HEADS), p.effective_at, p.id)
    )
    return [
        Reporter(row.customer_id, row.hospital_id, row.department_id, row.effective_at)
        for row in rows
        if row.hospital_id is not None and row.department_id is not None
    ]


def departments(hospital_id: uuid.UUID) -> list[uuid.UUID]:
    rows = sa.select(Department.id).where(Department.hospital_id == hospital_id, Department.merged_into.is_(None))
    return list(db.session.scalars(rows.order_by(Department.name_key)))


def device(rng: random.Random, hospital_id: uuid.UUID, ward: uuid.UUID, now: datetime) -> Scope:
    """Most are covered by a warranty or a contract, some by neither any more."""
    made = Scope(rng.choice(MODELS), f"{rng.randrange(10**7):07d}")
    warranty = (now + timedelta(days=rng.randint(-500, 700))).date()
    contract = (now + timedelta(days=rng.randint(-100, 900))).date() if rng.random() < 0.4 else None
    number = f"HT-{rng.randrange(10**5):05d}" if contract is not None else ""
    register.add_device(
        SYSTEM,
        DeviceData(
            made.serial, made.model, hospital_id, ward, warranty_until=warranty, contract_number=number,
            contract_until=contract,
        ),
    )  # fmt: skip
    return made


def _intake(
    rng: random.Random, hospital_id: uuid.UUID, caller: uuid.UUID, device: uuid.UUID, scopes: list[Scope]
) -> Intake:
    """Nine in ten name a device of the register; the others a serial that was misread or never registered."""
    known = rng.choice(scopes)
    serial = known.serial if rng.random() < 0.9 else f"{rng.randrange(10**7):07d}"
    return Intake(hospital_id, rng.choice(FAULTS), device, known.model, serial, caller)


def _past(rng: random.Random, reporter: Reporter, wards: list[uuid.UUID], scopes: list[Scope], now: datetime) -> None:
    """One that ended: from the person's own department mostly, some by colleagues who rang up."""
    opened = now - timedelta(days=rng.randint(20, MONTHS * 30), minutes=rng.randint(0, 600))
    own = rng.random() < 0.45
    caller = reporter.department_id if own or rng.random() < 0.4 else rng.choice(wards)
    intake = _intake(rng, reporter.hospital_id, caller, rng.choice(wards), scopes)
    closed = min(opened + timedelta(days=rng.randint(1, 15)), now)
    service.take_over(
        SYSTEM, intake, opened_at=opened, closed_at=closed, customer_id=reporter.customer_id if own else None
    )


def _waiting(rng: random.Random, reporter: Reporter, scopes: list[Scope], now: datetime) -> None:
    at = max(reporter.since + timedelta(minutes=5), now - timedelta(hours=rng.randint(1, 30)))
    with clock.frozen(min(at, now)), unit_of_work():
        intake = _intake(rng, reporter.hospital_id, reporter.department_id, reporter.department_id, scopes)
        service.record_ticket(Actor("customer", reporter.customer_id), intake)
