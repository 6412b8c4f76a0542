"""The device register: who sees and who changes it, one serial once, two people at once, and what a device's page says."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.web import Portal
from app.tickets.models import Device
from tests.features.grants import world
from tests.features.tickets.pages import Office, office
from tests.features.tickets.people import MONDAY
from tests.features.tickets.test_triage_page import HTMX

NEW = "/devices/new"


@pytest.fixture
def o(app: Portal) -> Iterator[Office]:
    with clock.frozen(MONDAY):
        yield office(app)


@pytest.fixture
def at(o: Office) -> world.Place:
    with o.work():
        return world.place("虹桥示范医院", "31")


def card(at: world.Place, **kw: Any) -> dict[str, Any]:
    typed = {
        "serial_number": " 23 45x ", "model": "GIF-H290", "hospital_id": str(at.id), "udi": "0495 3170309236",
        "department_id": str(at.wards["内镜中心"]), "warranty_until": "2026-11-23", "contract_number": "HT-1",
        "contract_until": "2027-01-01", "active": "1", **kw,
    }  # fmt: skip
    return {name: value for name, value in typed.items() if value is not None}


def row(o: Office) -> Device:
    with o.work():
        found = db.session.scalars(sa.select(Device)).one()
        db.session.expunge(found)
        return found


def added(o: Office, at: world.Place, **kw: Any) -> str:
    answer = o.post(NEW, card(at, **kw))
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return str(answer.headers["Location"])


def test_a_device_is_added_as_the_register_spells_it_and_has_a_page(o: Office, at: world.Place) -> None:
    url = added(o, at)
    found = row(o)
    assert (found.serial_number, found.udi, found.version) == ("2345X", "04953170309236", 1)
    assert (found.warranty_until, found.contract_number) == (date(2026, 11, 23), "HT-1")
    o.report("插入部漏水", serial="2345x", hospital_id=at.id)
    page = o.get(url)
    for words in ("2345X", "虹桥示范医院", "内镜中心", "保修期内", "TKT-"):
        assert words in page, words
    o.clients.clear()  # the next day one signs in again
    with clock.frozen(MONDAY.replace(day=24)):  # the last day is covered, the next one is not
        assert "合同有效" in o.get(url)
    with o.work():
        assert db.session.scalars(sa.select(AuditEvent.event).where(AuditEvent.event.like("device.%"))).all() == [
            "device.added"
        ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"serial_number": ""}, "请填写"), ({"serial_number": "1" * 41}, "最多 40 个字"), ({"model": ""}, "请填写"),
        ({"model": "长" * 61}, "最多 60 个字"), ({"hospital_id": "x"}, "请先查找并选择医院"),
        ({"hospital_id": str(uuid.uuid4())}, "请先查找并选择医院"), ({"udi": "1" * 81}, "最多 80 个字"),
        ({"contract_number": "1" * 41}, "最多 40 个字"), ({"warranty_until": "明天"}, "日期"),
        ({"warranty_until": "9999-01-01"}, "日期太远"),
    ],
)  # fmt: skip
def test_wrong_input_is_named_and_nothing_typed_is_lost(o: Office, at: world.Place, change: Any, words: str) -> None:
    refused = o.post(NEW, card(at, **change))
    page = refused.get_data(as_text=True)
    assert refused.status_code == 422
    assert words in page
    assert 'value="HT-1"' in page or "contract_number" in change
    with o.work():
        assert db.session.scalars(sa.select(Device)).all() == []


def test_one_serial_is_registered_once(o: Office, at: world.Place) -> None:
    added(o, at)
    refused = o.post(NEW, card(at, serial_number="2345x", model="CF-H290I"))
    assert refused.status_code == 422
    assert "已经登记" in refused.get_data(as_text=True)
    assert row(o).model == "GIF-H290"


def test_two_people_at_once_the_second_sees_it_and_keeps_the_text(o: Office, at: world.Place) -> None:
    url = added(o, at)
    assert 'name="version"' in o.get(f"{url}/edit")
    assert o.post(f"{url}/edit", card(at, version="1", contract_number="HT-2")).status_code == 303
    late = o.post(f"{url}/edit", card(at, version="1", contract_number="HT-3"), "colleague")
    page = late.get_data(as_text=True)
    assert late.status_code == 409
    assert "刚刚有人改过" in page
    assert 'value="HT-3"' in page
    assert (row(o).contract_number, row(o).version) == ("HT-2", 2)
    assert o.post(f"{url}/edit", card(at, version="2", contract_number="HT-2", active=None)).status_code == 303
    assert row(o).active is False


def test_the_hospital_is_searched_without_losing_what_was_typed(o: Office, at: world.Place) -> None:
    looked = o.post(NEW, card(at, hospital_id=None, hospital_q="虹桥", look="1"))
    page = looked.get_data(as_text=True)
    assert looked.status_code == 200
    assert f'value="{at.id}" checked' in page
    assert 'value="HT-1"' in page
    assert str(at.wards["妇科"]) in page
    with o.work():
        assert db.session.scalars(sa.select(Device)).all() == []


def test_who_sees_and_who_changes_the_register(o: Office, at: world.Place) -> None:
    url = added(o, at)
    assert "2345X" in o.get("/devices", "reader")
    assert "修改设备" not in o.get(url, "reader")
    assert o.client("reader").get(f"{url}/edit").status_code == 403
    assert o.post(NEW, card(at, serial_number="9"), "reader").status_code == 403
    for path in (url, f"{url}/edit"):
        assert o.client("shanghai").get(path).status_code == 404
    assert "2345X" not in o.get("/devices", "shanghai")
    assert o.post(NEW, card(at, serial_number="9"), "shanghai").status_code == 403
    assert o.post(f"{url}/edit", card(at, version="1"), "shanghai").status_code == 404


def test_the_list_finds_by_serial_udi_hospital_and_cover(o: Office, at: world.Place) -> None:
    added(o, at)
    added(o, at, serial_number="777", udi="", warranty_until=None, contract_until=None)
    for query, shown in (
        ("serial=23", {"2345X"}), ("serial=04953170309236", {"2345X"}), ("hospital=虹桥", {"2345X", "777"}),
        ("covered=no", {"777"}), ("covered=yes", {"2345X"}), ("model=CF", set()), ("province=44", set()),
    ):  # fmt: skip
        page = o.get(f"/devices?{query}")
        assert {serial for serial in ("2345X", "777") if f">{serial}</a>" in page} == shown, query


def test_the_list_costs_a_fixed_number_of_statements(o: Office, at: world.Place) -> None:
    added(o, at)
    o.get("/devices")
    with o.statements() as few:
        o.get("/devices")
    for n in range(5):
        added(o, at, serial_number=f"9{n}", udi=None)
    with o.statements() as many:
        o.get("/devices")
    assert len(many) == len(few)
    assert len(many) <= 5, many


def test_triage_and_the_ticket_lead_to_the_device_and_a_wrong_serial_names_candidates(
    o: Office, at: world.Place
) -> None:
    url = added(o, at, serial_number="2345678", udi="04953170309236")
    ref = o.claimed(serial="2345687", hospital_id=at.id)
    page = o.get(f"{ref.url}/triage")
    assert "登记册里没有这个序列号" in page
    assert "<b>2345678</b>" in page
    assert url not in o.get(ref.url)
    printed = o.post(f"{ref.url}/triage/note", {"serial_number": "(01)04953170309236(21)2345678"}, headers=HTMX)
    assert printed.status_code == 200
    assert o.read(ref).serial_number == "2345678"
    for path in (ref.url, f"{ref.url}/triage"):
        assert f'href="{url}"' in o.get(path)
    assert "相近设备" not in o.get(f"{ref.url}/triage")
    assert f'href="{url}"' in o.get(ref.url, "reader")
