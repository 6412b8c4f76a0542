"""The depot's pages: the worklists, every act by its form, refusals that lose nothing, and what each role may do."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.web import Portal
from app.staff import queries
from app.tickets.bench import RELEASE_TESTS
from app.tickets.models import PartLine, Ticket, TicketEvent, TicketFile
from app.tickets.views.depot_acts import ACTS
from app.tickets.workflow import Status
from tests.api.phone import badge
from tests.factories import staff as accounts
from tests.features.tickets.pages import Office, Ref, office
from tests.features.tickets.people import MONDAY, Desk
from tests.features.tickets.shop import SEAL, SERIAL, WAYS, Shop

LATER = "2026-12-20"
_numbers = itertools.count(1)


@pytest.fixture
def o(app: Portal) -> Iterator[Office]:
    with clock.frozen(MONDAY):
        made = office(app)
        roles = {"bench": "depot", "bench2": "depot", "tester": "quality", "engineer": "engineer"}
        with made.work():
            for who, role in roles.items():
                made.people[who] = queries.actor_of(accounts.account(role, name=who).id)
        yield made


def shop(o: Office, ref: Ref) -> Shop:
    p = o.people
    desk = Desk(o.story, o.customer, p["triager"], p["colleague"], p["lead"])
    return Shop(desk, p["engineer"], p["bench"], p["bench2"], p["tester"], p["reader"], ref.id)


def at(o: Office, status: str) -> Ref:
    """A ticket of a new device, brought to ``status`` by the services."""
    ref = o.report(f"插入部漏水 {next(_numbers)}", serial=SERIAL, device_model="GIF-H290")
    with o.work():
        WAYS[status](shop(o, ref))
    return ref


def act(o: Office, ref: Ref, name: str, who: str = "bench", **data: Any) -> Any:
    page = o.get(f"/depot/{ref.number}/{name}", who)
    version = re.search(r'name="version"[^>]*value="(\d+)"', page)
    assert version is not None
    return o.post(f"/depot/{ref.number}/{name}", {"version": version.group(1), **data}, who)


def picture() -> tuple[io.BytesIO, str]:
    return io.BytesIO(badge()), "a.jpg"


def whole_sheet(**changed: str) -> dict[str, str]:
    filled = {f"{t.key}-passed": "yes" for t in RELEASE_TESTS}
    for test in (t for t in RELEASE_TESTS if t.gauged):
        filled |= {f"{test.key}-value": "0.02", f"{test.key}-gauge": "G-17", f"{test.key}-until": LATER}
    return {**filled, **changed}


def test_a_device_goes_through_the_depot_by_pages_alone(o: Office) -> None:
    ref = at(o, "collecting")
    assert ref.number in o.get("/depot", "bench")
    assert act(o, ref, "receive", serial=SERIAL, seal=SEAL, photos=picture()).status_code == 303
    parts = {
        "part_number": ["P-1", ""],
        "part_name": ["弯曲橡皮", ""],
        "part_quantity": ["2", "1"],
        "part_eta": [LATER, ""],
    }
    assert act(o, ref, "parts", **parts).status_code == 303
    assert ref.number in o.get("/depot?tab=parts", "bench")
    with o.work():
        line = db.session.scalars(sa.select(PartLine.id)).one()
    assert act(o, ref, "account", **{f"part-{line}": "arrived"}).status_code == 303
    quote = {"line_name": "更换弯曲橡皮", "line_quantity": "1", "line_price": "1,250.50", "words": "更换并测漏",
             "valid_until": "2026-11-28"}  # fmt: skip
    assert act(o, ref, "quote", **quote).status_code == 303
    assert "¥1,250.50" in o.get(f"/depot/{ref.number}", "bench")
    assert "tk-strip" in o.get(ref.url), "the ticket's page shows the stay"
    assert (
        o.post(f"{ref.url}/act/accepted", {"version": o.read(ref).version, "text": "与设备科通话"}).status_code == 303
    )
    done = {"fault": "弯曲橡皮破损", "action": "更换", f"part-{line}": "used"}
    assert act(o, ref, "repair", **done).status_code == 303
    assert act(o, ref, "test", "tester", then="fail", **whole_sheet(**{"leak-passed": "no"})).status_code == 303
    assert "返修 1 次" in o.get(f"/depot/{ref.number}", "bench")
    assert act(o, ref, "repair", fault="仍渗漏", action="重新粘接").status_code == 303
    assert act(o, ref, "test", "tester", then="release", **whole_sheet()).status_code == 303
    assert act(o, ref, "send", holder="courier", courier_number="SF100").status_code == 303
    assert act(o, ref, "deliver", signed="1", photos=picture()).status_code == 303
    assert o.read(ref).status == "resolved"
    page = o.get(ref.url)
    for words in ("设备去向", "SF100", "弯曲橡皮破损", "合格", "¥1,250.50"):
        assert words in page, words


def test_a_refusal_keeps_what_was_typed_and_says_what_is_missing(o: Office) -> None:
    ref = at(o, "collecting")
    answer = act(o, ref, "receive", serial="7654321", seal=SEAL, accessories="<b>活检钳</b>", photos=picture())
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "序列号与工单上的不一致" in text
    assert 'value="7654321"' in text
    assert "&lt;b&gt;活检钳&lt;/b&gt;" in text
    answer = act(o, ref, "receive", serial=SERIAL, seal=SEAL, photos=(io.BytesIO(b"no picture"), "a.jpg"))
    assert (answer.status_code, "第 1 张" in answer.get_data(as_text=True)) == (415, True) or answer.status_code == 422
    assert o.read(ref).status == "collecting"
    with o.work():
        assert db.session.scalars(sa.select(TicketFile)).all() == []


def test_rows_of_a_quote_and_of_a_sheet_stay_as_typed(o: Office) -> None:
    ref = at(o, "in_depot")
    rows = {"line_name": ["漏", "=1+1"], "line_quantity": ["x", "2"], "line_price": ["一百", "3.333"]}
    answer = act(o, ref, "quote", **rows, words="含税", valid_until="2026-11-01")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    for words in ("=1+1", "一百", "3.333", "第 1 行", "有效期从明天起"):
        assert words in text, words
    with o.work():
        shop(o, ref).repair()
    answer = act(o, ref, "test", "tester", then="release", **whole_sheet(**{"leak-until": "2026-11-01"}))
    assert answer.status_code == 422
    assert "量具已过校准期" in answer.get_data(as_text=True)
    assert 'value="2026-11-01"' in answer.get_data(as_text=True)


def test_an_old_page_is_told_that_a_colleague_was_faster(o: Office) -> None:
    ref = at(o, "in_depot")
    old = o.read(ref).version
    assert act(o, ref, "repair", fault="破损", action="更换").status_code == 303
    answer = o.post(f"/depot/{ref.number}/quote", {"version": old, "words": "含税"}, "bench2")
    assert answer.status_code == 409
    text = answer.get_data(as_text=True)
    assert "bench" in text
    assert "含税" in text


def test_an_unrepaired_device_leaves_with_its_label_only(o: Office) -> None:
    ref = at(o, "in_depot")
    assert o.post(f"{ref.url}/act/unrepaired", {"reason": "not_repairable"}, "lead").status_code == 303
    assert o.post(f"{ref.url}/act/unrepaired", {"reason": "not_repairable"}).status_code == 403
    assert "未维修 请勿使用" in o.get(f"/depot/{ref.number}/label", "bench")
    answer = act(o, ref, "send", holder="courier", courier_number="SF1")
    assert (answer.status_code, "标签才能离开" in answer.get_data(as_text=True)) == (422, True)
    assert act(o, ref, "send", holder="courier", courier_number="SF1", label="1").status_code == 303


def test_a_lead_approves_biohazard_packing_once_per_collection(o: Office) -> None:
    ref = at(o, "scheduled")
    assert o.post(f"{ref.url}/act/biohazard", {}).status_code == 403
    assert "批准按生物危害包装取件" in o.get(ref.url, "lead")
    assert o.post(f"{ref.url}/act/biohazard", {}, "lead").status_code == 303
    assert o.read(ref).biohazard_by == o.people["lead"].id
    assert "批准按生物危害包装取件" not in o.get(ref.url, "lead")


@pytest.mark.parametrize("status", sorted(set(WAYS) - {"closed"}))
def test_every_act_by_every_role_in_a_status_not_listed_for_it_answers_403_or_409_and_writes_nothing(
    o: Office, status: str
) -> None:
    """Acceptance sentence 1 at the edge: the pages' own posts."""
    ref = at(o, status)

    def trace() -> tuple[Any, ...]:
        with o.work():
            row = db.session.get_one(Ticket, ref.id)
            return row.version, row.status, db.session.scalar(sa.select(sa.func.count()).select_from(TicketEvent))

    before = trace()
    for name, one in ACTS.items():
        for who in ("bench", "tester", "triager", "engineer", "reader"):
            if o.people[who].may(one.permission) and Status(status) in one.statuses:
                continue
            data = {"version": before[0], "serial": SERIAL, "seal": SEAL, "signed": "1", "then": "release",
                    "fault": "漏", "action": "换", "photos": picture(), **whole_sheet()}  # fmt: skip
            answer = o.post(f"/depot/{ref.number}/{name}", data, who)
            refused = (403, 409, 422) if o.people[who].may(one.permission) else (403,)
            assert answer.status_code in refused, (status, name, who, answer.status_code)
    assert trace() == before


