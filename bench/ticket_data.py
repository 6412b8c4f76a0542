"""Tickets in bulk with all that their pages read: people, devices, history, messages, clocks, warnings, search tokens.

What is made one by one has real ciphertext and tokens of it; the rest are copies that the database makes (`copies`),
whose texts are empty while their tokens stand. Open tickets have their log of clocks and their warnings, ended ones
only their stopped clocks.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.core import calendar, clock, keys
from app.core.db import db, new_id
from app.core.keys import cipher, keystore
from app.core.sealed import sealed_attributes
from app.core.sealed_search import SealedToken
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.customers.models import Customer
from app.hospitals.models import Hospital, hospital_index
from app.hospitals.provinces import PROVINCES
from app.tickets.models import NEVER, Device, Escalation, SlaClock, SlaEvent, Ticket, TicketEvent, TicketMessage
from app.tickets.models.ticket import fault_tokens
from app.tickets.service import daily
from app.tickets.sla import policy
from app.tickets.sla.metrics import Metric
from bench import copies

MADE = 20_000
BATCH = 5_000
SUBJECTS = 2_000
HOSPITALS = 2_000
DEVICES = 5_000
YEARS = 4
FULL = 1_200  # of each kind that a tab counts: every capped count reaches its cap at all sizes
OPEN = {
    "submitted": 0.02, "need_info": 0.01, "to_dispatch": 0.01, "scheduled": 0.008, "in_depot": 0.004,
    "triaging": 0.003, "resolved": 0.003, "on_site": 0.002,
}  # fmt: skip
COUNTED = ("submitted", "need_info")
ENDED = {"closed": 90, "cancelled": 4, "rejected": 3, "merged": 3}
COMMON, RARE = "漏水", "胃镜"  # in one of ten reports, in one of a thousand
FAULTS = (
    "插入部漏水测漏不通过", "图像出现横纹", "弯曲角度不足", "送气送水不畅", "主机开机报错", "光源亮度偏低",
    "活检孔道堵塞", "吸引力弱无改善", "操作部按键失灵", "图像偏红",
)  # fmt: skip
MODELS = ("CV-290", "GIF-H290", "CF-HQ290", "PCF-H290", "BF-1T290", "TJF-Q290", "CLV-290", "OEV-262")
METRICS = ("first_touch", "response", "dispatch", "resolution")
PHONE = sealed_attributes["customer", "phone"]
SHARED = frozenset(
    (table, column)
    for table in ("ticket", "ticket_event", "ticket_message", "sla_event", "device")
    for column in ("subject_id", "customer_id", "hospital_id", "by_id", "triager_id")
)
WORLD = (Device, Ticket, TicketEvent, TicketMessage, SlaClock, SlaEvent, Escalation)


def fill(app: Portal, count: int, seed: int = 13) -> None:
    """``count`` tickets of `YEARS` years; beyond `MADE` in multiples of it."""
    made = min(count, MADE)
    with app.app_context():
        with unit_of_work():
            calendar.seed()
            policy.seed()
            terms = calendar.freeze()
            maker = Maker(random.Random(seed), terms)
            maker.places()
        statuses = _statuses(maker.rng, made)
        for start in range(0, made, BATCH):
            with unit_of_work():
                maker.batch(statuses[start : start + BATCH], start)
        if count > made:
            copies.worlds(count // made, WORLD, SHARED)
            _tokens(count // made)
        with unit_of_work():
            daily.name_all()
        copies.settle()


def hospital_name(n: int) -> str:
    return f"样例第{n:04}医院"


def _statuses(rng: random.Random, count: int) -> list[str]:
    floor = min(FULL, count // 8)
    wanted = {s: max(int(share * count), floor if s in COUNTED else 1) for s, share in OPEN.items()}
    found = [status for status, number in wanted.items() for _ in range(number)]
    found += rng.choices(list(ENDED), list(ENDED.values()), k=count - len(found))
    rng.shuffle(found)
    return found


class Maker:
    """What the rows share: hospitals, people with keys, devices."""

    def __init__(self, rng: random.Random, terms: int) -> None:
        self.rng, self.terms, self.now, self.days = rng, terms, clock.now(), calendar.current()
        self.subjects = keys.new_subjects(SUBJECTS)
        self.ciphers = [AESGCM(secret) for secret in map(keystore.load(self.subjects).__getitem__, self.subjects)]
        self.hospitals = [(new_id(), rng.choice(PROVINCES).code) for _n in range(HOSPITALS)]
        self.people = [new_id() for _n in self.subjects]
        self.devices = [new_id() for _n in range(DEVICES)]

    def places(self) -> None:
        named = {"aliases": [], "city": "", "active": True}
        db.session.execute(
            sa.insert(Hospital),
            [
                {"id": h, "code": f"B{n:07}", "name": hospital_name(n), "name_key": hospital_name(n), "province": p}
                | named
                for n, (h, p) in enumerate(self.hospitals)
            ],
        )
        hospital_index.put_many((h, [hospital_name(n)]) for n, (h, _p) in enumerate(self.hospitals))
        db.session.execute(sa.insert(Customer), [self._person(n) for n in range(SUBJECTS)])
        db.session.execute(sa.insert(Device), [self._device(n) for n in range(DEVICES)])

    def _person(self, n: int) -> dict[str, Any]:
        number, index = f"+8613900{n:06}", None
        index, tail = PHONE.indexes(number)
        return {
            "id": self.people[n], "subject_id": self.subjects[n], "created_at": self.now, "last_used_at": self.now,
            "name_failures": 0, "version": 1, "phone_index": index, "phone_tail": tail,
            "phone_sealed": _seal(self.ciphers[n], number, "customer.phone_sealed", self.people[n]),
        }  # fmt: skip

    def _device(self, n: int) -> dict[str, Any]:
        return {
            "id": self.devices[n], "serial_number": serial(n), "model": MODELS[n % len(MODELS)],
            "hospital_id": self.hospitals[n % HOSPITALS][0], "contract_number": "", "active": True, "version": 1,
            "created_at": self.now,
        }  # fmt: skip

    def batch(self, statuses: list[str], start: int) -> None:
        rows = [self.ticket(n, status) for n, status in enumerate(statuses, start)]
        tickets = [row for row, _text in rows]
        for model, made in (
            (Ticket, tickets),
            (TicketEvent, [e for row in tickets for e in self.events(row)]),
            (TicketMessage, [self.message(row) for row in tickets if self.rng.random() < 0.3]),
        ):
            db.session.execute(sa.insert(model), made)
        clocks = [c for row in tickets for c in self.clocks(row)]
        db.session.execute(sa.insert(SlaClock), clocks)
        going = [row for row in tickets if row["due_at"] != NEVER]
        db.session.execute(sa.insert(SlaEvent), [e for row in going for e in self.log(row)])
        db.session.execute(sa.insert(Escalation), [w for c in clocks if c["stopped_at"] is None for w in self.warn(c)])
        fault_tokens.put_many((row["id"], text) for row, text in rows)

    def ticket(self, n: int, status: str) -> tuple[dict[str, Any], str]:
        rng, k, device = self.rng, self.rng.randrange(SUBJECTS), self.rng.randrange(DEVICES)
        ended = status in ENDED
        at = self.now - timedelta(minutes=rng.randrange(3_000, YEARS * 525_600) if ended else rng.randrange(30, 9_000))
        text = FAULTS[n % len(FAULTS)] + (RARE if n % 1_000 == 7 else "")
        ticket_id, place = new_id(), self.hospitals[device % HOSPITALS]
        priority = None if status == "submitted" else rng.choice(("p2", "p3", "p4"))
        return {
            "id": ticket_id, "number": f"TKT-B{n:012d}", "subject_id": self.subjects[k], "customer_id": self.people[k],
            "source": "mini_program", "hospital_id": place[0], "province": place[1],
            "device_model": MODELS[device % len(MODELS)], "serial_number": serial(device),
            "device_id": self.devices[device], "status": status, "version": 4 if status != "submitted" else 1,
            "opened_at": at, "changed_at": at, "closed_at": at + timedelta(days=3) if ended else None,
            "due_at": NEVER if ended else min(self.due(at, priority, m) for m in running(status)),
            "priority": priority,
            "fault_class": "" if status == "submitted" else rng.choice(("leak", "image", "channel", "light")),
            "fault_sealed": _seal(self.ciphers[k], text, "ticket.fault_sealed", ticket_id),
        }, text  # fmt: skip

    def due(self, opened: datetime, priority: str | None, metric: str) -> datetime:
        """As the services reckon it: office time of the promised hours after the report."""
        return self.days.add_working_time(opened, timedelta(seconds=budget(priority, metric)))

    def events(self, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
        steps = [("submit_ticket", None, "submitted"), ("claim_ticket", "submitted", "triaging")]
        steps += [("finish_triage", "triaging", "to_dispatch"), ("note", "to_dispatch", row["status"])]
        for n, (action, source, target) in enumerate(steps[: row["version"]], start=1):
            yield {
                "id": new_id(), "ticket_id": row["id"], "version": n, "action": action, "status_from": source,
                "status_to": target, "by_kind": "customer" if n == 1 else "staff", "by_name": "" if n == 1 else "样例",
                "at": row["opened_at"] + timedelta(minutes=n), "reason": "", "subject_id": row["subject_id"],
            }  # fmt: skip

    def message(self, row: dict[str, Any]) -> dict[str, Any]:
        message_id = new_id()
        secret = self.ciphers[self.subjects.index(row["subject_id"])]
        return {
            "id": message_id, "ticket_id": row["id"], "subject_id": row["subject_id"], "direction": "from_customer",
            "text_sealed": _seal(secret, "请尽快处理", "ticket_message.text_sealed", message_id), "questions": [],
            "by_kind": "customer", "by_name": "", "at": row["opened_at"] + timedelta(minutes=9),
        }  # fmt: skip

    def clocks(self, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
        ended = row["due_at"] == NEVER
        going = () if ended else running(row["status"])
        for n, metric in enumerate(("first_touch", "response", "resolution") if len(going) > 2 else METRICS, start=1):
            due = row["opened_at"] + timedelta(days=3) if ended else self.due(row["opened_at"], row["priority"], metric)
            stopped = metric not in going
            yield {
                "id": new_id(), "ticket_id": row["id"], "cycle": 1, "metric": metric, "policy_version": 1,
                "calendar_id": self.terms, "budget_seconds": budget(row["priority"], metric),
                "started_at": row["opened_at"], "due_at": due,
                "stopped_at": row["opened_at"] + timedelta(hours=4 * n) if stopped else None,
                "used_seconds": 1 if stopped else None,
                "outcome": self.rng.choice(("in_time", "in_time", "late")) if stopped else "",
            }  # fmt: skip

    def log(self, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
        starts = ("first_touch", "response", "resolution")
        acts = [("start", metric, 0) for metric in starts]
        if row["status"] != "submitted":
            acts += [("stop", "first_touch", 30), ("stop", "response", 60), ("start", "dispatch", 60)]
        for seq, (act, metric, minutes) in enumerate(acts, start=1):
            yield {
                "id": new_id(), "ticket_id": row["id"], "cycle": 1, "seq": seq, "act": act, "metric": metric,
                "pause": "", "reason": "", "stops": [], "by_name": "", "subject_id": row["subject_id"],
                "at": row["opened_at"] + timedelta(minutes=minutes),
            }  # fmt: skip

    def warn(self, one: dict[str, Any]) -> Iterator[dict[str, Any]]:
        span: timedelta = one["due_at"] - one["started_at"]
        for level in policy.LEVELS:
            at: datetime = one["started_at"] + span * level / 100
            fired = at if at <= self.now else None
            yield {
                "id": new_id(), "clock_id": one["id"], "level": level, "due_at": at, "fired_at": fired, "told_at": fired
            }  # fmt: skip


def running(status: str) -> tuple[str, ...]:
    """Clocks of an open ticket that go."""
    return ("first_touch", "response", "resolution") if status == "submitted" else ("dispatch", "resolution")


def budget(priority: str | None, metric: str) -> int:
    """Seconds of office time that the first version of the promises gives."""
    hours = dict(zip(Metric, policy.FIRST_VERSION[priority or policy.BEFORE_TRIAGE], strict=True))
    return int(hours[Metric(metric)] * 3_600)


def serial(n: int) -> str:
    """Nine characters, of which the first five say which copy it is."""
    return f"00000{n:04}"


def _seal(secret: AESGCM, value: str, place: str, row_id: uuid.UUID) -> bytes:
    return cipher.encrypt(secret, cipher.OWN_KEY, value.encode(), cipher.place_data(place, row_id))


def _tokens(times: int) -> None:
    """Tokens of the copies, as their texts would have them; sorted as the index is, a copy after the other."""
    table: Any = SealedToken.__table__
    postgres = db.engine.dialect.name == "postgresql"
    with unit_of_work():
        moved = (
            "CAST(lpad(to_hex(k), 8, '0') || substr(replace(CAST(ref_id AS text), '-', ''), 9) AS uuid)"
            if postgres
            else "printf('%08x', k) || substr(ref_id, 9)"
        )
        series = f"generate_series(1, {times - 1}) AS n(k)"
        if not postgres:
            series = (
                f"(WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k+1 FROM n LIMIT {times - 1}) SELECT k FROM n)"
            )
        db.session.execute(
            sa.text(
                f"INSERT INTO {table.name} (token, ref_id) SELECT token, {moved} FROM {table.name} "
                f"CROSS JOIN {series} {'' if postgres else 'AS n '}ORDER BY 1, 2"
            )
        )