def test_photos_are_marked_audited_and_gone_with_the_device(o: Office) -> None:
    ref = at(o, "collecting")
    assert act(o, ref, "receive", serial=SERIAL, seal=SEAL, photos=picture()).status_code == 303
    url = re.search(rf"/depot/{ref.number}/photos/[0-9a-f-]+", o.get(f"/depot/{ref.number}", "tester"))
    assert url is not None
    headers = {"Sec-Fetch-Dest": "image", "Sec-Fetch-Site": "same-origin"}
    assert o.client("tester").get(url.group(), headers=headers).mimetype == "image/jpeg"
    assert o.client("reader").get(url.group(), headers=headers).status_code == 403
    with o.work():
        opened = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.event == "ticket.photo_opened")).one()
        assert opened.reason_code == "depot"
        db.session.execute(sa.update(Ticket).values(status="closed"))
    assert o.client("tester").get(url.group(), headers=headers).status_code == 403


def test_the_list_and_the_bench_cost_a_fixed_number_of_statements(o: Office) -> None:
    refs = [at(o, "in_depot") for _n in range(2)]
    counts = []
    for more in (0, 4):
        for _n in range(more):
            at(o, "in_depot")
        o.get("/depot?tab=repair", "bench")
        with o.statements() as sent:
            o.get("/depot?tab=repair", "bench")
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 6, counts
    with o.statements() as sent:
        o.get(f"/depot/{refs[0].number}", "bench")
    assert len(sent) <= 13, [text for text, _values in sent]


def test_what_waits_stands_on_today_for_bench_and_tester(o: Office) -> None:
    repair, release = at(o, "in_depot"), at(o, "release_test")
    assert repair.number in o.get("/", "bench")
    assert release.number not in o.get("/", "bench")
    assert release.number in o.get("/", "tester")


def test_a_month_later_overdue_parts_are_said(o: Office) -> None:
    ref = at(o, "wait_parts")
    with clock.frozen(MONDAY + timedelta(days=4)):
        assert "已过" in o.get(f"/depot/{ref.number}", "bench")
